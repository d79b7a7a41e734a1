"""What the public log holds of an identity that was opened behind a blind copy, and whether it still says so."""

import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Substr

from admissions.models.applications import IdentityMapping
from audit.chain import commitment
from audit.models import AuditLog, HashChain, LogOutbox

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

KIND = "unblind"
ACTION = "identity.reveal"
VERSION = 1


def unblind_fields(*, blind: str, number: int | None, actor: str, reason: str | None) -> dict[str, Any]:
    """Return the fields of an «unblind»: which copy, for which time it was opened, by whom and why."""
    return {"blind": blind, "number": number, "actor": actor, "reason": reason, "version": VERSION}


def unblind_salt(cycle: "AdmissionCycle", ref: str) -> bytes:
    """The salt of those leaves; that of the submission is sealed with the identity, which is not open yet.

    It is HMAC-SHA-256(log salt of the cycle, "enigma/unblind-salt/v1" LF ref), 32 bytes.
    """
    return hmac.digest(bytes(cycle.log_salt), b"enigma/unblind-salt/v1\n" + bytes.fromhex(ref), "sha256")


def times_opened(ref: str) -> int:
    """Count how often the identity of an application was opened, what still waits for the log included."""
    logged = HashChain.objects.filter(decision_type=KIND, subject_ref=ref).count()
    return logged + LogOutbox.objects.filter(kind=KIND, subject_ref=ref).count()


def unblind_faults(cycle: "AdmissionCycle") -> Iterator[tuple[str, str]]:
    """Yield reference and reason where leaves and entries of opened identities are not the same; "-" names none."""
    told = _told(cycle)
    logged = _logged(cycle)
    for ref in sorted(told.keys() | logged.keys()):
        if sorted(told.get(ref, [])) != sorted(logged.get(ref, [])):
            yield ref, "what the audit log tells of opening this identity is not what the public log committed to"


def _told(cycle: "AdmissionCycle") -> dict[str, list[str]]:
    """The commitments that the audit entries give, by reference; who is behind a copy says identity_mapping."""
    entries = AuditLog.objects.filter(action=ACTION, details__cycle=cycle.code).order_by("log_id")
    told = [(entry.entity_id, entry.details, entry.actor_id) for entry in entries.iterator()]
    blind = {copy for copy, _, _ in told}
    refs = IdentityMapping.objects.filter(admission_cycle=cycle, anonymized__in=blind)
    ref_of = {copy.hex: ref.hex for copy, ref in refs.values_list("anonymized", "application__receipt_ref")}
    found: dict[str, list[str]] = {}
    for copy, details, actor in told:
        ref = ref_of.get(copy, "-")
        fields = unblind_fields(blind=copy, number=details.get("number"), actor=actor, reason=details.get("reason"))
        salt = unblind_salt(cycle, "" if ref == "-" else ref)
        found.setdefault(ref, []).append(commitment(KIND, fields, salt=salt).hex())
    return found


def _logged(cycle: "AdmissionCycle") -> dict[str, list[str]]:
    # Where the cycle and the commitment stand in a leaf: docs/audit.md, «Exact bytes».
    mine = HashChain.objects.filter(decision_type=KIND).annotate(cycle=Substr("data_json", 87, 32))
    found: dict[str, list[str]] = {}
    for ref, leaf in mine.filter(cycle=cycle.ref.hex).values_list("subject_ref", "data_json"):
        found.setdefault(ref, []).append(leaf[11:75])
    return found
