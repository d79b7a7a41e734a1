"""Turn the requests of a run into the lines of its files. Reads the blind side only."""

import json
import uuid
from collections.abc import Callable, Generator
from typing import Any

from django.db import connection

from admissions import rubrics
from admissions.models.blind import Texts, text_reader
from admissions.models.cycles import AdmissionCycle
from batches.answers import Stage, response_schema
from batches.formats import FORMATS
from batches.formats.base import Request
from batches.models import BatchRun
from batches.prompts import prompt, system_text

CHUNK = 2_000
METRICS = ("gpa_score", "test_score", "academic_score", "test_percentile", "percentile_rank")
TOLD = (
    *("academic_score", "test_score", "achievement_score", "essay_score", "total_score"),
    *("explanation", "reasoning", "rubric_adherence"),
)

# In the order of the random id: the place in a file tells nothing about the order of submission.
_REQUESTS = """
    SELECT request.custom_id, request.attempt, request.most_tokens,
           blind.anonymized_id, blind.gpa, blind.test_scores, blind.sealed_texts,
           metric.gpa_score, metric.test_score, metric.academic_score, metric.test_percentile, metric.percentile_rank,
           earlier.feedback,
           evaluation.academic, evaluation.test, evaluation.achievement, evaluation.essay, evaluation.total,
           evaluation.explanation, evaluation.reasoning, evaluation.rubric_adherence, evaluation.strengths,
           evaluation.areas_for_improvement
      FROM evaluation_requests AS request
      JOIN anonymized_applications AS blind ON blind.anonymized_id = request.anonymized_id
      JOIN deterministic_metrics AS metric ON metric.anonymized_id = request.anonymized_id
      LEFT JOIN worker_results AS evaluation ON evaluation.request_id = request.judged_id
      LEFT JOIN worker_results AS before ON request.stage = 'worker'
                AND before.anonymized_id = request.anonymized_id AND before.attempt = request.attempt - 1
      LEFT JOIN judge_results AS earlier ON earlier.worker_result_id = before.request_id
     WHERE request.run_id = %s{part}
     ORDER BY request.custom_id
"""
# Found by their ids alone, before any text is read: the last file of a run costs no more than its first.
_PART = """ AND request.id IN (SELECT id FROM evaluation_requests WHERE run_id = %s
                                ORDER BY custom_id OFFSET %s LIMIT %s)"""


def request_lines(
    cycle: AdmissionCycle, run: BatchRun, *, part: tuple[int, int] | None = None
) -> Generator[bytes, None, None]:
    """Yield the lines of a run, by a server-side cursor in the caller's transaction; always the same bytes.

    ``part`` is (how many lines to pass over, how many to yield at most); without it all lines come.
    """
    stage: Stage = run.stage
    render = FORMATS[run.format].render
    rubric = rubrics.rubric(cycle.rubric_version)
    shared = {
        "stage": stage,
        "model": run.model,
        "gpa_scale": cycle.gpa_scale,
        "system_text": system_text(stage, rubric.text, version=run.prompt_version),
        "response_schema": response_schema(stage),
        "rubric_sha256": rubric.sha256,
        "prompt_sha256": prompt(stage, run.prompt_version).sha256,
    }
    read = text_reader(cycle)
    only, bounds = (_PART, (run.pk, *part)) if part else ("", ())
    with connection.chunked_cursor() as cursor:
        cursor.execute(_REQUESTS.format(part=only), [run.pk, *bounds])
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                yield render(Request(**shared, **_own(row, read)))


def _own(row: tuple[Any, ...], read: Callable[[uuid.UUID, str], Texts]) -> dict[str, Any]:
    custom_id, attempt, most_tokens, anonymized_id, gpa, tests, sealed, *rest = row
    metrics, feedback, evaluation = rest[:5], rest[5], rest[6:]
    texts = read(anonymized_id, sealed)
    return {
        "custom_id": custom_id,
        "attempt": attempt,
        "most_tokens": most_tokens,
        "anonymized_id": str(anonymized_id),
        "gpa": gpa,
        "test_scores": json.loads(tests),
        "metrics": dict(zip(METRICS, metrics, strict=True)),
        "essay": texts.essay,
        "achievements": texts.achievements,
        "feedback": feedback or None,
        "evaluation": _evaluation(evaluation) if evaluation[0] is not None else None,
    }


def _evaluation(values: list[Any]) -> dict[str, Any]:
    *told, strengths, areas = values
    points = {"strengths": json.loads(strengths), "areas_for_improvement": json.loads(areas)}
    return dict(zip(TOLD, told, strict=True)) | points
