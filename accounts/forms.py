"""The forms of signing in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField
from allauth.account.forms import LoginForm, RequestLoginCodeForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from rest_framework.exceptions import Throttled

from accounts import second_factor
from accounts.callers import address_of
from accounts.failures import note_failure
from accounts.models import User
from accounts.newcomers import person_for
from accounts.throttles import limit, limit_mail
from enigma.errors import Malformed


class RequestCodeForm(RequestLoginCodeForm):
    """Asks for an address, and lets new people in by the same door as known ones."""

    email = EmailField(label=_("E-mail address"), max_length=User._meta.get_field("email").max_length)

    def clean_email(self) -> str:
        """Count the try, then find or make the person."""
        email: str = self.cleaned_data["email"]
        with told_to_wait():
            limit("code", address_of(context.request))
            limit_mail(email, address_of(context.request))
        try:
            self._user = person_for(email)
        except Malformed as fault:
            raise ValidationError(str(fault), code="invalid") from None
        return email


class PasswordForm(LoginForm):
    """Asks for an address and a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")


class _TypedFactor(BaseAuthenticateForm):
    """Takes a code by our own count of time steps, which the API shares: used there, it is used up here."""

    def clean_code(self) -> str:
        """Return the code, used up; raise ValidationError when it is wrong or was used."""
        code: str = self.cleaned_data["code"]
        with told_to_wait():
            used = second_factor.guess(self.user, code, address=address_of(context.request))
        if used is None:
            note_failure("second_factor", user=self.user, door="pages")
            raise get_adapter().validation_error("incorrect_code")
        self.authenticator = used
        return code


class FactorForm(_TypedFactor, AuthenticateForm):
    """Asks for the second factor at sign-in."""


class FactorAgainForm(_TypedFactor, ReauthenticateForm):
    """Asks for it within a session."""


@contextmanager
def told_to_wait() -> Iterator[None]:
    """Turn a limit that is reached into a sentence beside the form."""
    try:
        yield
    except Throttled as full:
        minutes = max(1, round((full.wait or 60) / 60))
        told = ngettext(
            "That was tried too often. Please try again in %(minutes)d minute.",
            "That was tried too often. Please try again in %(minutes)d minutes.",
            minutes,
        )
        raise ValidationError(told % {"minutes": minutes}, code="too_often") from None
