"""What allauth asks of us: who may sign up, where a request comes from, how secrets of second factors are sealed."""

import logging
from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import get_connection
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException

from accounts import lockouts, second_factor
from accounts.browser import actor_of, methods
from accounts.callers import address_of
from accounts.failures import note_failure
from accounts.forms import told_to_wait
from accounts.models import AdminUser, User
from accounts.sessions import end, sessions_of
from audit.log import record
from enigma.keys import keyring
from enigma.mail import hands_on_nothing

logger = logging.getLogger(__name__)

SECRET = "second factor"  # noqa: S105  what a sealed text is, not a secret itself


class Undelivered(APIException):
    """A letter that somebody waits for was not sent; the API says so, a page that something went wrong."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The letter could not be sent: check the address, or try again in a moment."
    default_code = "undelivered"
    wait = 60


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by pages; every sign-in and sign-out is audited."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": gettext_lazy(
            "That was tried too often. Please wait a little, or ask for a new code."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """There is one door, and it is not allauth's (see accounts.forms.RequestCodeForm)."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address as far as proxies are trusted, as for the API."""
        return address_of(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a letter; raise Undelivered when there is no mail server, or it does not take this one."""
        # What is printed instead of sent, a code to sign in by, has no place in a server's log.
        if hands_on_nothing(get_connection()) and not (settings.DEBUG or settings.SECOND_FACTOR_OPTIONAL):
            logger.error("no letter can be sent: EMAIL_URL names no mail server")
            raise Undelivered
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, ValueError) as fault:
            # The kind of fault only: its text may quote the address.
            logger.error("a letter could not be sent: %s", type(fault).__name__)
            raise Undelivered from None

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell the person what has changed; that it has stands, also when nobody can be told."""
        with suppress(Undelivered):
            super().send_notification_mail(*args, **kwargs)

    def is_login_by_code_required(self, login: Login) -> bool:
        """Tell whether a code is to be mailed as well: to staff who have no second factor yet.

        A stolen password alone must not be enough to enrol one.
        """
        if not second_factor.demanded() or second_factor.has_one(login.user):
            return False
        proved = methods(self.request, login.user)
        return proved[-1:] != ["code"] and AdminUser.objects.filter(user=login.user, is_active=True).exists()

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before the password is looked at, together with those by the API."""
        with told_to_wait():
            lockouts.attempt(credentials["email"], address_of(request))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Check a password; a right one takes the count back."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user:
            lockouts.succeeded(credentials["email"], address_of(request))
        return user

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Check the password of whoever is signed in."""
        assert isinstance(user, User)  # noqa: S101
        return self.authenticate(context.request, email=user.email, password=password) == user

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Set it, and end the person's sessions of the API: who changes a password may have lost the old one."""
        assert isinstance(user, User)  # noqa: S101
        with transaction.atomic():
            super().set_password(user, password)
            for rows in sessions_of(user):
                end(rows, actor=actor_of(user), reason="password_changed")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write it down, never by address."""
        email = credentials["email"]
        user = User.objects.filter(email=email).first()
        note_failure("password", user=user, email=email, door="pages")

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign in."""
        assert isinstance(user, User)  # noqa: S101  AUTH_USER_MODEL is ours
        proved = methods(request, user)
        with transaction.atomic():
            super().login(request, user)
            AdminUser.objects.filter(user=user, is_active=True).update(last_login_at=timezone.now())
            record("session.begin", actor=actor_of(user), entity=("user", str(user.pk)), amr=proved, door="pages")

    def logout(self, request: HttpRequest) -> None:
        """Sign out."""
        user = request.user
        if isinstance(user, User):
            with transaction.atomic():
                record("session.end", actor=actor_of(user), entity=("user", str(user.pk)), reason="logout")
        super().logout(request)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors, whose secrets are sealed by the master keys."""

    def encrypt(self, text: str) -> str:
        """Seal a secret for the database."""
        return keyring().seal_secret(text, kind=SECRET)

    def decrypt(self, encrypted_text: str) -> str:
        """Open it; raise UnreadableRecord when no master key fits."""
        return keyring().open_secret(encrypted_text, kind=SECRET)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """Propose a name for a new passkey; its owner may write a better one."""
        held = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Key %(number)d") % {"number": held + 1}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Name a passkey by the address: the browser shows it to its owner."""
        assert isinstance(user, User)  # noqa: S101
        return super().get_public_key_credential_user_entity(user) | {"display_name": user.email}
