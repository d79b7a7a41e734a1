"""The jobs of the batches app. Each is safe to run twice, to be killed, and to run beside itself."""

import logging

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts.actors import staff_again, system
from admissions.queue import QUEUE
from batches.export import finish_batch
from batches.models import BatchRun
from batches.queue import ANSWER, EXPORT
from batches.recovery import take_up
from batches.standin import answer_now
from enigma.errors import Refused

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


# Whatever refuses it at once would refuse it again: the page of the run shows what is still open.
@app.task(name=ANSWER, queue=QUEUE, retry=RetryStrategy(max_attempts=3, exponential_wait=2))
def stand_in(run_id: int, actor_id: str, session_id: str = "") -> None:
    """Let the stand-in answer a run of a demo cycle."""
    run = BatchRun.objects.select_related("admission_cycle").get(pk=run_id)
    try:
        answer_now(run, actor=staff_again(actor_id, session_id=session_id))
    except Refused as why:
        logger.warning("the stand-in does not answer run %s: %s", run_id, type(why).__name__)


@app.periodic(cron="* * * * *")
@app.task(name="batches.recover", queue=QUEUE, queueing_lock="batches.recover")
def recover(timestamp: int) -> None:
    """Defer the exports that have lost their job, once a minute."""
    take_up()
