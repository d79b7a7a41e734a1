"""Worker against judge, claim against sum, score against merit: counted, or the furthest apart, in the database."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from admissions.models.cycles import AdmissionCycle
from batches.agreement import BINS, DIFFERENCES, Judged

MOST = 20

_JUDGED = f"""
    SELECT worker.attempt, judge.decision, least(width_bucket(worker.total, 0, 100, {BINS}), {BINS}),
           least(width_bucket(judge.quality_score, 0, 100, {BINS}), {BINS}), count(*)
      FROM evaluation_requests AS request
      JOIN judge_results AS judge ON judge.request_id = request.id
      JOIN worker_results AS worker ON worker.request_id = judge.worker_result_id
     WHERE request.admission_cycle_id = %s AND request.stage = 'judge'
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""  # noqa: S608  constants of this project
_MOVED = f"""
    SELECT least(width_bucket(later.total - earlier.total, -100, 100, {DIFFERENCES}), {DIFFERENCES}), count(*)
      FROM evaluation_requests AS request
      JOIN worker_results AS later ON later.request_id = request.judged_id AND later.attempt > 1
      JOIN worker_results AS earlier ON earlier.anonymized_id = later.anonymized_id AND earlier.attempt = 1
      JOIN judge_results AS judge ON judge.request_id = request.id AND judge.decision = 'approved'
     WHERE request.admission_cycle_id = %s AND request.stage = 'judge' AND request.attempt > 1
     GROUP BY 1
"""  # noqa: S608  constants of this project
_CLAIMS = f"""
    SELECT worker.anonymized_id, worker.claimed_total, worker.total
      FROM evaluation_requests AS request JOIN worker_results AS worker ON worker.request_id = request.id
     WHERE request.admission_cycle_id = %s AND request.stage = 'worker' AND worker.claimed_total <> worker.total
     ORDER BY abs(worker.claimed_total - worker.total) DESC, worker.anonymized_id LIMIT {MOST}
"""  # noqa: S608  constants of this project
_DOUBTS = f"""
    SELECT request.anonymized_id, judge.quality_score, worker.total
      FROM evaluation_requests AS request
      JOIN judge_results AS judge ON judge.request_id = request.id AND judge.decision = 'approved'
      JOIN worker_results AS worker ON worker.request_id = judge.worker_result_id
     WHERE request.admission_cycle_id = %s AND request.stage = 'judge'
     ORDER BY judge.quality_score, request.anonymized_id LIMIT {MOST}
"""  # noqa: S608  constants of this project
_SURPRISES = f"""
    SELECT score.anonymized_id, (metric.gpa_score + metric.test_score) / 2, score.total
      FROM final_scores AS score JOIN deterministic_metrics AS metric USING (anonymized_id)
     WHERE score.admission_cycle_id = %s AND score.status = 'scored'
     ORDER BY abs(score.total - (metric.gpa_score + metric.test_score) / 2) DESC, score.anonymized_id LIMIT {MOST}
"""  # noqa: S608  constants of this project


@dataclass(frozen=True, slots=True)
class Outlier:
    """A blind copy whose score somebody should look at, and the two numbers that say why."""

    anonymized_id: uuid.UUID
    other: Decimal
    total: Decimal

    @property
    def apart(self) -> Decimal:
        """How far the total is from the other number."""
        return self.total - self.other


def judged(cycle: AdmissionCycle) -> list[Judged]:
    """Count the judgements of a cycle by attempt, decision, bin of the total and bin of the quality, in one pass."""
    return _rows(_JUDGED, cycle)


def moved(cycle: AdmissionCycle) -> list[int]:
    """Count by how much totals moved from the first attempt to a later one that was approved, from -100 to 100."""
    counts = [0] * DIFFERENCES
    for place, count in _rows(_MOVED, cycle):
        counts[place - 1] = count
    return counts


def claims(cycle: AdmissionCycle) -> list[Outlier]:
    """Return the evaluations whose claimed total is the furthest from the sum of their parts."""
    return [Outlier(*row) for row in _rows(_CLAIMS, cycle)]


def doubts(cycle: AdmissionCycle) -> list[Outlier]:
    """Return the approved evaluations to which judges gave the lowest quality."""
    return [Outlier(*row) for row in _rows(_DOUBTS, cycle)]


def surprises(cycle: AdmissionCycle) -> list[Outlier]:
    """Return the final scores that are the furthest from the mean of GPA and tests, both 0 to 100."""
    return [Outlier(*row) for row in _rows(_SURPRISES, cycle)]


def _rows(statement: str, cycle: AdmissionCycle) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [cycle.pk])
        return list(cursor.fetchall())
