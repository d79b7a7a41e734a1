"""Let the stand-in answer a run of a demo cycle, so that a whole cycle can be led without any engine."""

import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import Actor
from admissions.phases import Phase, PhaseError
from audit.log import record
from batches.ingest import Imported, import_file
from batches.models import BatchRun
from batches.queue import ANSWER, defer_answers
from batches.rounds import answer_round
from batches.shards import into, write_shards
from enigma.errors import Conflict, Refused

# So many answers are invented and imported while somebody waits, in a few seconds; more are left to a worker.
AT_ONCE = 2_000


def stand_in(run: BatchRun, *, actor: Actor) -> list[Imported] | None:
    """Let the stand-in answer a run, and import what it says; None when that is left to a worker.

    Raises Refused for a cycle that is no demo and for a run that is not exported yet, Conflict while a worker is at
    it, PhaseError outside processing.
    """
    _refuse_real(run, actor)
    if run.requests <= AT_ONCE:
        return answer_now(run, actor=actor)
    if jobs_of(run).exists():
        raise Conflict(f"A worker lets the stand-in answer {run} already.")
    with transaction.atomic():
        _note(run, actor, later=True)
        defer_answers(run, actor)
    return None


def answer_now(run: BatchRun, *, actor: Actor) -> list[Imported]:
    """Answer all shards of a run and import them, each file in a transaction of its own; twice is the same as once."""
    _refuse_real(run, actor)
    with tempfile.TemporaryDirectory(prefix="enigma-stand-in-") as name:
        folder = Path(name)
        with transaction.atomic():
            _note(run, actor, later=False)
        with transaction.atomic():
            for _ in write_shards(run, into(folder, force=False)):
                pass
        return [import_file(results, actor=actor) for results in answer_round(run, folder)]


def jobs_of(run: BatchRun) -> QuerySet[ProcrastinateJob]:
    """Return the jobs in which a worker is to answer a run, or does."""
    return ProcrastinateJob.objects.filter(task_name=ANSWER, args__run_id=run.pk, status__in=["todo", "doing"])


def _refuse_real(run: BatchRun, actor: Actor) -> None:
    cycle = run.admission_cycle
    actor.require("batches.import", cycle=cycle.code)
    if not cycle.is_demo:
        raise Refused(f"{cycle.code} is no demo: its requests are for engines, and no stand-in answers them.")
    if run.manifest is None:
        raise Refused(f"{run} is not exported yet.")
    if cycle.phase != Phase.PROCESSING:
        raise PhaseError(f"An import of results needs the phase processing; {cycle.code} is in {cycle.phase}.")


def _note(run: BatchRun, actor: Actor, *, later: bool) -> None:
    about: dict[str, Any] = {"cycle": run.admission_cycle.code, "requests": run.requests, "later": later}
    record("batches.stand_in", actor=actor, entity=("run", str(run.pk)), **about)
