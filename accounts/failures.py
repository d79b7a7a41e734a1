"""Notes sign-ins that failed, at whichever door, and never by address."""

from django.db import transaction

from accounts.actors import nobody
from accounts.callers import keyed
from accounts.models import User
from audit.log import record


def note_failure(what: str, *, user: User | None, email: str = "", **about: str) -> None:
    """Note what was wrong (password, code, second_factor) for whom; of an unknown address only a keyed hash is kept."""
    entity = ("user", str(user.pk)) if user else ("address", keyed("unknown", email).hex()[:16])
    with transaction.atomic():
        record("login.failed", actor=nobody(), entity=entity, outcome="refused", reason=what, **about)
