"""Tells who sends a request, from its bearer token and the row that the token names; asked anew every time."""

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import tokens
from accounts.actors import Actor, nobody
from accounts.models import AdminSession, ApplicantSession, ServiceToken, User
from accounts.roles import Role, permits
from accounts.sessions import actor_of, find_live
from accounts.tokens import Audience, BadToken, Claims

NOTE_USE_EVERY = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """``request.auth`` becomes the Actor; without an Authorization header it is nobody.

    A header that is there must be right, on public routes too: a client whose session is over should learn it.
    """

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Actor]:
        """Return user and actor; raise AuthenticationFailed (401) for a token without a live row."""
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return AnonymousUser(), nobody()
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Authorization takes a bearer token.", code="bad_token")
        try:
            return _person_or_machine(tokens.read(text), text)
        except BadToken:
            raise AuthenticationFailed("This token is not valid, or its session is over.", code="bad_token") from None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="enigma"'


class NoAuthentication(BearerAuthentication):
    """For the routes that let people in: a token that has expired must not keep anybody from getting a new one."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Actor]:
        """Everybody is nobody here."""
        return AnonymousUser(), nobody()


def _person_or_machine(claims: Claims, text: str) -> tuple[User | AnonymousUser, Actor]:
    if claims.audience == Audience.SERVICE:
        return AnonymousUser(), _machine(claims, text)
    row = find_live(claims)
    if isinstance(row, AdminSession):
        return row.admin_user.user, actor_of(row)
    if isinstance(row, ApplicantSession):
        return row.user, actor_of(row)
    raise BadToken


def _machine(claims: Claims, text: str) -> Actor:
    """A machine's token counts as long as whoever made it may make such tokens."""
    now = timezone.now()
    live = ServiceToken.objects.select_related("made_by").filter(
        pk=claims.session_id,
        token_sha256=tokens.sha256(text),
        revoked_at=None,
        expires_at__gt=now,
        made_by__is_active=True,
        made_by__user__is_active=True,
    )
    row = live.first()
    if row is None or not permits(row.made_by.role, "tokens.manage"):
        raise BadToken
    if row.last_used_at is None or now - row.last_used_at >= NOTE_USE_EVERY:
        ServiceToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return Actor(kind="service", id=f"token:{row.pk}", role=Role.SERVICE, scope=(row.verb, row.cycle_code))
