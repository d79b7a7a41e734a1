"""Signing in by the API: staff by password and second factor, applicants by an e-mailed code."""

import time
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, NoReturn

from allauth.account import app_settings as allauth_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.internal.cryptokit import normalize_user_code
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from accounts import lockouts, second_factor, sessions
from accounts.callers import address_of, caller_of, keyed
from accounts.failures import note_failure
from accounts.models import AdminUser, User
from accounts.newcomers import person_for
from accounts.roles import STAFF
from accounts.sessions import Tokens
from accounts.throttles import count, limit_mail
from enigma.errors import Denied

# What a challenge keeps in its session row; a browser's session has no such key, and is no challenge.
STATE = "api_challenge"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What belongs to a code that was sent: an opaque name, and the seconds until it ends."""

    name: str
    seconds: int


def sign_in_staff(email: str, password: str, code: str, *, request: HttpRequest) -> Tokens:
    """Begin a session of a member of staff; raise AuthenticationFailed, and say the same whatever was wrong.

    Raise Throttled after too many failures, and Denied when everything is right but no second factor is enrolled.
    """
    email, address = email.strip().lower(), address_of(request)
    lockouts.attempt(email, address)
    member = AdminUser.objects.select_related("user").filter(user__email=email, role__in=STAFF).first()
    user = member.user if member else None
    # A hash is made in every case: of a user who has none (or is not there) Django makes one for nothing.
    right = (user or User(password="!")).check_password(password)  # noqa: S106  a mark for «none»
    if member is None or not (right and member.is_active and member.user.is_active):
        _failed("password", email=email, user=user)
    methods = _second_factor_of(member, code, address)
    if methods is None:
        _failed("second_factor", email=email, user=user)
    lockouts.succeeded(email, address)
    return sessions.begin(member, amr=("pwd", *methods), caller=caller_of(request))


def send_code(email: str, *, request: HttpRequest) -> Challenge:
    """Send a code to an address; an unknown one is somebody's from now on, so that nobody learns which are known."""
    limit_mail(email, address_of(request))
    user = person_for(email)
    code = get_adapter().generate_login_code()
    store = SessionStore()
    store.set_expiry(allauth_settings.LOGIN_BY_CODE_TIMEOUT)
    store.create()
    # Its own end: the row's moves on when somebody sends the challenge as the cookie of a browser.
    until = time.time() + allauth_settings.LOGIN_BY_CODE_TIMEOUT
    store[STATE] = {"user": user.pk, "code": _code_hmac(str(store.session_key), code).hex(), "until": until}
    store.save()
    get_adapter().send_mail("account/email/login_code", user.email, {"request": request, "code": code})
    return Challenge(str(store.session_key), allauth_settings.LOGIN_BY_CODE_TIMEOUT)


def exchange_code(challenge: str, code: str, factor: str, *, request: HttpRequest) -> Tokens:
    """Begin a session of whoever got the code; raise AuthenticationFailed. A few wrong tries end the challenge.

    Who has enrolled a second factor needs it here as well: the mailbox alone is then not enough.
    """
    state = _state_of(challenge)
    left = allauth_settings.LOGIN_BY_CODE_MAX_ATTEMPTS - _tries(challenge)
    if left < 0:
        raise _wrong_code()
    user = User.objects.filter(pk=state["user"]).first()
    right = compare_digest(_code_hmac(challenge, code).hex(), state["code"])
    if user is None or not (right and user.is_active):
        if left == 0:
            _use_up(challenge)
        _failed("code", email="", user=user)
    guarded = second_factor.has_one(user)
    if guarded and not second_factor.guess(user, factor, address=address_of(request)):
        if left == 0:
            _use_up(challenge)
        if factor.strip():
            note_failure("second_factor", user=user)
        raise AuthenticationFailed("Send a code of your second factor as well.", code="second_factor_needed")
    with transaction.atomic():
        if not _use_up(challenge):
            raise _wrong_code()
        EmailAddress.objects.filter(user=user, email=user.email, verified=False).update(verified=True)
        return sessions.begin(user, amr=("otp", "mfa") if guarded else ("otp",), caller=caller_of(request))


def _second_factor_of(member: AdminUser, code: str, address: str) -> tuple[str, ...] | None:
    """Return the methods that the code adds to the password, or None when it is wrong or missing."""
    if not second_factor.has_one(member.user):
        if second_factor.demanded():
            raise Denied("You have no second factor yet: sign in at /accounts/login/ and enrol one at /accounts/2fa/.")
        return ()
    return ("otp", "mfa") if second_factor.guess(member.user, code, address=address) else None


def _failed(what: str, *, email: str, user: User | None) -> NoReturn:
    """Write down that it failed, and answer everybody alike."""
    note_failure(what, email=email, user=user)
    if what == "code":
        raise _wrong_code()
    raise AuthenticationFailed("The address, the password or the code is wrong.", code="wrong_credentials")


def _state_of(challenge: str) -> dict[str, Any]:
    """Return what is kept of a challenge; raise AuthenticationFailed when there is none, or its time is over."""
    state: dict[str, Any] | None = SessionStore(challenge).get(STATE)
    if not state or state["until"] < time.time():
        raise _wrong_code()
    return state


def _wrong_code() -> AuthenticationFailed:
    return AuthenticationFailed("The code is wrong, or it is not valid any more.", code="wrong_code")


def _tries(challenge: str) -> int:
    """Count a try of a code, before the code is looked at, and return how many there were."""
    return count("guess", challenge, seconds=2 * allauth_settings.LOGIN_BY_CODE_TIMEOUT).count


def _code_hmac(challenge: str, code: str) -> bytes:
    return keyed("login_code", f"{challenge}\n{normalize_user_code(code)}")


def _use_up(challenge: str) -> bool:
    """End a challenge; of two at once exactly one is told so."""
    return bool(BrowserSession.objects.filter(session_key=challenge).delete()[0])
