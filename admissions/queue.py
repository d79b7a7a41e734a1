"""Defers the jobs of a cycle by name, inside the caller's transaction: they commit or vanish with the step."""

from typing import TYPE_CHECKING

from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle
    from admissions.models.runs import StepRun

PREPROCESS = "admissions.preprocess"
SEND_LETTERS = "admissions.send_letters"
SEND_SINGLES = "admissions.send_singles"
TAKE_STEP = "admissions.take_step"
QUEUE = "cycles"
AHEAD = 10  # priority of what somebody waits for
CHUNK = 500  # applications a job; one transaction


def defer_preprocessing(cycle: "AdmissionCycle", applications: int) -> int:
    """Queue one job for each chunk; a chunk is claimed when it runs, so any number of workers share them."""
    jobs = -(-applications // CHUNK)
    app.configure_task(PREPROCESS, queue=QUEUE).batch_defer(*({"cycle_id": cycle.pk} for _ in range(jobs)))
    return jobs


def defer_letters(cycle: "AdmissionCycle") -> None:
    """Queue the sending of a cycle's outcome letters."""
    app.configure_task(SEND_LETTERS, queue=QUEUE).defer(cycle_id=cycle.pk)


def defer_singles(*, although_one_waits: bool = False) -> None:
    """Queue the sending of what single people wait for, before all other work, unless a job for it waits already.

    In a rush one job then sends for many. A letter whose job begins in the moment before its deed commits is missed
    by it; the next such job takes it, and ``recover`` sees to that within a minute.
    """
    if although_one_waits or not ProcrastinateJob.objects.filter(task_name=SEND_SINGLES, status="todo").exists():
        app.configure_task(SEND_SINGLES, queue=QUEUE, priority=AHEAD).defer()


def defer_run(run: "StepRun") -> None:
    """Queue a step that runs as a job."""
    app.configure_task(TAKE_STEP, queue=QUEUE).defer(run_id=str(run.pk))
