"""Slows down whoever guesses passwords: by account and address together, and more gently by account alone."""

# Attempts are counted before the password is looked at, so that of fifty at once no more than five are. Nothing locks
# for good, and a lock holds for one account from one address: nobody can lock somebody else out from afar.

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from rest_framework.exceptions import Throttled

from accounts.callers import keyed
from accounts.models import AttemptCounter
from accounts.throttles import count, forget

PAIR, ACCOUNT, SLOW = "login-pair", "login-account", "login-slow"
FIRST_AFTER, FIRST_SECONDS = 5, 15 * 60
SECOND_AFTER, SECOND_SECONDS = 10, 2 * 3600
FORGOTTEN_AFTER = 2 * 3600  # seconds without an attempt, or after a lock
# After so many failures in an hour, from wherever, an account takes one attempt in so many seconds.
ACCOUNT_AFTER, ACCOUNT_WINDOW, SLOW_SECONDS = 20, 3600, 10

# Here ``window_ends_at`` is the moment until which the pair is locked; no row comes back while it is.
_ATTEMPT = """
    INSERT INTO attempt_counters AS old (kind, key_hmac, window_ends_at, count)
    VALUES (%(kind)s, %(key)s, clock_timestamp(), 1)
    ON CONFLICT (kind, key_hmac) DO UPDATE SET
        count = CASE
            WHEN old.window_ends_at <= clock_timestamp() - make_interval(secs => %(forgotten)s) THEN 1
            ELSE old.count + 1 END,
        window_ends_at = clock_timestamp() + make_interval(secs => CASE
            WHEN old.window_ends_at <= clock_timestamp() - make_interval(secs => %(forgotten)s) THEN 0
            WHEN old.count + 1 >= %(second)s THEN %(second_seconds)s
            WHEN old.count + 1 = %(first)s THEN %(first_seconds)s
            ELSE 0 END)
    WHERE old.window_ends_at <= clock_timestamp()
    RETURNING count
"""


def attempt(account: str, address: str) -> None:
    """Count an attempt as failed, until ``succeeded`` takes it back; raise Throttled when it comes too early."""
    if not _counted(_pair(account, address)):
        raise Throttled(wait=_seconds_left(_pair(account, address)))
    if count(ACCOUNT, account, seconds=ACCOUNT_WINDOW).count > ACCOUNT_AFTER:
        slow = count(SLOW, account, seconds=SLOW_SECONDS)
        if slow.count > 1:
            # It was not looked at, so it is no failure of the owner, who may be the one waiting.
            _of(PAIR, _pair(account, address)).update(count=F("count") - 1, window_ends_at=Now())
            raise Throttled(wait=slow.seconds_left)


def succeeded(account: str, address: str) -> None:
    """Forget the failures of this pair, and that this attempt was counted against the account."""
    forget(PAIR, _pair(account, address))
    _of(ACCOUNT, account).update(count=F("count") - 1)


def _of(kind: str, key: str) -> QuerySet[AttemptCounter]:
    return AttemptCounter.objects.filter(kind=kind, key_hmac=keyed(kind, key), count__gt=0)


def _pair(account: str, address: str) -> str:
    return f"{account}\n{address}"


def _counted(pair: str) -> bool:
    figures = {
        "kind": PAIR,
        "key": keyed(PAIR, pair),
        "first": FIRST_AFTER,
        "second": SECOND_AFTER,
        "first_seconds": float(FIRST_SECONDS),
        "second_seconds": float(SECOND_SECONDS),
        "forgotten": float(FORGOTTEN_AFTER),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPT, figures)
        return cursor.fetchone() is not None


def _seconds_left(pair: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM window_ends_at - clock_timestamp()) FROM attempt_counters"
            " WHERE kind = %s AND key_hmac = %s",
            [PAIR, keyed(PAIR, pair)],
        )
        row = cursor.fetchone()
    return max(1.0, float(row[0])) if row else 1.0
