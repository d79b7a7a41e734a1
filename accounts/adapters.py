"""What allauth asks of us: who may sign up, where a request comes from, how secrets of second factors are sealed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import Login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import lockouts, second_factor
from accounts.actors import nobody
from accounts.browser import actor_of, methods
from accounts.callers import address_of, keyed
from accounts.forms import told_to_wait
from accounts.models import AdminUser, User
from audit.log import record
from enigma.keys import keyring

SECRET = "second factor"  # noqa: S105  what a sealed text is, not a secret itself


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by pages; every sign-in and sign-out is audited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """There is one door, and it is not allauth's (see accounts.forms.RequestCodeForm)."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address as far as proxies are trusted, as for the API."""
        return address_of(request)

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

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write it down, never by address."""
        email = credentials["email"]
        user = User.objects.filter(email=email).first()
        entity = ("user", str(user.pk)) if user else ("address", keyed("unknown", email).hex()[:16])
        with transaction.atomic():
            record("login.failed", actor=nobody(), entity=entity, outcome="refused", reason="password", door="pages")

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

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Name a passkey by the address: the browser shows it to its owner."""
        assert isinstance(user, User)  # noqa: S101
        return super().get_public_key_credential_user_entity(user) | {"display_name": user.email}
