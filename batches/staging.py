"""Read a result file into a temporary table, line by line judged but nothing decided: every line has a row there."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection

from admissions.models.cycles import AdmissionCycle
from batches import scoring
from batches.answers import Failure, JudgeAnswer, WorkerAnswer
from batches.formats import FORMATS, sniff
from batches.formats.base import Parsed, salvaged_ids
from batches.formats.lines import Line, lines
from batches.models import EvaluationRequest
from enigma.errors import Malformed

CHUNK = 1_000

# Why a line is not taken, beside the failures of an answer itself.
UNKNOWN_ID = "unknown_id"
OTHER_CYCLE = "other_cycle"

_COLUMNS = (
    "line, custom_id, request_id, code, field, detail, line_sha256, model, academic, test, achievement, essay, total, "
    "claimed_total, explanation, reasoning, rubric_adherence, strengths, areas_for_improvement, decision, "
    "bias_detected, quality_score, feedback"
)
_CREATE = """
    CREATE TEMP TABLE staged (
        line integer PRIMARY KEY, custom_id text NOT NULL, request_id bigint, code text NOT NULL, field text NOT NULL,
        detail text NOT NULL, line_sha256 bytea NOT NULL, model text NOT NULL, academic numeric, test numeric,
        achievement numeric, essay numeric, total numeric, claimed_total numeric, explanation text, reasoning text,
        rubric_adherence text, strengths jsonb, areas_for_improvement jsonb, decision text, bias_detected boolean,
        quality_score numeric, feedback text
    ) ON COMMIT DROP
"""
_NO_WORKER, _NO_JUDGE = (None,) * 11, (None,) * 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a request when its answer comes in."""

    pk: int
    cycle_id: int
    stage: str
    anonymized_id: str
    model: str


def stage_file(stream: BinaryIO, cycle: AdmissionCycle) -> int:
    """Fill the temporary table ``staged`` from a result file, in constant memory; return how many lines it has.

    Must run inside a transaction, at whose end the table vanishes. ``code`` is empty for a good answer. Raises
    Malformed when the first line tells no known format.
    """
    weights = scoring.Weights(**cycle.weights)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged")
        cursor.execute(_CREATE)
    numbered = lines(stream)
    count, parse = 0, None
    while chunk := list(islice(numbered, CHUNK)):
        parse = parse or _format_of(chunk)
        _copy(_rows(chunk, parse, cycle, weights))
        count += len(chunk)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON staged (request_id)")
        cursor.execute("ANALYZE staged")
    return count


def _format_of(chunk: list[Line]) -> Any:
    for one in chunk:
        if isinstance(one.content, bytes) and (name := sniff(one.content)):
            return FORMATS[name].parse
    raise Malformed("No line of this file has the shape of a result that ENIGMA knows (plain, openai-chat).")


def cycle_of(stream: BinaryIO) -> AdmissionCycle | None:
    """Return the cycle of the first line that names a request of ours; leaves the stream at its start."""
    found = None
    numbered = lines(stream)
    while found is None and (chunk := list(islice(numbered, CHUNK))):
        asked = _asked(_id_in(one.content) for one in chunk)
        found = next(iter(asked.values()), None)
    stream.seek(0)
    return AdmissionCycle.objects.get(pk=found.cycle_id) if found else None


def _id_in(content: bytes | Failure) -> str | None:
    return salvaged_ids(content)[0] if isinstance(content, bytes) else None


def _asked(custom_ids: Iterable[str | None]) -> dict[str, Asked]:
    requests = EvaluationRequest.objects.filter(custom_id__in=[one for one in custom_ids if one], run__isnull=False)
    columns = ("custom_id", "pk", "admission_cycle_id", "stage", "anonymized_id", "run__model")
    return {
        custom_id: Asked(pk, cycle_id, stage, anonymized_id.hex, model)
        for custom_id, pk, cycle_id, stage, anonymized_id, model in requests.values_list(*columns)
    }


def _rows(chunk: list[Line], parse: Any, cycle: AdmissionCycle, weights: scoring.Weights) -> Iterator[tuple[Any, ...]]:
    named = [(one, _id_in(one.content)) for one in chunk]
    asked = _asked(custom_id for _, custom_id in named)
    for one, custom_id in named:
        request = asked.get(custom_id or "")
        outcome, model = _outcome(one.content, request, cycle, parse)
        raw = one.content if isinstance(one.content, bytes) else b""
        ours = request is not None and request.cycle_id == cycle.pk
        head = (one.number, custom_id or "", request.pk if ours else None)
        fault = (outcome.cls, outcome.field or "", outcome.detail) if isinstance(outcome, Failure) else ("", "", "")
        tail = (hashlib.sha256(raw).digest(), model)
        yield (*head, *fault, *tail, *_answer(outcome, weights))


def _outcome(content: bytes | Failure, request: Asked | None, cycle: AdmissionCycle, parse: Any) -> tuple[Any, str]:
    if isinstance(content, Failure):
        return content, ""
    if request is None:
        parsed = parse(content, "worker")
        broken = isinstance(parsed.outcome, Failure) and parsed.custom_id is None
        return (parsed.outcome if broken else Failure(UNKNOWN_ID, "no request has this custom_id")), ""
    if request.cycle_id != cycle.pk:
        return Failure(OTHER_CYCLE, "this request belongs to another cycle"), ""
    parsed = parse(content, request.stage)
    return _matched(parsed, request), parsed.model or request.model


def _matched(parsed: Parsed, request: Asked) -> Any:
    named = (parsed.anonymized_id or "").replace("-", "").lower()
    if named and named != request.anonymized_id:
        return Failure("id_mismatch", "anonymized_id is not the one that was asked about", "anonymized_id")
    return parsed.outcome


def _answer(outcome: Any, weights: scoring.Weights) -> tuple[Any, ...]:
    if isinstance(outcome, WorkerAnswer):
        scores = outcome.scores
        points = (json.dumps(list(outcome.strengths)), json.dumps(list(outcome.areas_for_improvement)))
        numbers = (scores.academic, scores.test, scores.achievement, scores.essay, scoring.total(scores, weights))
        words = (outcome.explanation, outcome.reasoning, outcome.rubric_adherence)
        return (*numbers, outcome.total_score, *words, *points, *_NO_JUDGE)
    if isinstance(outcome, JudgeAnswer):
        words = (*_NO_WORKER[:7], outcome.reasoning, *_NO_WORKER[8:])
        return (*words, outcome.decision, outcome.bias_detected, outcome.quality_score, outcome.feedback)
    return (*_NO_WORKER, *_NO_JUDGE)


def _copy(rows: Iterable[tuple[Any, ...]]) -> None:
    # Judged before the COPY begins: looking up requests needs the same connection.
    ready = list(rows)
    with connection.cursor() as cursor, cursor.copy(f"COPY staged ({_COLUMNS}) FROM STDIN") as copy:
        for row in ready:
            copy.write_row(row)
