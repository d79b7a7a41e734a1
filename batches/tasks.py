"""The jobs of the batches app. Each is safe to run twice, to be killed, and to run beside itself."""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts.actors import system
from admissions.queue import QUEUE
from batches.export import finish_batch
from batches.models import BatchRun
from batches.queue import EXPORT
from batches.recovery import take_up

logger = logging.getLogger(__name__)


# Whoever exports at the moment, or a database that is away, is waited for: 2, 4, 8 ... seconds, for half an hour; then
# ``take_up`` begins anew, so that the export is finished once the fault is mended.
@app.task(name=EXPORT, queue=QUEUE, retry=RetryStrategy(max_attempts=10, exponential_wait=2))
def export(run_id: int) -> None:
    """Finish an export that was ordered."""
    try:
        finish_batch(BatchRun.objects.select_related("admission_cycle").get(pk=run_id), actor=system())
    except Exception as fault:
        # The kind only: the text of an error may quote a row.
        logger.warning("run %s was not exported: %s", run_id, type(fault).__name__)
        raise


@app.periodic(cron="* * * * *")
@app.task(name="batches.recover", queue=QUEUE, queueing_lock="batches.recover")
def recover(timestamp: int) -> None:
    """Defer the exports that have lost their job, once a minute."""
    take_up()
