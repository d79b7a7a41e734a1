"""The jobs of the admissions app. Each is safe to run twice, to be killed, and to run beside itself."""

import logging

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from admissions.drafts import purge_frozen
from admissions.letters import send_singles, send_slice
from admissions.models.cycles import AdmissionCycle
from admissions.preprocessing import preprocess_chunk
from admissions.queue import (
    PREPROCESS,
    QUEUE,
    SEND_LETTERS,
    SEND_SINGLES,
    TAKE_STEP,
    defer_letters,
    defer_singles,
)
from admissions.recovery import recover
from admissions.step_runs import give_up, take

log = logging.getLogger(__name__)

STEP_RETRIES = 6


# What fails a whole chunk is not in its applications but around them: the database is away, the cycle's key is missing.
# It is tried again after 2, 4, 8 ... seconds, for half an hour; then ``recover`` begins anew.
@app.task(name=PREPROCESS, queue=QUEUE, retry=RetryStrategy(max_attempts=10, exponential_wait=2))
def preprocess(cycle_id: int) -> None:
    """Scrub and measure one chunk of a cycle."""
    try:
        preprocess_chunk(AdmissionCycle.objects.get(pk=cycle_id))
    except Exception as fault:
        # The kind only: the text of an error may quote a row.
        log.warning("a chunk of cycle %s was not scrubbed: %s", cycle_id, type(fault).__name__)
        raise


class Patiently(BaseRetryStrategy):
    """Try again after 1, 2, 4 ... seconds, then every five minutes: one of these jobs stands for all letters."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Never give up; what is wrong with a single letter is that letter's affair."""
        return RetryDecision(retry_in={"seconds": min(2 ** min(job.attempts, 16), 300)})


@app.task(name=SEND_LETTERS, queue=QUEUE, retry=Patiently())
def send(cycle_id: int) -> None:
    """Send outcome letters of a cycle for a while; the rest comes after the work that has come meanwhile."""
    cycle = AdmissionCycle.objects.get(pk=cycle_id)
    if send_slice(cycle):
        defer_letters(cycle)


@app.task(name=SEND_SINGLES, queue=QUEUE, retry=Patiently())
def send_to_single_people() -> None:
    """Send confirmations and the like for a while."""
    if send_singles():
        defer_singles()


# A refusal is an answer and ends the run; anything else is tried again after 2, 4, 8 ... seconds, for two minutes.
@app.task(
    name=TAKE_STEP, queue=QUEUE, pass_context=True, retry=RetryStrategy(max_attempts=STEP_RETRIES, exponential_wait=2)
)
def take_step(context: JobContext, run_id: str) -> None:
    """Take a step that somebody asked for as a job."""
    try:
        take(run_id)
    except Exception as fault:
        log.warning("the run %s of a step met a fault: %s", run_id, type(fault).__name__)
        if context.job.attempts >= STEP_RETRIES:
            give_up(run_id, fault)
        raise


@app.periodic(cron="* * * * *")
@app.task(name="admissions.recover", queue=QUEUE, queueing_lock="recover")
def take_up(timestamp: int) -> None:
    """Defer what is left without a job, once a minute: nobody has to start a worker for it."""
    recover()


@app.periodic(cron="37 * * * *")
@app.task(name="admissions.forget_drafts", queue=QUEUE, queueing_lock="forget_drafts")
def forget_drafts(timestamp: int) -> None:
    """Once an hour, forget what was never handed in to cycles that are frozen."""
    purge_frozen()


@app.periodic(cron="* * * * *")
@app.task(name="admissions.retry_stalled", queue=QUEUE, queueing_lock="retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Put the jobs of workers that have fallen silent back into the queue, once a minute."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)
