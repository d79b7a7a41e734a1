"""What the public log holds of a cycle: how many records have leaves of a kind, and if a milestone is as committed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection

from audit.chain import commitment
from audit.models import HashChain, LogOutbox
from enigma.errors import Malformed

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

# The commitment stands at character 12 of a leaf, the cycle at character 87 (docs/audit.md, «Exact bytes»).
_COUNT = (
    "SELECT count(DISTINCT subject_ref) FROM hash_chain WHERE decision_type = %s AND substr(data_json, 87, 32) = %s"
)


def waiting(cycle: "AdmissionCycle") -> int:
    """Count the public entries of a cycle that are not in the log yet."""
    return LogOutbox.objects.filter(cycle_ref=cycle.ref.hex).count()


def leaves(cycle: "AdmissionCycle", kind: str) -> int:
    """Count the records of a cycle that have a leaf of that kind; a submission that was changed has several."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [kind, cycle.ref.hex])
        count: int = cursor.fetchone()[0]
    return count


def is_committed(cycle: "AdmissionCycle", kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether the one milestone of that kind, in the log or on its way there, commits to exactly these fields."""
    mine = {"subject_ref": cycle.ref.hex}
    logged = HashChain.objects.filter(decision_type=kind, **mine).values_list("data_json", flat=True)
    noted = LogOutbox.objects.filter(kind=kind, cycle_ref=cycle.ref.hex, **mine).values_list("commitment", flat=True)
    committed = [*(leaf[11:75] for leaf in logged), *noted]
    try:
        return committed == [commitment(kind, fields, salt=bytes(cycle.log_salt)).hex()]
    except Malformed:  # records or a salt that no step can have committed
        return False
