"""Who acts in a browser's session, and how they proved it; the API has accounts.sessions for the same."""

import time

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.actors import Actor
from accounts.models import AdminUser, User
from accounts.roles import Role

# A second factor opens the console for as long as a session of staff may last (see accounts.sessions).
FACTOR_COUNTS_FOR = 12 * 3600
# What concerns all of a person's data asks that they have shown who they are so many seconds ago at most.
LATELY = 15 * 60


def actor_of(user: User) -> Actor:
    """Return the person as an actor, with the role that the database names now."""
    role = AdminUser.objects.filter(user=user, is_active=True, user__is_active=True).values_list("role", flat=True)
    staff = role.first()
    return Actor("staff" if staff else "applicant", f"user:{user.pk}", staff or Role.APPLICANT)


def methods(request: HttpRequest, user: AbstractBaseUser) -> list[str]:
    """Return how the person proved in this session who they are, in that order: password, code, mfa."""
    return [str(one["method"]) for one in get_authentication_records(request, user)]


def used_second_factor(request: HttpRequest) -> bool:
    """Tell whether a second factor that the person still has was used in this session, and not too long ago."""
    after = time.time() - FACTOR_COUNTS_FOR
    records = get_authentication_records(request, request.user)
    used = [one.get("id") for one in records if one["method"] == "mfa" and one["at"] > after]
    return bool(used) and bool(Authenticator.objects.filter(user=request.user, pk__in=used).exists())


def proved_lately(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Tell whether the person has proved in this session, and a short while ago, who they are: by whatever way."""
    after = time.time() - LATELY
    return any(one["at"] > after for one in get_authentication_records(request, user))
