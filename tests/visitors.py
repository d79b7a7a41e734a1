"""Browsers of the tests: people who sign in by the pages, with what they read in their mail or on their phone."""

import re
import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import second_factor
from accounts.models import AdminUser, User
from accounts.roles import Role
from accounts.second_factor import Enrolment
from tests.factories import omar

PASSWORD = "a long enough password"  # the one that tests.factories.omar has


class Browser(Client):
    """A browser of one person, which speaks https and follows where it is led."""

    def get(self, path, *args, **kwargs):
        return super().get(_address(path), *args, **{"secure": True, "follow": True, **kwargs})

    def post(self, path, *args, **kwargs):
        return super().post(_address(path), *args, **{"secure": True, "follow": True, **kwargs})

    def ask_for_code(self, email):
        """Enter an address at the door."""
        return self.post("account_request_login_code", {"email": email})

    def enter_code(self, code):
        """Enter what the mail said."""
        return self.post("account_confirm_login_code", {"code": code})

    def sign_in_by_code(self, email):
        """Go through the door."""
        self.ask_for_code(email)
        return self.enter_code(mailed_code())

    def sign_in_by_password(self, email, password=PASSWORD):
        """Use the side door."""
        return self.post("account_login", {"login": email, "password": password})

    def enter_factor(self, code):
        """Enter what the authenticator app shows, at sign-in."""
        return self.post("mfa_authenticate", {"code": code})


def applicant_browser(email: str = "amina@example.org", *, seconds_ago: int = 0):
    """A browser in which somebody signed in by a code, so long ago; their account is made unless it is there."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    browser = Browser()
    browser.force_login(user, "accounts.backends.RoleBackend")
    session = browser.session
    session["account_authentication_methods"] = [{"method": "code", "at": time.time() - seconds_ago, "email": email}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser


def mailed_code():
    """The code in the last mail."""
    return re.search(r"^    ([A-Z-]+)$", mail.outbox[-1].body, re.MULTILINE)[1]


def shown_code(enrolment: Enrolment, *, steps: int = 0):
    """What the authenticator app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(enrolment.secret, int(time.time()) // 30 + steps))


def staff_browser(role: Role = Role.ADMIN, *, email: str = "omar@example.org"):
    """A browser of a member of staff who has signed in with both factors, and what they enrolled."""
    omar(role, email=email)
    enrolment = second_factor.enrol(User.objects.get(email=email))
    browser = Browser()
    browser.sign_in_by_password(email)
    browser.enter_factor(shown_code(enrolment))
    return browser, enrolment


def member(email: str = "omar@example.org"):
    """The staff record of an address."""
    return AdminUser.objects.get(user__email=email)


def _address(path):
    return path if path.startswith("/") else reverse(path)


def used(user: User, code: str):
    """By what the code was right, now that it is used up: "totp", "recovery_codes" or None."""
    authenticator = second_factor.use(user, code)
    return authenticator and authenticator.type
