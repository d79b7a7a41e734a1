"""Defers the jobs of this app by name, inside the caller's transaction: they commit or vanish with the claim."""

from procrastinate.contrib.django import app

from admissions.queue import QUEUE
from batches.models import BatchRun

EXPORT = "batches.export"


def defer_export(run: BatchRun) -> None:
    """Leave the rest of a claimed export to a worker; a job too many finds nothing to do."""
    app.configure_task(EXPORT, queue=QUEUE).defer(run_id=run.pk)
