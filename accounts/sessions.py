"""Sessions behind the tokens of the API: begin, refresh, end. The row decides; a token only names it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from accounts import tokens
from accounts.actors import Actor
from accounts.callers import Caller
from accounts.models import AdminSession, AdminUser, ApplicantSession, Session, User
from accounts.roles import STAFF as STAFF_ROLES
from accounts.roles import Role
from accounts.tokens import Audience, BadToken, Claims
from audit.log import record
from enigma.errors import Conflict

# Two tabs may refresh at once, and requests are still on their way while one does: so long the last generation is
# forgiven. It gets no new tokens, but neither is it taken for a stolen one.
GRACE = timedelta(seconds=10)
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between sessions of staff and of applicants."""

    audience: Audience
    model: Any
    holder: str  # the column that names whose session it is
    access: timedelta
    idle: timedelta
    absolute: timedelta


STAFF = Kind(
    audience=Audience.STAFF,
    model=AdminSession,
    holder="admin_user",
    access=timedelta(minutes=5),
    idle=timedelta(minutes=30),
    absolute=timedelta(hours=12),
)
APPLICANT = Kind(
    audience=Audience.APPLICANT,
    model=ApplicantSession,
    holder="user",
    access=timedelta(minutes=10),
    idle=timedelta(hours=2),
    absolute=timedelta(days=7),
)
KINDS = {kind.audience: kind for kind in (STAFF, APPLICANT)}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets; ``expires_in`` are the seconds that the access token lives."""

    access: str
    refresh: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  no secret


def begin(holder: AdminUser | User, *, amr: Sequence[str], caller: Caller) -> Tokens:
    """Begin a session of a member of staff, or of an applicant, who has just proved who they are by ``amr``."""
    kind = STAFF if isinstance(holder, AdminUser) else APPLICANT
    now = timezone.now()
    claims = Claims(
        audience=kind.audience,
        subject=f"user:{holder.user_id if isinstance(holder, AdminUser) else holder.pk}",
        session_id=uuid.uuid4(),
        generation=0,
        auth_time=now,
        expires_at=now + kind.absolute,
        amr=tuple(amr),
    )
    minted = _mint(claims, kind, now)
    with transaction.atomic():
        row = kind.model.objects.create(
            session_id=claims.session_id,
            refresh_sha256=tokens.sha256(minted.refresh),
            created_at=now,
            last_seen_at=now,
            idle_expires_at=now + kind.idle,
            absolute_expires_at=now + kind.absolute,
            mfa_at=now if "mfa" in amr else None,
            ip_hmac=caller.ip_hmac,
            agent_sha256=caller.agent_sha256,
            **{kind.holder: holder},
        )
        if isinstance(holder, AdminUser):
            AdminUser.objects.filter(pk=holder.pk).update(last_login_at=now)
        record("session.begin", actor=actor_of(row), entity=_entity(row), amr=list(amr))
    return minted


def refresh(text: str, audience: Audience) -> Tokens:
    """Exchange a refresh token for new tokens, once; raise Conflict when it was exchanged a moment ago.

    An older token means that somebody holds a copy: the session ends, for the thief and for its owner. That, and
    every token without a live session, raises AuthenticationFailed.
    """
    claims = read_refresh(text, audience)
    kind, now = KINDS[audience], timezone.now()
    minted = _mint(replace(claims, generation=claims.generation + 1), kind, now)
    # The conditions are on the row itself and the holder is a list: were it a join, Django would move all of them
    # into a subquery, and of two at once both would win.
    exchanged = (
        kind.model.objects.filter(_live(now), _active(kind), pk=claims.session_id, generation=claims.generation)
        .filter(refresh_sha256=tokens.sha256(text))
        .update(
            refresh_sha256=tokens.sha256(minted.refresh),
            generation=F("generation") + 1,
            rotated_at=now,
            last_seen_at=now,
            idle_expires_at=Least(now + kind.idle, F("absolute_expires_at")),
        )
    )
    if exchanged:
        return minted
    with transaction.atomic():
        forgiven = _look_into(claims, kind)
    if forgiven:
        raise Conflict("This session was refreshed a moment ago: use the newer token.")
    raise AuthenticationFailed("The session is over: sign in again.", code="session_over")


def read_refresh(text: str, audience: Audience) -> Claims:
    """Return what a refresh token says; raise AuthenticationFailed when it is none of this audience."""
    try:
        claims = tokens.read(text, "refresh")
    except BadToken:
        claims = None
    if claims is None or claims.audience != audience:
        raise AuthenticationFailed("This is no valid refresh token.", code="bad_token")
    return claims


def end(rows: QuerySet[Any], *, actor: Actor, reason: str) -> int:
    """End these sessions, of one kind; return how many were live until now."""
    with transaction.atomic():
        ending = list(rows.filter(revoked_at=None).select_for_update())
        rows.model.objects.filter(pk__in=[row.pk for row in ending]).update(
            revoked_at=timezone.now(), revoked_reason=reason
        )
        for row in ending:  # a person has a handful
            record("session.end", actor=actor, entity=_entity(row), reason=reason)
    return len(ending)


def end_all(user: User, *, actor: Actor, reason: str) -> int:
    """End every session of a person, as staff, as applicant and in browsers; return how many of the first two."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(browser_generation=F("browser_generation") + 1)
        return sum(end(rows, actor=actor, reason=reason) for rows in sessions_of(user))


def sessions_of(user: User) -> tuple[QuerySet[AdminSession], QuerySet[ApplicantSession]]:
    """Return a person's live sessions."""
    live = _live(timezone.now())
    return (
        AdminSession.objects.filter(live, admin_user__in=AdminUser.objects.filter(user=user)),
        ApplicantSession.objects.filter(live, user=user),
    )


def own(user: User, actor: Actor) -> QuerySet[Any]:
    """Return the live sessions of a person, of the kind in which they ask."""
    staff, applicant = sessions_of(user)
    return staff if actor.kind == "staff" else applicant


def find_live(claims: Claims) -> Session | None:
    """Return the live session that an access token names, by one query, and note that it was used."""
    kind, now = KINDS[claims.audience], timezone.now()
    rows = kind.model.objects.select_related("admin_user__user" if kind is STAFF else "user")
    row: Session | None = rows.filter(_live(now), _active(kind), pk=claims.session_id).first()
    if row is None or not _is_of_this_generation(claims, row, now):
        return None
    if now - row.last_seen_at >= TOUCH_EVERY:
        kind.model.objects.filter(_live(now), pk=row.pk).update(
            last_seen_at=now, idle_expires_at=Least(now + kind.idle, F("absolute_expires_at"))
        )
    return row


def actor_of(row: Session) -> Actor:
    """Return who acts in a session, with the role that the database names now."""
    if isinstance(row, AdminSession):
        member = row.admin_user
        return Actor(kind="staff", id=f"user:{member.user_id}", role=member.role, session_id=str(row.pk))
    assert isinstance(row, ApplicantSession)  # noqa: S101  there are two kinds
    # Whoever it is: a session begun as an applicant carries no other role, also when a member of staff began it.
    return Actor(kind="applicant", id=f"user:{row.user_id}", role=Role.APPLICANT, session_id=str(row.pk))


def _mint(claims: Claims, kind: Kind, now: datetime) -> Tokens:
    until = min(now + kind.access, claims.expires_at)
    return Tokens(
        access=tokens.write(replace(claims, expires_at=until), "access"),
        refresh=tokens.write(claims, "refresh"),
        expires_in=int((until - now).total_seconds()),
    )


def _live(now: datetime) -> Q:
    return Q(revoked_at=None, idle_expires_at__gt=now, absolute_expires_at__gt=now)


def _active(kind: Kind) -> Q:
    """Whose accounts are in use (of staff: people only); a subquery on other tables, never a join (see ``refresh``)."""
    if kind is STAFF:
        return Q(admin_user__in=AdminUser.objects.filter(role__in=STAFF_ROLES, is_active=True, user__is_active=True))
    return Q(user__in=User.objects.filter(is_active=True))


def _is_of_this_generation(claims: Claims, row: Session, now: datetime) -> bool:
    """An access token dies with its generation, but for the moment in which requests are still on their way."""
    behind = row.generation - claims.generation
    return behind == 0 or (behind == 1 and row.rotated_at is not None and now - row.rotated_at <= GRACE)


def _look_into(claims: Claims, kind: Kind) -> bool:
    """Say why a token was not exchanged: True when it was a moment ago; a reused one ends the session."""
    now = timezone.now()
    row = kind.model.objects.select_for_update().filter(_live(now), _active(kind), pk=claims.session_id).first()
    if row is None or claims.generation >= row.generation:
        return False
    if _is_of_this_generation(claims, row, now):
        return True
    row.revoked_at, row.revoked_reason = now, "reuse"
    row.save(update_fields=["revoked_at", "revoked_reason"])
    behind = row.generation - claims.generation
    record("session.reuse", actor=actor_of(row), entity=_entity(row), outcome="refused", generations_behind=behind)
    return False


def _entity(row: Session) -> tuple[str, str]:
    return ("session", str(row.pk))
