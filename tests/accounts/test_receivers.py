"""What the pages of signing in leave in the audit log."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import reverse

from accounts.models import User
from audit.models import LogOutbox
from tests.visitors import PASSWORD, Browser, mailed_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def amina(mailoutbox):
    """Amina, signed in by a code."""
    browser = Browser()
    browser.sign_in_by_code("amina@example.org")
    LogOutbox.objects.all().delete()
    return browser


def noted():
    """Action, actor, outcome and details of what was written down since."""
    entries = [json.loads(body) for body in LogOutbox.objects.order_by("pk").values_list("body", flat=True)]
    return [(one["action"], one["actor_id"], one["outcome"], one["details"]) for one in entries]


def test_a_password_that_is_set_is_noted(amina):
    amina.post("account_set_password", {"password1": PASSWORD, "password2": PASSWORD})
    me = f"user:{User.objects.get().pk}"
    assert noted() == [("password.set", me, "ok", {"door": "pages"})]


@pytest.mark.django_db(transaction=True)  # allauth tells it once it is committed
def test_a_second_factor_that_is_enrolled_is_noted(amina):
    secret = amina.get("mfa_activate_totp").context["form"].secret
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    amina.post("mfa_activate_totp", {"code": code})
    me = f"user:{User.objects.get().pk}"
    assert noted() == [
        ("second_factor.enrol", me, "ok", {"door": "pages", "type": "totp"}),
        ("second_factor.enrol", me, "ok", {"door": "pages", "type": "recovery_codes"}),
    ]
    assert Authenticator.objects.count() == 2


def test_a_wrong_code_from_a_letter_is_noted_without_the_address(mailoutbox):
    browser = Browser()
    browser.ask_for_code("amina@example.org")
    right = mailed_code()
    browser.enter_code(right[::-1] + "X")
    [(action, actor, outcome, details)] = noted()
    assert (action, actor, outcome) == ("login.failed", "", "refused")
    assert details == {"door": "pages", "reason": "code"}
    assert "amina@" not in str(LogOutbox.objects.values_list("body", flat=True))


@pytest.mark.parametrize("key", ["\0aaaaaaaaaaaa", "a" * 31, "A" * 32, "a" * 33, "'; DROP TABLE", "é" * 32])
def test_a_cookie_that_can_be_no_session_is_taken_for_none(key):
    browser = Browser()
    browser.cookies["sessionid"] = key
    assert browser.get(reverse("account_request_login_code")).status_code == 200
