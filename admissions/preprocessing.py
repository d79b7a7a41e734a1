"""Scrub and measure, a chunk a transaction: the one place where a person's texts become a blind copy."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
from enigma.encryption import DataKey
from enigma.keys import keyring

log = logging.getLogger(__name__)

# Every chunk takes the first rows that the index of the waiting ones still has. By scanning the table, or by sorting
# what waits, each would walk over all applications, and the whole grow with their square; the planner, whose
# statistics are those of the table before everybody was moved, could take either for cheap.
_BY_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"
# In the order of a random code that no log shows, so that who was submitted together is not scrubbed together: the
# blind copies of a chunk stand side by side in their table. SKIP LOCKED: what another worker holds, this one leaves
# alone, and a killed worker's rows are free again at once. LEFT: who has no identity must fail by name, not wait.
_CLAIM = """
    WITH claimed AS MATERIALIZED (
        SELECT id, gpa, test_scores FROM applications
         WHERE admission_cycle_id = %s AND status = 'preprocessing'
         ORDER BY reference
         LIMIT %s
           FOR UPDATE SKIP LOCKED
    )
    SELECT claimed.id, claimed.gpa, claimed.test_scores,
           identity.wrapped_key, identity.sealed_identity, identity.sealed_texts
      FROM claimed
      LEFT JOIN identity_mapping AS identity ON identity.application_id = claimed.id
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


class Unusable(Exception):
    """No blind copy can be made of an application; ``reason`` is a code, and no content goes with it."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(f"{reason} ({kind})")
        self.reason = reason


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

    An application whose record does not open, or that cannot be measured or scrubbed, is marked failed and audited
    with a code for the reason; the others of the chunk go on.
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


def _blind_copies(cycle: AdmissionCycle, rows: Iterable[tuple[Any, ...]]) -> tuple[list[BlindCopy], dict[int, str]]:
    """Return the blind copies, and the reason by application where there is none."""
    copies, failed = [], {}
    blind_copy = _copying(cycle)
    for pk, *row in rows:
        try:
            copies.append(blind_copy(pk, *row))
        except Unusable as fault:
            log.error("application %s is marked failed: %s", pk, fault)
            failed[pk] = fault.reason
    return copies, failed


def _copying(cycle: AdmissionCycle) -> Callable[..., BlindCopy]:
    cycle_key = keyring().unwrap(cycle.wrapped_key)
    measured = _measuring(cycle)

    def blind_copy(pk: int, gpa: Decimal, tests: str, *sealed: str | None) -> BlindCopy:
        with _unless("not_opened"):
            identity, texts = _opened(pk, *sealed)
        with _unless("not_measured"):
            test_scores = json.loads(tests)
            metrics = measured(gpa, test_scores)
        with _unless("not_scrubbed"):
            anonymized_id = uuid.uuid4()
            blind, digest = _scrubbed(texts, identity, cycle_key, anonymized_id)
        return BlindCopy(pk, anonymized_id, gpa, test_scores, blind, digest, metrics)

    return blind_copy


@contextmanager
def _unless(reason: str) -> Iterator[None]:
    """Blame this one application for whatever goes wrong, and forget what the error says: it may quote a text."""
    try:
        yield
    except (Unusable, MemoryError):
        raise
    except Exception as fault:  # noqa: BLE001 - one application must not hold up the others
        raise Unusable(reason, type(fault).__name__) from None


def _opened(
    pk: int, wrapped: str | None, identity: str | None, texts: str | None
) -> tuple[dict[str, Any], dict[str, str]]:
    if wrapped is None or identity is None or texts is None:
        raise Unusable("no_identity", "it has no identity")
    key, record_id = keyring().unwrap(wrapped), str(pk)
    return (
        key.open(identity, record=record_id, kind=IdentityMapping.IDENTITY),
        key.open(texts, record=record_id, kind=IdentityMapping.TEXTS),
    )


def _measuring(cycle: AdmissionCycle) -> Callable[[Decimal, dict[str, Any]], Metrics]:
    tests = ranges(cycle.tests)

    def measured(gpa: Decimal, scores: dict[str, Any]) -> Metrics:
        metrics = measure(
            gpa,
            {name: Decimal(str(score)) for name, score in scores.items()},
            scale=cycle.gpa_scale,
            tests=tests,
            gpa_weight=cycle.weight_academic,
            test_weight=cycle.weight_test,
        )
        # The rules may have changed since the application was taken, and the table takes nothing else.
        if not all(0 <= score <= 100 for score in (metrics.gpa_score, metrics.test_score, metrics.academic_score)):
            raise ValueError("a score lies outside of the cycle's ranges")
        return metrics

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


def _mark_failed(cycle: AdmissionCycle, failed: dict[int, str]) -> None:
    if not failed:
        return
    mine = Application.objects.filter(pk__in=failed)
    mine.update(status=Status.FAILED)
    for application in mine.order_by("receipt_ref"):
        entity, reason = ("application", application.receipt_ref.hex), failed[application.pk]
        record(
            "application.unreadable", actor=system(), entity=entity, outcome="failed", reason=reason, cycle=cycle.code
        )
