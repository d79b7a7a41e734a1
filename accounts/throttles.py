"""Limits on how often something may be tried, counted in the database so that all server processes share them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.callers import address_of, keyed
from accounts.models import AttemptCounter

# So many in so many seconds, by actor or else by client address, behind which a whole school may sit on the last day.
# settings.RATES may replace single ones (load tests do).
RATES: dict[str, tuple[int, int]] = {
    "default": (600, 60),
    "login": (30, 300),
    "code": (300, 600),
    "token": (600, 600),  # guesses are counted by challenge, besides
    "refresh": (600, 60),
    "submission": (30, 3600),
    "draft": (1200, 600),  # saved while typing: two a second from all tabs of one person is more than fingers do
    "mail": (10, 3600),  # by the address that the mail goes to and the client together
    "mailbox": (60, 3600),  # by the address that the mail goes to, whoever asks
}

# Longer than accounts.lockouts remembers a failure.
KEPT_FOR = timedelta(days=1)

# One statement counts and tells the count, so that of many at once each sees its own number.
_COUNT = """
    INSERT INTO attempt_counters AS old (kind, key_hmac, window_ends_at, count)
    VALUES (%(kind)s, %(key)s, clock_timestamp() + make_interval(secs => %(seconds)s), 1)
    ON CONFLICT (kind, key_hmac) DO UPDATE SET
        count = CASE WHEN old.window_ends_at <= clock_timestamp() THEN 1 ELSE old.count + 1 END,
        window_ends_at = CASE WHEN old.window_ends_at <= clock_timestamp()
                              THEN EXCLUDED.window_ends_at ELSE old.window_ends_at END
    RETURNING count, extract(epoch FROM window_ends_at - clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often it was tried in this window, this time included, and the seconds until a new window begins."""

    count: int
    seconds_left: float


def count(kind: str, key: str, *, seconds: int) -> Tally:
    """Count one more try of ``key`` in a window of that many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"kind": kind, "key": keyed(kind, key), "seconds": float(seconds)})
        number, left = cursor.fetchone()
    return Tally(number, max(1.0, float(left)))


def forget(kind: str, key: str) -> None:
    """Begin anew for this key."""
    AttemptCounter.objects.filter(kind=kind, key_hmac=keyed(kind, key)).delete()


def limit(kind: str, key: str) -> None:
    """Count one try by the rate of ``kind``; raise Throttled, with the seconds to ``wait``, when it is one too many."""
    often, seconds = getattr(settings, "RATES", {}).get(kind, RATES[kind])
    tally = count(kind, key, seconds=seconds)
    if tally.count > often:
        raise Throttled(wait=tally.seconds_left)


def limit_mail(email: str, caller: str) -> None:
    """Count a letter to an address that a client asked for; raise Throttled like ``limit``.

    By both together first: a stranger who uses that up keeps nobody else from their code.
    """
    email = email.strip().lower()
    limit("mail", f"{email}\n{caller}")
    limit("mailbox", email)


def purge_counters() -> int:
    """Delete the counters that nothing asks for any more; return how many."""
    return AttemptCounter.objects.filter(window_ends_at__lte=timezone.now() - KEPT_FOR).delete()[0]


class ScopedThrottle(BaseThrottle):
    """Holds a route to the rate of its ``throttle_scope``, by actor, or by address where nobody has signed in."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; raise Throttled when it is one too many."""
        actor = request.auth
        who = f"{actor.kind}:{actor.id}" if actor is not None and actor.id else address_of(request)
        limit(getattr(view, "throttle_scope", "") or "default", who)
        return True
