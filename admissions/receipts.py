"""What somebody keeps of an application that they handed in, read from the log that it was committed to."""

from dataclasses import dataclass
from datetime import datetime

from admissions.models.applications import Application
from audit.models import HashChain, LogOutbox

KIND = "submission"


@dataclass(frozen=True, slots=True)
class Entry:
    """The latest entry of a submission: what it commits to, and its number and time once it is in the log."""

    commitment: str
    number: int | None
    at: datetime | None


def entry_of(application: Application) -> Entry | None:
    """Return the entry that counts; one that still waits for the log comes after all that are in it."""
    own = {"subject_ref": application.receipt_ref.hex}
    waiting = LogOutbox.objects.filter(kind=KIND, **own).order_by("-pk").values_list("commitment", flat=True).first()
    if waiting:
        return Entry(waiting, None, None)
    leaf = HashChain.objects.filter(decision_type=KIND, **own).order_by("-chain_id").first()
    return Entry(leaf.data_json[11:75], leaf.chain_id, leaf.timestamp) if leaf else None
