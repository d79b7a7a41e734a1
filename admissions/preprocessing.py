"""Scrub and measure, a chunk a transaction: the one place where a person's texts become a blind copy."""

import hashlib
import json
import logging
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.actors import system
from admissions.metrics import Metrics, measure
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, Status
from admissions.queue import CHUNK
from admissions.rules import ranges
from admissions.scrubbing import VERSION, Identity, scrub
from audit.log import record
from enigma.encryption import DataKey, UnreadableRecord
from enigma.keys import keyring

log = logging.getLogger(__name__)

# Every chunk takes the first rows that the index by status still has. In the order of ids, or by scanning the table,
# each would walk over all that is done already, and the whole grow with the square of the applications.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
# SKIP LOCKED: what another worker holds, this one leaves alone. A killed worker's rows are free again at once.
_CLAIM = """
    WITH claimed AS MATERIALIZED (
        SELECT id, gpa, test_scores FROM applications
         WHERE admission_cycle_id = %s AND status = 'preprocessing'
         LIMIT %s
           FOR UPDATE SKIP LOCKED
    )
    SELECT claimed.id, claimed.gpa, claimed.test_scores,
           identity.wrapped_key, identity.sealed_identity, identity.sealed_texts
      FROM claimed
      JOIN identity_mapping AS identity ON identity.application_id = claimed.id
"""
_COPY_BLIND = """
    COPY anonymized_applications (anonymized_id, admission_cycle_id, gpa, test_scores, sealed_texts, texts_sha256,
                                  scrubber, is_exported) FROM STDIN
"""
_COPY_METRICS = "COPY deterministic_metrics (anonymized_id, gpa_score, test_score, academic_score) FROM STDIN"
_DONE = "UPDATE applications SET status = 'batch_ready' WHERE id = ANY(%s)"
_LINK = """
    UPDATE identity_mapping SET anonymized_id = link.blind
      FROM unnest(%s::bigint[], %s::uuid[]) AS link (application, blind)
     WHERE application_id = link.application
"""


@dataclass(frozen=True, slots=True)
class BlindCopy:
    """What one application becomes."""

    application_id: int
    anonymized_id: uuid.UUID
    gpa: Decimal
    test_scores: dict[str, Any]
    sealed_texts: str
    texts_sha256: bytes
    metrics: Metrics


def preprocess_chunk(cycle: AdmissionCycle, *, limit: int = CHUNK) -> int:
    """Make the blind copies of up to ``limit`` waiting applications, in one transaction; return how many were taken.

    An application whose record does not open is marked failed and audited; the others of the chunk go on.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(_CLAIM, [cycle.pk, limit])
        rows = cursor.fetchall()
        if not rows:
            return 0
        copies, failed = _blind_copies(cycle, rows)
        _store(cycle, copies)
        _mark_failed(cycle, failed)
    return len(rows)


def remaining(cycle: AdmissionCycle) -> int:
    """Count the applications that still wait for their blind copy."""
    return Application.objects.of(cycle).filter(status=Status.PREPROCESSING).count()


def unfinished_cycles() -> Iterable[AdmissionCycle]:
    """The cycles whose preprocessing is not at its end."""
    waiting = Application.objects.filter(status=Status.PREPROCESSING).values("admission_cycle")
    return AdmissionCycle.objects.filter(phase=Phase.PREPROCESSING, pk__in=waiting)


def _blind_copies(cycle: AdmissionCycle, rows: Iterable[tuple[Any, ...]]) -> tuple[list[BlindCopy], list[int]]:
    cycle_key = keyring().unwrap(cycle.wrapped_key)
    measuring = _measuring(cycle)
    copies, failed = [], []
    for pk, gpa, tests, wrapped, sealed_identity, sealed_texts in rows:
        test_scores = json.loads(tests)
        try:
            key = keyring().unwrap(wrapped)
            identity = key.open(sealed_identity, record=str(pk), kind=IdentityMapping.IDENTITY)
            texts = key.open(sealed_texts, record=str(pk), kind=IdentityMapping.TEXTS)
        except UnreadableRecord:
            log.error("application %s does not open; it is marked failed", pk)
            failed.append(pk)
            continue
        anonymized_id = uuid.uuid4()
        sealed, digest = _scrubbed(texts, identity, cycle_key, anonymized_id)
        copies.append(BlindCopy(pk, anonymized_id, gpa, test_scores, sealed, digest, measuring(gpa, test_scores)))
    return copies, failed


def _measuring(cycle: AdmissionCycle) -> Any:
    tests = ranges(cycle.tests)

    def measured(gpa: Decimal, scores: dict[str, Any]) -> Metrics:
        return measure(
            gpa,
            {name: Decimal(str(score)) for name, score in scores.items()},
            scale=cycle.gpa_scale,
            tests=tests,
            gpa_weight=cycle.weight_academic,
            test_weight=cycle.weight_test,
        )

    return measured


def _scrubbed(
    texts: dict[str, str], identity: dict[str, Any], key: DataKey, anonymized_id: uuid.UUID
) -> tuple[str, bytes]:
    person = Identity(*(identity[field] or None for field in ("name", "email", "phone", "address")))
    blind = {field: scrub(texts[field], person).text for field in ("essay", "achievements")}
    digest = hashlib.sha256("\0".join(blind.values()).encode()).digest()
    return key.seal(blind, record=anonymized_id.hex, kind="blind"), digest


def _store(cycle: AdmissionCycle, copies: list[BlindCopy]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(_COPY_BLIND) as copy:
            for row in _blind_rows(cycle, copies):
                copy.write_row(row)
        with cursor.copy(_COPY_METRICS) as copy:
            for one in copies:
                metrics = one.metrics
                copy.write_row((one.anonymized_id, metrics.gpa_score, metrics.test_score, metrics.academic_score))
        done = [one.application_id for one in copies]
        cursor.execute(_LINK, [done, [one.anonymized_id for one in copies]])
        cursor.execute(_DONE, [done])


def _blind_rows(cycle: AdmissionCycle, copies: list[BlindCopy]) -> Iterator[tuple[Any, ...]]:
    # In the order of the random ids, so that the place in the table tells nothing about the order of submission.
    for one in sorted(copies, key=lambda copy: copy.anonymized_id):
        tests = json.dumps(one.test_scores)
        yield one.anonymized_id, cycle.pk, one.gpa, tests, one.sealed_texts, one.texts_sha256, VERSION, False


def _mark_failed(cycle: AdmissionCycle, failed: list[int]) -> None:
    if not failed:
        return
    Application.objects.filter(pk__in=failed).update(status=Status.FAILED)
    for application in Application.objects.filter(pk__in=failed):
        entity = ("application", application.receipt_ref.hex)
        record("application.unreadable", actor=system(), entity=entity, outcome="failed", cycle=cycle.code)
