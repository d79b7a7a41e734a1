"""Read a result file into a temporary table, line by line judged but nothing decided: every line has a row there."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import orjson
from django.db import connection

from admissions.models.cycles import AdmissionCycle
from batches import scoring
from batches.answers import Answer, Failure, JudgeAnswer, Stage, WorkerAnswer
from batches.formats import FORMATS, is_request, plain, shape_of
from batches.formats.base import custom_id as our_id
from batches.formats.base import dumps, salvaged_ids
from batches.formats.lines import Line, lines
from enigma.errors import Malformed

# A chunk of lines is held in memory: so many lines, or so many bytes, whichever comes first.
CHUNK, CHUNK_BYTES = 1_000, 8_000_000

# Why a line is not taken, beside the failures of an answer itself.
UNKNOWN_ID = "unknown_id"
OTHER_CYCLE = "other_cycle"

_CREATE = """
    DROP TABLE IF EXISTS staged;
    CREATE TEMP TABLE staged (
        line integer PRIMARY KEY, custom_id text NOT NULL, request_id bigint, code text NOT NULL, field text NOT NULL,
        detail text NOT NULL, line_sha256 bytea NOT NULL, model text NOT NULL, academic numeric, test numeric,
        achievement numeric, essay numeric, total numeric, claimed_total numeric, explanation text, reasoning text,
        rubric_adherence text, strengths jsonb, areas_for_improvement jsonb, decision text, bias_detected boolean,
        quality_score numeric, feedback text
    ) ON COMMIT DROP
"""
# In the order of the table's columns, after those of the line itself.
_WORKER_COLUMNS, _JUDGE_COLUMNS = 11, 4
_REASONING = 7

_ASKED = """
    SELECT request.custom_id, request.id, request.admission_cycle_id, request.stage,
           replace(request.anonymized_id::text, '-', ''), run.model
      FROM evaluation_requests AS request JOIN batch_runs AS run ON run.id = request.run_id
     WHERE request.custom_id = ANY(%s)
"""


class Asked(NamedTuple):
    """What is known of a request when its answer comes in."""

    pk: int
    cycle_id: int
    stage: Stage
    anonymized_id: str
    model: str


class Judged(NamedTuple):
    """What a line says: the id it stands under, the request of this cycle if it answers one, and what it comes to."""

    custom_id: str | None
    request: Asked | None
    outcome: Answer | Failure
    model: str = ""


def create_staged() -> None:
    """Make the temporary table ``staged``, empty; it vanishes at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)


def stage_file(stream: BinaryIO, cycle: AdmissionCycle) -> int:
    """Fill the table ``staged`` from a result file, in constant memory; return how many lines it has.

    Blank lines are none. ``code`` is empty for a good answer, ``request_id`` is null where no request of this
    cycle is answered.
    """
    create_staged()
    weights = scoring.Weights(**cycle.weights)
    count, format = 0, plain.name
    for chunk in _chunks(lines(stream)):
        glances = [_glance(line.content) for line in chunk]
        asked = _asked(custom_id for custom_id, _ in glances)
        rows = []
        for line, (custom_id, shape) in zip(chunk, glances, strict=True):
            format = shape or format  # a line without a shape is no JSON: any format says so
            judged = _judge(line.content, custom_id, asked.get(custom_id or ""), cycle, format)
            rows.append(_row(line, judged, weights))
        _copy(rows)
        count += len(chunk)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON staged (request_id)")
        cursor.execute("ANALYZE staged (line, request_id, code, line_sha256)")
    return count


def cycle_of(stream: BinaryIO) -> AdmissionCycle | None:
    """Return the cycle of the first line that names a request of ours; leaves the stream at its start.

    Raises Malformed when that line is the request itself: the file went out and has not come back.
    """
    found = None
    for chunk in _chunks(lines(stream)):
        glances = [(_glance(line.content)[0], line) for line in chunk]
        asked = _asked(custom_id for custom_id, _ in glances)
        found = next(((asked[custom_id], line) for custom_id, line in glances if custom_id in asked), None)
        if found:
            break
    stream.seek(0)
    if found is None:
        return None
    request, line = found
    if is_request(line.content):
        raise Malformed(f"Line {line.number} is a request, not an answer: this file is what went out to the engine.")
    return AdmissionCycle.objects.get(pk=request.cycle_id)


def _chunks(numbered: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in numbered:
        chunk.append(line)
        size += line.end - line.offset
        if len(chunk) == CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _glance(content: bytes | Failure) -> tuple[str | None, str | None]:
    """Return the id that a line seems to answer and the format it seems to be in; its parser then decides."""
    if isinstance(content, Failure):
        return None, None
    try:
        tree = orjson.loads(content)
    except orjson.JSONDecodeError:
        return salvaged_ids(content)[0], None
    return (our_id(tree.get("custom_id")), shape_of(tree)) if isinstance(tree, dict) else (None, None)


def _asked(custom_ids: Iterable[str | None]) -> dict[str, Asked]:
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, [[one for one in custom_ids if one]])
        return {custom_id: Asked(*known) for custom_id, *known in cursor.fetchall()}


def _judge(
    content: bytes | Failure, custom_id: str | None, request: Asked | None, cycle: AdmissionCycle, format: str
) -> Judged:
    if isinstance(content, Failure):
        return Judged(None, None, content)
    parsed = FORMATS[format].parse(content, request.stage if request else "worker")
    outcome = parsed.outcome
    if parsed.custom_id is None and isinstance(outcome, Failure):  # also where an id stands twice
        return Judged(None, None, outcome)
    if request is None:
        return Judged(parsed.custom_id, None, Failure(UNKNOWN_ID, "no request has this custom_id"))
    if request.cycle_id != cycle.pk:
        return Judged(custom_id, None, Failure(OTHER_CYCLE, "this request belongs to another cycle"))
    if parsed.anonymized_id is not None and _plain_uuid(parsed.anonymized_id) != request.anonymized_id:
        outcome = Failure("id_mismatch", "anonymized_id is not the one that was asked about", "anonymized_id")
    return Judged(custom_id, request, outcome, parsed.model or request.model)


def _plain_uuid(text: str) -> str:
    return text.replace("-", "").lower()


def _row(line: Line, judged: Judged, weights: scoring.Weights) -> tuple[Any, ...]:
    raw = line.content if isinstance(line.content, bytes) else b""
    request_id = judged.request.pk if judged.request else None
    outcome = judged.outcome
    fault = (outcome.cls, outcome.field or "", outcome.detail) if isinstance(outcome, Failure) else ("", "", "")
    head = (line.number, judged.custom_id or "", request_id, *fault, hashlib.sha256(raw).digest(), judged.model)
    return (*head, *_answer(outcome, weights))


def _answer(outcome: Answer | Failure, weights: scoring.Weights) -> tuple[Any, ...]:
    if isinstance(outcome, WorkerAnswer):
        scores = outcome.scores
        numbers = (scores.academic, scores.test, scores.achievement, scores.essay, scoring.total(scores, weights))
        words = (outcome.explanation, outcome.reasoning, outcome.rubric_adherence)
        points = (dumps(outcome.strengths).decode(), dumps(outcome.areas_for_improvement).decode())
        return (*numbers, outcome.total_score, *words, *points, *(None,) * _JUDGE_COLUMNS)
    if isinstance(outcome, JudgeAnswer):
        worker: list[Any] = [None] * _WORKER_COLUMNS
        worker[_REASONING] = outcome.reasoning
        return (*worker, outcome.decision, outcome.bias_detected, outcome.quality_score, outcome.feedback)
    return (None,) * (_WORKER_COLUMNS + _JUDGE_COLUMNS)


def _copy(rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY staged FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
