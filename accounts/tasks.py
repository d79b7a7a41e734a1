"""The jobs of the accounts app: nothing that was only needed for a while is kept."""

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import idempotency, newcomers, throttles


@app.periodic(cron="17 * * * *")
@app.task(name="accounts.tidy", queue="cycles", queueing_lock="tidy")
def tidy(timestamp: int) -> None:
    """Once an hour, forget old counters, kept answers, browser sessions, and addresses that nobody confirmed."""
    throttles.purge_counters()
    idempotency.purge()
    SessionStore.clear_expired()
    newcomers.purge_unconfirmed(timezone.now())
