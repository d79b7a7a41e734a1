"""Take a step of a cycle, at once or as a job: a long one outlives the request that asked for it."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import Actor, staff_again, system
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.runs import StepRun
from admissions.models.workflow import Facts, demand_source
from admissions.queue import TAKE_STEP, defer_run
from audit.log import record
from audit.sequencer import sequence_all
from audit.verifications import is_large
from enigma.errors import Conflict, Refused

INLINE_MAX = 20_000  # applications; the steps of a larger cycle take longer than a proxy waits


def is_long(cycle: AdmissionCycle, step: str) -> bool:
    """Whether this step of this cycle is to run as a job; the last one verifies the logs, which are those of all."""
    many = Application.objects.of(cycle).order_by()[: INLINE_MAX + 1].count() > INLINE_MAX
    return many or (step == "complete" and is_large())


def take_now(cycle: AdmissionCycle, step: str, *, actor: Actor, reason: str = "", dry_run: bool = False) -> Facts:
    """Take a step, with the log brought up to date before and after; return its facts or raise its refusal."""
    if not dry_run:
        sequence_all()
    facts: Facts = getattr(cycle, step)(actor=actor, reason=reason, dry_run=dry_run)
    if not dry_run:
        sequence_all()
    return facts


def queue_step(cycle: AdmissionCycle, step: str, *, actor: Actor, reason: str = "", dry_run: bool = False) -> StepRun:
    """Leave a step to the workers; raise PhaseError in the wrong phase, Conflict while another run is unfinished."""
    actor.require(f"cycle.{step}")
    demand_source(cycle, step)
    run = StepRun(
        admission_cycle=cycle,
        step=step,
        dry_run=dry_run,
        reason=reason,
        actor_type=actor.kind,
        actor_id=actor.id,
        session_id=actor.session_id,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            about: dict[str, Any] = {"run": str(run.pk), "step": step, "dry_run": dry_run}
            record("run.queue", actor=actor, entity=("cycle", cycle.code), reason=reason or None, **about)
            defer_run(run)
    except IntegrityError:
        raise Conflict(f"Another step of {cycle.code} waits or runs.") from None
    return run


def take(run_id: UUID | str) -> None:
    """Do a run, unless it is finished; whoever asked must still be there, and still have the role for it.

    A killed worker leaves a run that waits or runs, and a cycle that has not moved: taken again, it comes to the same
    end. Any fault but a refusal is raised, and leaves the run for another attempt.
    """
    if not StepRun.objects.filter(pk=run_id).unfinished().exists():
        return
    sequence_all()
    try:
        _take(run_id)
    except Refused as why:
        _end(run_id, StepRun.State.REFUSED, str(why))
    sequence_all()


def give_up(run_id: UUID | str, fault: Exception) -> None:
    """End a run that met the same fault again and again; only the kind is kept, as the text of it may quote a row."""
    _end(run_id, StepRun.State.FAILED, type(fault).__name__)


def take_up() -> int:
    """Queue the unfinished runs that have lost their job, and return how many there were."""
    lost = [run for run in StepRun.objects.unfinished() if not _jobs(run).exists()]
    for run in lost:
        defer_run(run)
    return len(lost)


def _take(run_id: UUID | str) -> None:
    # Seen by others before the step ends; whoever runs the same run beside this one waits for the lock below.
    with transaction.atomic():
        if run := _locked(run_id):
            run.to(StepRun.State.RUNNING)
    with transaction.atomic():
        if run := _locked(run_id):
            actor = staff_again(run.actor_id, session_id=run.session_id)
            take_step = getattr(run.admission_cycle, run.step)
            facts = take_step(actor=actor, reason=run.reason, dry_run=run.dry_run)
            run.to(StepRun.State.DONE, facts=facts)


def _end(run_id: UUID | str, state: str, detail: str) -> None:
    with transaction.atomic():
        if run := _locked(run_id):
            run.to(state, detail=detail)
            about = {"run": str(run.pk), "step": run.step}
            record("run.end", actor=system(), entity=("cycle", run.admission_cycle.code), outcome=state, **about)


def _locked(run_id: UUID | str) -> StepRun | None:
    """Return the run, locked, or None when it is finished."""
    runs = StepRun.objects.select_related("admission_cycle").select_for_update(of=["self"])
    return runs.filter(pk=run_id).unfinished().first()


def _jobs(run: StepRun) -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(task_name=TAKE_STEP, args__run_id=str(run.pk), status__in=["todo", "doing"])
