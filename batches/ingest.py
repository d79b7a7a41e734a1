"""Import result files: each whole in one transaction, every line accounted for, twice the same as once."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from audit.log import record
from batches.asking import hold
from batches.formats import lines
from batches.models import ResultFile
from batches.settlement import REPEATED, SUPERSEDED, UNCHANGED, settle
from batches.staging import OTHER_CYCLE, UNKNOWN_ID, create_staged, cycle_of, stage_file
from enigma.errors import Malformed
from enigma.files import source

BLOCK = 1 << 20
CHUNK = 2_000
# So many unknown ids, and more than one in twenty: this is the wrong file, not a file with bad lines.
TOO_MANY_UNKNOWN, UNKNOWN_SHARE = 20, 0.05

_COUNTS = "SELECT code, count(*) FROM staged GROUP BY code"
_ISSUES = f"""
    INSERT INTO import_issues (file_id, line, custom_id, code, field, detail, line_sha256)
    SELECT %s, line, left(custom_id, 64), code, field, detail, line_sha256
      FROM staged WHERE code NOT IN ('', '{UNCHANGED}', '{REPEATED}', '{SUPERSEDED}')
     ORDER BY line
    ON CONFLICT DO NOTHING
"""  # noqa: S608  constants of this project
_TOLD_ISSUES = f"""
    SELECT line, custom_id, code, field, detail FROM staged
     WHERE code NOT IN ('', '{UNCHANGED}', '{REPEATED}', '{SUPERSEDED}') ORDER BY line LIMIT %s
"""  # noqa: S608  constants of this project
# One row a request: what was accepted, in this file or before, and otherwise why its first line was not.
_REPORT = """
    SELECT DISTINCT ON (request.id)
           request.custom_id, staged.code, staged.detail, staged.code IN ('', 'unchanged', 'repeated') AS taken,
           worker.academic, worker.test, worker.achievement, worker.essay, worker.total,
           judge.decision, judge.bias_detected
      FROM staged
      JOIN evaluation_requests AS request ON request.id = staged.request_id
      LEFT JOIN judge_results AS judge ON judge.request_id = request.id
      LEFT JOIN worker_results AS worker ON worker.request_id = coalesce(request.judged_id, request.id)
     ORDER BY request.id, taken DESC, staged.line
"""
_IMPORTED_RUNS = """
    UPDATE batch_runs AS run SET state = CASE
               WHEN EXISTS (SELECT 1 FROM evaluation_requests WHERE run_id = run.id AND state = 'asked') THEN 'exported'
               WHEN EXISTS (SELECT 1 FROM evaluation_requests WHERE run_id = run.id AND state = 'failed'
                               AND failure <> 'superseded')
               THEN 'needs_attention' ELSE 'imported' END
     WHERE run.state <> 'exporting' AND run.id IN (
           SELECT DISTINCT request.run_id
             FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id)
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """A line that was not taken."""

    line: int
    custom_id: str
    code: str
    field: str
    detail: str

    def __str__(self) -> str:
        named = f", field {self.field}" if self.field else ""
        return f"line {self.line}{named}: {self.code}: {self.detail}"


class WrongFile(Malformed):
    """A file that is none of ours as a whole; ``issues`` are the first of its lines that say so."""

    def __init__(self, told: str, issues: list[Issue]) -> None:
        super().__init__(told)
        self.issues = issues


@dataclass(slots=True)
class Imported:
    """What one file came to: lines = imported + unchanged + rejected, and ``reasons`` adds up to rejected.

    ``file`` is its record, unless it held no line; ``is_new`` tells a file that was never taken before.
    """

    sha256: str
    lines: int = 0
    imported: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    file: ResultFile | None = None
    is_new: bool = False

    def counts(self) -> dict[str, Any]:
        """The figures as JSON values."""
        figures = {"lines": self.lines, "imported": self.imported, "unchanged": self.unchanged}
        return {**figures, "rejected": self.rejected, "reasons": self.reasons}


class ImportRun:
    """The import of one file, inside a transaction that the caller holds: import, then ask for issues and report.

    The stream is read twice, so it can be sought; ``name`` is what refusals call it. A file may be held to one cycle.
    """

    def __init__(self, stream: BinaryIO, name: str, *, actor: Actor, cycle: AdmissionCycle | None = None) -> None:
        self.stream, self.name = stream, name
        self.actor, self.cycle = actor, cycle

    def run(self) -> Imported:
        """Import the file; raise Malformed for a file that is none of ours, PhaseError outside processing.

        A file without any line is taken as what it is: engines write an empty error file when there was no error.
        """
        # A machine's token is for one cycle: it has to say for which, and the file is held to that.
        self.actor.require("batches.import", cycle=self.cycle.code if self.cycle else "")
        sha256, size = _digest(self.stream)
        cycle = self._cycle()
        if cycle is None:
            create_staged()
            return Imported(sha256)
        hold(cycle, (Phase.PROCESSING,), deed="An import of results")
        result = Imported(sha256, lines=stage_file(self.stream, cycle))
        self._refuse_wrong_file(result.lines)
        settle(cycle, file_sha256=sha256)
        self._count(result)
        self._keep(cycle, result, size)
        return result

    def issues(self, most: int | None = None) -> Iterator[Issue]:
        """The lines that were not taken, or the first of them, in the order of the file."""
        yield from (Issue(*row) for row in _streamed(_TOLD_ISSUES, most))

    def report(self) -> Iterator[dict[str, Any]]:
        """One JSON value for each request that this file decided."""
        for custom_id, code, detail, taken, *scores, total, decision, bias in _streamed(_REPORT):
            yield {
                "custom_id": custom_id,
                "outcome": "imported" if taken else "rejected",
                "reason": "" if taken else f"{code}: {detail}",
                "scores": _scores(scores) if taken else None,
                "total": float(total) if taken else None,
                "decision": decision,
                "bias_detected": bias,
            }

    def _cycle(self) -> AdmissionCycle | None:
        """Return the cycle that the file answers, None for a file without any line."""
        cycle = cycle_of(self.stream)
        if cycle is None and next(lines(self.stream), None):
            raise Malformed(f"{self.name} names no request that ENIGMA has asked.")
        if cycle and self.cycle and cycle != self.cycle:
            raise Malformed(f"{self.name} does not answer requests of {self.cycle.code}.")
        return cycle

    def _refuse_wrong_file(self, count: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM staged WHERE code IN (%s, %s)", [UNKNOWN_ID, OTHER_CYCLE])
            unknown: int = cursor.fetchone()[0]
        if unknown > TOO_MANY_UNKNOWN and unknown > count * UNKNOWN_SHARE:
            told = f"{self.name}: {unknown} of {count} lines answer no request of this cycle. "
            raise WrongFile(
                f"{told}This is another file; nothing of it was taken.", list(self.issues(TOO_MANY_UNKNOWN))
            )

    def _count(self, result: Imported) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNTS)
            by_code = dict(cursor.fetchall())
        result.imported = by_code.pop("", 0)
        result.unchanged = sum(by_code.pop(code, 0) for code in (UNCHANGED, REPEATED, SUPERSEDED))
        result.reasons = dict(sorted(by_code.items()))
        result.rejected = sum(by_code.values())

    def _keep(self, cycle: AdmissionCycle, result: Imported, size: int) -> None:
        file, is_new = ResultFile.objects.get_or_create(
            sha256=result.sha256, admission_cycle=cycle, defaults={"size": size, "counts": result.counts()}
        )
        with connection.cursor() as cursor:
            cursor.execute(_ISSUES, [file.pk])
            cursor.execute(_IMPORTED_RUNS)
        result.file, result.is_new = file, is_new
        facts = {"file_sha256": result.sha256, **result.counts()}
        if is_new:
            cycle.commit("import", **facts)
        record("batches.import", actor=self.actor, entity=("cycle", cycle.code), **facts)


def import_file(path: Path, *, actor: Actor, dry_run: bool = False) -> Imported:
    """Import one result file in a transaction of its own."""
    with transaction.atomic(), opened(path) as stream:
        result = ImportRun(stream, path.name, actor=actor).run()
        transaction.set_rollback(dry_run)
    return result


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is read twice: first its hash, then its lines. A pipe is kept in a nameless file meanwhile."""
    with source(path) as stream:
        if stream.seekable():
            yield stream
            return
        with tempfile.TemporaryFile() as kept:
            shutil.copyfileobj(stream, kept, BLOCK)
            kept.seek(0)
            yield kept


def _digest(stream: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += len(block)
    stream.seek(0)
    return digest.hexdigest(), size


def _scores(scores: list[Any]) -> dict[str, float]:
    names = ("academic_score", "test_score", "achievement_score", "essay_score")
    return {name: float(score) for name, score in zip(names, scores, strict=True)}


def _streamed(statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def report_line(decided: dict[str, Any]) -> bytes:
    """One line of a report."""
    return json.dumps(decided).encode() + b"\n"
