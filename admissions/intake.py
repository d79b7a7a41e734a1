"""Take applications in from a file: validate, seal, store, commit to the log, a chunk a transaction."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from accounts.actors import Actor
from admissions.chunks import Candidate, Chunk, Rejected, chunks
from admissions.commitments import submission_fields
from admissions.models.applications import Application, IdentityMapping, new_receipt_ref, new_reference
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError, Status
from admissions.readers import Fault, Format, read
from admissions.rows import Draft
from audit.log import commit_many, record
from enigma.errors import Conflict
from enigma.keys import keyring

RACES_ALLOWED = 5

_NEW_IDS = "SELECT nextval(pg_get_serial_sequence('applications', 'id')) FROM generate_series(1, %s)"
_COPY_APPLICATIONS = """
    COPY applications (id, admission_cycle_id, reference, receipt_ref, external_id, status, gpa, test_scores,
                       submitted_at, created_at, set_aside_by, set_aside_reason) FROM STDIN
"""
_COPY_IDENTITIES = """
    COPY identity_mapping (application_id, admission_cycle_id, email_bidx, fingerprint, wrapped_key, key_id,
                           sealed_identity, sealed_texts) FROM STDIN
"""


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
                _store(cycle, sorted_out.fresh)
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
    # A freeze takes the row FOR UPDATE: it waits for this chunk, and later chunks see that the door is closed.
    with connection.cursor() as cursor:
        cursor.execute("SELECT phase FROM admission_cycles WHERE id = %s FOR KEY SHARE", [cycle.pk])
        phase = cursor.fetchone()[0]
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


@dataclass(frozen=True, slots=True)
class _Sealed:
    pk: int
    candidate: Candidate
    receipt_ref: Any
    salt: bytes


def _store(cycle: AdmissionCycle, fresh: list[Candidate]) -> None:
    if not fresh:
        return
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NEW_IDS, [len(fresh)])
        pks = [pk for (pk,) in cursor.fetchall()]
        sealed = [_Sealed(pk, one, new_receipt_ref(), os.urandom(32)) for pk, one in zip(pks, fresh, strict=True)]
        # In the order of what must be unique: two imports of the same people then wait for each other, not in a ring.
        with cursor.copy(_COPY_APPLICATIONS) as copy:
            for one in sorted(sealed, key=lambda one: one.candidate.draft.external_id or ""):
                copy.write_row(_application_row(cycle, one, now))
        with cursor.copy(_COPY_IDENTITIES) as copy:
            for one in sorted(sealed, key=lambda one: one.candidate.email_bidx):
                copy.write_row(_identity_row(cycle, one))
    commit_many("submission", cycle_ref=cycle.ref.hex, rows=_commitments(sealed))


def _application_row(cycle: AdmissionCycle, one: _Sealed, now: datetime) -> tuple[Any, ...]:
    draft = one.candidate.draft
    tests = json.dumps({name: _json_number(score) for name, score in draft.test_scores.items()})
    submitted = draft.timestamp or now
    head = (one.pk, cycle.pk, new_reference(), one.receipt_ref, draft.external_id, Status.SUBMITTED.value)
    return (*head, draft.gpa, tests, submitted, now, "", "")


def _json_number(score: Decimal | int) -> int | float:
    return int(score) if score == int(score) else float(score)


def _identity_row(cycle: AdmissionCycle, one: _Sealed) -> tuple[Any, ...]:
    draft, record_id = one.candidate.draft, str(one.pk)
    key, wrapped = keyring().new_key()
    person = {**_person(draft), "salt": one.salt.hex()}
    identity = key.seal(person, record=record_id, kind=IdentityMapping.IDENTITY)
    texts = key.seal(_texts(draft), record=record_id, kind=IdentityMapping.TEXTS)
    hashes = (one.candidate.email_bidx, one.candidate.fingerprint)
    return (one.pk, cycle.pk, *hashes, wrapped.token, wrapped.key_id, identity, texts)


def _person(draft: Draft) -> dict[str, Any]:
    return {"name": draft.name, "email": draft.email, "phone": draft.phone, "address": draft.address}


def _texts(draft: Draft) -> dict[str, Any]:
    return {"essay": draft.essay, "achievements": draft.achievements}


def _commitments(sealed: Iterable[_Sealed]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for one in sealed:
        draft = one.candidate.draft
        fields = submission_fields(_person(draft), _texts(draft), gpa=draft.gpa, test_scores=draft.test_scores)
        yield one.receipt_ref.hex, one.salt, fields
