"""How far runs have come: what was answered, what failed and why, what is open; derived at the moment of asking."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Count

from batches.models import Answer, BatchRun, EvaluationRequest, JudgeResult, ResultFile, WorkerResult
from batches.settlement import SUPERSEDED

State = EvaluationRequest.State

# All answers of one file have one time, that of its transaction: a row for each file.
_ARRIVALS = """
    SELECT answer.file_sha256, answer.imported_at, count(*)
      FROM {answers} AS answer JOIN evaluation_requests AS request ON request.id = answer.request_id
     WHERE request.run_id = %s
     GROUP BY 1, 2 ORDER BY 2, 1
"""
_ANSWERS: dict[str, type[Answer]] = {"worker": WorkerResult, "judge": JudgeResult}


@dataclass(slots=True)
class Progress:
    """The requests of one run; a repeat whose attempt was answered by another request counts as answered."""

    requests: int
    answered: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many were answered by something that is no answer, or not at all in the end."""
        return sum(self.reasons.values())

    @property
    def open(self) -> int:
        """How many still wait for an answer."""
        return self.requests - self.answered - self.failed

    def add(self, state: str, failure: str, count: int) -> None:
        """Count requests in a state."""
        if state == State.ANSWERED or failure == SUPERSEDED:
            self.answered += count
        elif state == State.FAILED:
            self.reasons[failure] = self.reasons.get(failure, 0) + count


@dataclass(frozen=True, slots=True)
class Arrival:
    """Answers to a run that came in one file, at one time."""

    sha256: str
    at: datetime
    answers: int
    file: ResultFile | None


def progress_of(runs: Iterable[BatchRun]) -> dict[int, Progress]:
    """Return how far each run is, by one query for all; a run with nothing left to wait for is not counted again."""
    known = {run.pk: Progress(run.requests) for run in runs}
    counted = []
    for run in runs:
        if run.state == BatchRun.State.IMPORTED:
            known[run.pk].answered = run.requests
        else:
            counted.append(run.pk)
    rows = EvaluationRequest.objects.filter(run__in=counted).order_by()
    for pk, state, failure, count in rows.values_list("run", "state", "failure").annotate(count=Count("*")):
        known[pk].add(state, failure, count)
    return known


def arrivals_of(run: BatchRun) -> list[Arrival]:
    """Return which files brought answers to a run, in the order of their coming."""
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVALS.format(answers=_ANSWERS[run.stage]._meta.db_table), [run.pk])
        rows = cursor.fetchall()
    names = {sha256 for sha256, _, _ in rows}
    found = ResultFile.objects.filter(admission_cycle=run.admission_cycle_id, sha256__in=names)
    files = {file.sha256: file for file in found}
    return [Arrival(sha256, at, count, files.get(sha256)) for sha256, at, count in rows]


def with_engines(runs: Iterable[BatchRun]) -> Counter[tuple[int, str]]:
    """Count by cycle and stage what went out in these runs and was not answered yet."""
    listed = list(runs)
    known = progress_of(listed)
    waiting: Counter[tuple[int, str]] = Counter()
    for run in listed:
        waiting[run.admission_cycle_id, run.stage] += known[run.pk].open
    return waiting
