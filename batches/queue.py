"""Defers the jobs of this app by name, inside the caller's transaction: they commit or vanish with the claim."""

from procrastinate.contrib.django import app

from accounts.actors import Actor
from admissions.queue import QUEUE
from batches.models import BatchRun

EXPORT = "batches.export"
ANSWER = "batches.stand_in"


def defer_export(run: BatchRun) -> None:
    """Leave the rest of a claimed export to a worker; a job too many finds nothing to do."""
    app.configure_task(EXPORT, queue=QUEUE).defer(run_id=run.pk)


def defer_answers(run: BatchRun, actor: Actor) -> None:
    """Leave it to a worker to let the stand-in answer a run."""
    asked = {"run_id": run.pk, "actor_id": actor.id, "session_id": actor.session_id}
    app.configure_task(ANSWER, queue=QUEUE).defer(**asked)
