"""Clients of the API that are signed in: each has a real token of a real session (or machine's token) row."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts import sessions
from accounts.actors import Actor
from accounts.callers import Caller
from accounts.models import AdminUser, User
from accounts.roles import Role
from accounts.service_tokens import make_token
from tests.factories import omar


class Client(APIClient):
    """Sends JSON over https, as every client must."""

    default_format = "json"
    actor: Actor | None = None
    tokens: sessions.Tokens | None = None

    def bearing(self, token: str) -> "Client":
        """Send this access token from now on ("" for none)."""
        header = {"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}
        self.credentials(**{"wsgi.url_scheme": "https", **header})
        return self


def api(actor: Actor | None = None) -> Client:
    """A client of this actor (of tests.factories.omar, say), or of somebody who has not signed in."""
    client = Client().bearing("")
    if actor is None or actor.kind == "nobody":
        return client
    user = int(actor.id.removeprefix("user:"))
    holder: Any = AdminUser.objects.get(user=user) if actor.kind == "staff" else User.objects.get(pk=user)
    return _signed_in(client, holder)


def staff_client(role: Role = Role.ADMIN, *, email: str = "omar@example.org") -> Client:
    """A client of a member of staff of that role, who is made here."""
    return api(omar(role, email=email))


def applicant_client(*, email: str = "amina@example.org") -> Client:
    """A client of an applicant, who is made here unless there already."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    return _signed_in(Client(), user)


def service_client(verb: str = "batches.export", cycle: str = "fall-2026") -> Client:
    """A client that is a machine, with a token for one permission in one cycle."""
    maker = AdminUser.objects.filter(user__email="tokens@example.org").first()
    actor = sessions_actor(maker) if maker else omar(email="tokens@example.org")
    until = timezone.now() + timedelta(days=1)
    row, text = make_token("evaluation", verb=verb, cycle=cycle, expires_at=until, actor=actor)
    client = Client().bearing(text)
    client.actor = Actor(kind="service", id=f"token:{row.pk}", role=Role.SERVICE, scope=(verb, cycle))
    return client


def sessions_actor(member: AdminUser) -> Actor:
    """A member of staff as an actor outside any session."""
    return Actor(kind="staff", id=f"user:{member.user_id}", role=member.role)


def _signed_in(client: Client, holder: AdminUser | User) -> Client:
    staff = isinstance(holder, AdminUser)
    client.tokens = sessions.begin(holder, amr=("pwd", "otp", "mfa") if staff else ("otp",), caller=Caller())
    kind = sessions.STAFF if staff else sessions.APPLICANT
    client.actor = sessions.actor_of(kind.model.objects.latest("created_at"))
    return client.bearing(client.tokens.access)
