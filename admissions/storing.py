"""Write applications down: sealed, stored and committed to the log, whether they came in a file or from a person."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from admissions.chunks import Candidate
from admissions.commitments import submission_fields
from admissions.models.applications import Application, IdentityMapping, new_receipt_ref, new_reference
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Status
from admissions.rows import Draft
from audit.chain import commitment
from audit.log import commit_many
from enigma.encryption import WrappedKey
from enigma.keys import keyring

_DOOR = """
    SELECT phase, opens_at, closes_at, clock_timestamp() FROM admission_cycles WHERE id = %s FOR KEY SHARE
"""
_NEW_IDS = "SELECT nextval(pg_get_serial_sequence('applications', 'id')) FROM generate_series(1, %s)"
_COPY_APPLICATIONS = """
    COPY applications (id, admission_cycle_id, applicant_id, reference, receipt_ref, external_id, status, gpa,
                       test_scores, submitted_at, created_at, set_aside_by, set_aside_reason) FROM STDIN
"""
_COPY_IDENTITIES = """
    COPY identity_mapping (application_id, admission_cycle_id, email_bidx, fingerprint, wrapped_key, key_id,
                           sealed_identity, sealed_texts) FROM STDIN
"""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a cycle stands while its row is held, and what the database's clock says."""

    phase: str
    opens_at: datetime | None
    closes_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """One application as it was written, with the salt of its commitment; only for the transaction that writes it."""

    pk: int
    candidate: Candidate
    reference: str
    receipt_ref: UUID
    salt: bytes

    def commitment(self) -> str:
        """What the public log holds of it, in hex."""
        return commitment("submission", _committed(self.candidate.draft), salt=self.salt).hex()


def hold_door(cycle: AdmissionCycle) -> Door:
    """Hold the cycle's row until the end of the transaction, and return where it stands.

    A freeze takes the row FOR UPDATE: it waits for whoever holds it here, and whoever comes later sees its phase.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DOOR, [cycle.pk])
        return Door(*cursor.fetchone())


def store(
    cycle: AdmissionCycle, fresh: list[Candidate], *, now: datetime, applicant_id: int | None = None
) -> list[Stored]:
    """Seal, store and commit applications; return them in the order given.

    Needs ``hold_door`` in the same transaction. Raises psycopg's UniqueViolation, which Django does not wrap after a
    COPY, when somebody else has taken an address, an external id or the person's place in this cycle.
    """
    if not fresh:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NEW_IDS, [len(fresh)])
        pks = [pk for (pk,) in cursor.fetchall()]
        stored = [
            Stored(pk, one, new_reference(), new_receipt_ref(), os.urandom(32))
            for pk, one in zip(pks, fresh, strict=True)
        ]
        # In the order of what must be unique: two imports of the same people then wait for each other, not in a ring.
        with cursor.copy(_COPY_APPLICATIONS) as copy:
            for one in sorted(stored, key=lambda one: one.candidate.draft.external_id or ""):
                copy.write_row(_application_row(cycle, one, now, applicant_id))
        with cursor.copy(_COPY_IDENTITIES) as copy:
            for one in sorted(stored, key=lambda one: one.candidate.email_bidx):
                copy.write_row(_identity_row(cycle, one))
    commit_submissions(cycle, stored)
    return stored


def replace(identity: IdentityMapping, one: Stored, *, now: datetime) -> None:
    """Seal and store an application in the place of what it was, under a new key; it is committed to the log anew.

    Needs ``hold_door`` and both rows locked in the same transaction.
    """
    draft = one.candidate.draft
    wrapped, sealed_identity, sealed_texts = _sealed(one)
    IdentityMapping.objects.filter(pk=identity.pk).update(
        fingerprint=one.candidate.fingerprint,
        wrapped_key=wrapped.token,
        key_id=wrapped.key_id,
        sealed_identity=sealed_identity,
        sealed_texts=sealed_texts,
    )
    Application.objects.filter(pk=one.pk).update(gpa=draft.gpa, test_scores=_json_scores(draft), changed_at=now)
    commit_submissions(identity.admission_cycle, [one])


def commit_submissions(cycle: AdmissionCycle, stored: Iterable[Stored]) -> None:
    """Commit to the public log what was handed in."""
    commit_many("submission", cycle_ref=cycle.ref.hex, rows=_commitments(stored))


def _application_row(cycle: AdmissionCycle, one: Stored, now: datetime, applicant_id: int | None) -> tuple[Any, ...]:
    draft = one.candidate.draft
    tests = json.dumps(_json_scores(draft))
    head = (one.pk, cycle.pk, applicant_id, one.reference, one.receipt_ref, draft.external_id, Status.SUBMITTED.value)
    return (*head, draft.gpa, tests, draft.timestamp or now, now, "", "")


def _json_scores(draft: Draft) -> dict[str, int | float]:
    return {name: _json_number(score) for name, score in draft.test_scores.items()}


def _json_number(score: Decimal | int) -> int | float:
    return int(score) if score == int(score) else float(score)


def _identity_row(cycle: AdmissionCycle, one: Stored) -> tuple[Any, ...]:
    wrapped, identity, texts = _sealed(one)
    hashes = (one.candidate.email_bidx, one.candidate.fingerprint)
    return (one.pk, cycle.pk, *hashes, wrapped.token, wrapped.key_id, identity, texts)


def _sealed(one: Stored) -> tuple[WrappedKey, str, str]:
    draft, record_id = one.candidate.draft, str(one.pk)
    key, wrapped = keyring().new_key()
    person = {**_person(draft), "salt": one.salt.hex()}
    identity = key.seal(person, record=record_id, kind=IdentityMapping.IDENTITY)
    return wrapped, identity, key.seal(_texts(draft), record=record_id, kind=IdentityMapping.TEXTS)


def _person(draft: Draft) -> dict[str, Any]:
    return {"name": draft.name, "email": draft.email, "phone": draft.phone, "address": draft.address}


def _texts(draft: Draft) -> dict[str, Any]:
    return {"essay": draft.essay, "achievements": draft.achievements}


def _committed(draft: Draft) -> dict[str, Any]:
    return submission_fields(_person(draft), _texts(draft), gpa=draft.gpa, test_scores=draft.test_scores)


def _commitments(stored: Iterable[Stored]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for one in stored:
        yield one.receipt_ref.hex, one.salt, _committed(one.candidate.draft)
