"""The jobs of the audit app: what was asked of large logs, and the daily verification."""

from procrastinate.contrib.django import app

from audit.verifications import QUEUE, TASK, run, verify_when_due


@app.task(name=TASK, queue=QUEUE)
def verify_logs(verification_id: int) -> None:
    """Do a verification that somebody asked for."""
    run(verification_id)


@app.periodic(cron="17 * * * *")
@app.task(name="audit.verify_when_due", queue=QUEUE, queueing_lock="verify_when_due")
def verify_daily(timestamp: int) -> None:
    """Look once an hour, so that a worker which was away at some hour of the day does not miss the daily one."""
    verify_when_due()
