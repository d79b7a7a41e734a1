"""What an account holds of its owner, and closing it for good: nobody signs in by it, and no address is left."""

import secrets
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext

from accounts.actors import Actor
from accounts.models import AdminUser, ApplicantSession, User
from accounts.sessions import end_all
from audit.log import record
from enigma.errors import Refused


def account_of(user: User) -> dict[str, Any]:
    """Return, as JSON values, what the account holds; of secrets only that they are there."""
    sessions = ApplicantSession.objects.filter(user=user).order_by("created_at")
    times = ("created_at", "last_seen_at", "absolute_expires_at", "revoked_at", "revoked_reason")
    factors = Authenticator.objects.filter(user=user).order_by("pk")
    return {
        "id": f"user:{user.pk}",
        "email": user.email,
        "made_at": user.date_joined,
        "last_sign_in": user.last_login,
        "has_password": user.has_usable_password(),
        "addresses": list(EmailAddress.objects.filter(user=user).order_by("pk").values("email", "verified", "primary")),
        "second_factors": list(factors.values("type", "created_at", "last_used_at")),
        "sessions_of_apps": list(sessions.values(*times)),
        "sign_in_by_others": [{"provider": one.provider, "uid": one.uid} for one in _linked(user)],
    }


def is_staff(user: User) -> bool:
    """Whether there is a staff record, also one out of use: what they did must stay answerable."""
    return AdminUser.objects.filter(user=user).exists()


def demand_no_staff(user: User) -> None:
    """Raise Refused for whoever has a staff record."""
    if is_staff(user):
        raise Refused(gettext("This account belongs to a member of staff and cannot be erased here."))


@transaction.atomic
def close_account(user: User, *, actor: Actor) -> None:
    """End all sessions, forget every way in, and put a placeholder in the place of the address."""
    actor.require("own.erase")
    demand_no_staff(user)
    end_all(user, actor=actor, reason="erased")
    ApplicantSession.objects.filter(user=user).delete()  # they hold hashes of where the person came from
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    for one in _linked(user):
        one.delete()
    user.refresh_from_db()
    user.email = f"{secrets.token_hex(16)}@erased.invalid"
    user.set_unusable_password()
    user.is_active, user.last_login = False, None
    user.save()
    record("own.erase", actor=actor, entity=("user", str(user.pk)))


def _linked(user: User) -> list[Any]:
    """What OpenID providers told of the person, where an installation knows any."""
    if not apps.is_installed("allauth.socialaccount"):
        return []
    return list(apps.get_model("socialaccount", "SocialAccount").objects.filter(user=user).order_by("pk"))
