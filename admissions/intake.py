"""Take applications in from a file: validate, seal, store, commit to the log, a chunk a transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from accounts.actors import Actor
from admissions.chunks import Candidate, Chunk, Rejected, chunks
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError
from admissions.readers import Fault, Format, read
from admissions.storing import hold_door, store
from audit.log import record
from enigma.errors import Conflict

RACES_ALLOWED = 5


@dataclass(slots=True)
class Tally:
    """How many rows the file held and what became of them; the last three always add up to the first."""

    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Sorted:
    fresh: list[Candidate] = field(default_factory=list)
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_applications(
    stream: BinaryIO,
    cycle: AdmissionCycle,
    *,
    format: Format,
    actor: Actor,
    on_rejected: Callable[[Rejected], None],
    on_progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Import a whole stream; bad rows are handed to ``on_rejected`` and good rows land.

    A row that is stored already is «unchanged», so the same file again, or a killed import begun anew, adds nothing.
    Raises Malformed for a header that cannot be read, PhaseError outside the submission phase, Denied by role.
    """
    actor.require("applications.import")
    with transaction.atomic():
        _hold_open(cycle, Tally())
    tally = Tally()
    for chunk in chunks(read(stream, format=format), cycle):
        imported, unchanged, rejected = _import_chunk(cycle, chunk, actor, tally)
        tally.rows += chunk.rows
        tally.imported += imported
        tally.unchanged += unchanged
        tally.rejected += len(rejected)
        for one in rejected:
            on_rejected(one)
        on_progress(tally)
        del chunk  # before the next one is gathered: one is in memory, not two
    return tally


def _import_chunk(cycle: AdmissionCycle, chunk: Chunk, actor: Actor, before: Tally) -> tuple[int, int, list[Rejected]]:
    for _ in range(RACES_ALLOWED):
        try:
            with transaction.atomic():
                _hold_open(cycle, before)
                sorted_out = _sort_out(cycle, chunk.candidates)
                store(cycle, sorted_out.fresh, now=timezone.now())
                if sorted_out.fresh:
                    lines = f"{chunk.first}-{chunk.last}"
                    counts: dict[str, Any] = {"lines": lines, "imported": len(sorted_out.fresh)}
                    record("applications.import", actor=actor, entity=("cycle", cycle.code), **counts)
        except UniqueViolation:  # Django does not wrap what COPY raises
            continue  # another import took one of these addresses between our look and our write: look again
        all_rejected = sorted([*chunk.rejected, *sorted_out.rejected], key=lambda one: one.row)
        return len(sorted_out.fresh), sorted_out.unchanged, all_rejected
    raise Conflict(f"Other imports into {cycle.code} keep taking the same addresses; try again.")


def _hold_open(cycle: AdmissionCycle, before: Tally) -> None:
    phase = hold_door(cycle).phase
    if phase != Phase.SUBMISSION:
        taken = f" The first {before.rows} rows of the file were taken in before." if before.rows else ""
        raise PhaseError(f"{cycle.code} takes no more applications: it is in {phase}.{taken}")


def _sort_out(cycle: AdmissionCycle, candidates: list[Candidate]) -> _Sorted:
    """Tell new rows from rows that are stored already and from rows whose address or external id is taken."""
    bidxs = [one.email_bidx for one in candidates]
    stored = IdentityMapping.objects.filter(admission_cycle=cycle, email_bidx__in=bidxs)
    known = {bytes(bidx): bytes(mark) for bidx, mark in stored.values_list("email_bidx", "fingerprint")}
    ids = [one.draft.external_id for one in candidates if one.draft.external_id]
    mine = Application.objects.of(cycle).filter(external_id__in=ids)
    taken_ids = set(mine.values_list("external_id", flat=True))
    result = _Sorted()
    for one in candidates:
        if known.get(one.email_bidx) == one.fingerprint:
            result.unchanged += 1
        elif one.email_bidx in known:
            fault = Fault("email", "this address already has an application in this cycle")
            result.rejected.append(Rejected(one.line, one.row, [fault]))
        elif one.draft.external_id in taken_ids:
            fault = Fault("external_id", "another application of this cycle has this id")
            result.rejected.append(Rejected(one.line, one.row, [fault]))
        else:
            result.fresh.append(one)
            known[one.email_bidx] = one.fingerprint
            taken_ids |= {one.draft.external_id} - {None}
    return result
