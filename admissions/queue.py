"""Defers the jobs of a cycle by name, inside the caller's transaction: they commit or vanish with the step."""

from typing import TYPE_CHECKING

from procrastinate.contrib.django import app

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle
    from admissions.models.runs import StepRun

PREPROCESS = "admissions.preprocess"
SEND_LETTERS = "admissions.send_letters"
TAKE_STEP = "admissions.take_step"
QUEUE = "cycles"
CHUNK = 500  # applications a job; one transaction


def defer_preprocessing(cycle: "AdmissionCycle", applications: int) -> int:
    """Queue one job for each chunk; a chunk is claimed when it runs, so any number of workers share them."""
    jobs = -(-applications // CHUNK)
    app.configure_task(PREPROCESS, queue=QUEUE).batch_defer(*({"cycle_id": cycle.pk} for _ in range(jobs)))
    return jobs


def defer_letters(cycle: "AdmissionCycle") -> None:
    """Queue the sending of a cycle's letters."""
    app.configure_task(SEND_LETTERS, queue=QUEUE).defer(cycle_id=cycle.pk)


def defer_run(run: "StepRun") -> None:
    """Queue a step that runs as a job."""
    app.configure_task(TAKE_STEP, queue=QUEUE).defer(run_id=str(run.pk))
