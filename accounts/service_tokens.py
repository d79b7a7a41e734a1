"""Tokens of machines: each for one permission in one cycle, for at most 90 days; shown once, and stored as a hash."""

import re
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import tokens
from accounts.actors import Actor
from accounts.models import AdminUser, ServiceToken
from accounts.roles import VERBS
from accounts.tokens import Audience, Claims
from audit.log import record
from enigma.errors import Denied, Malformed

LONGEST_LIFE = timedelta(days=90)
CODE = re.compile(r"^[A-Za-z0-9_-]{1,50}$")


def make_token(name: str, *, verb: str, cycle: str, expires_at: datetime, actor: Actor) -> tuple[ServiceToken, str]:
    """Make a token and return its row and its text, which nobody can be shown again.

    Whether the cycle exists is not asked, as cycles stand above this app: a token for none lets nobody in.
    """
    actor.require("tokens.manage")
    now = timezone.now()
    if verb not in VERBS:
        raise Malformed(f"A machine's token is for one of {', '.join(sorted(VERBS))}.")
    if not CODE.fullmatch(cycle):
        raise Malformed("This cannot be the code of a cycle.")
    if not now < expires_at <= now + LONGEST_LIFE:
        raise Malformed(f"A token ends in the future, and within {LONGEST_LIFE.days} days.")
    with transaction.atomic():
        maker = (
            AdminUser.objects.filter(user_id=actor.id.removeprefix("user:")).first() if actor.kind == "staff" else None
        )
        if maker is None:
            raise Denied("A token is made by a member of staff, who answers for it.")
        token_id = uuid.uuid4()
        text = tokens.write(
            Claims(
                audience=Audience.SERVICE,
                subject=f"token:{token_id}",
                session_id=token_id,
                generation=0,
                auth_time=now,
                expires_at=expires_at,
                amr=("service",),
            ),
            "access",
        )
        row = ServiceToken.objects.create(
            token_id=token_id,
            name=name,
            verb=verb,
            cycle_code=cycle,
            token_sha256=tokens.sha256(text),
            made_by=maker,
            created_at=now,
            expires_at=expires_at,
        )
        record("token.create", actor=actor, entity=("token", str(token_id)), verb=verb, cycle=cycle)
    return row, text


def service_tokens(actor: Actor) -> QuerySet[ServiceToken]:
    """Return all tokens, those that ended too; raise Denied without the permission."""
    actor.require("tokens.manage")
    return ServiceToken.objects.select_related("made_by")


def revoke(row: ServiceToken, *, actor: Actor) -> None:
    """End a token from now on; ending it again changes nothing."""
    actor.require("tokens.manage")
    with transaction.atomic():
        live = ServiceToken.objects.filter(pk=row.pk, revoked_at=None)
        if live.update(revoked_at=timezone.now()):
            record("token.revoke", actor=actor, entity=("token", str(row.pk)))
