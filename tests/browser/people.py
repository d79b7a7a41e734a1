"""People in front of a real browser: they sign in by the pages, with what comes by mail or stands on their phone."""

import email
import email.policy
import re
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from accounts import second_factor
from accounts.models import User
from accounts.roles import Role
from tests.browser.harness import Visitor
from tests.browser.modes import PLAIN, Mode
from tests.factories import omar
from tests.visitors import PASSWORD, shown_code

DOOR, SIDE_DOOR = "/accounts/login/code/", "/accounts/login/"


class Person(Visitor):
    """Somebody with an address, whose letters arrive in the folder of the server."""

    def __init__(self, browser: Browser, address: str, letters: Path, *, mailbox: str) -> None:
        super().__init__(browser, address)
        self.letters, self.mailbox = letters, mailbox

    def sign_in_by_code(self, mode: Mode = PLAIN) -> Page:
        """Go through the door; return the page behind it."""
        page = self.page(DOOR, mode)
        page.fill("#id_email", self.mailbox)
        page.click("main form button[type=submit]")
        page.fill("#id_code", self.mailed_code())
        page.click("main form button[type=submit]")
        return page

    def sign_in_as_staff(self, role: Role = Role.ADMIN, *, to: str = "/console/", mode: Mode = PLAIN) -> Page:
        """Become a member of staff with a second factor, and sign in by both; return the page asked for."""
        omar(role, email=self.mailbox)
        enrolment = second_factor.enrol(User.objects.get(email=self.mailbox))
        page = self.page(f"{SIDE_DOOR}?next={to}", mode)
        page.fill("#id_login", self.mailbox)
        page.fill("#id_password", PASSWORD)
        page.click("main form button[type=submit]")
        page.fill("#id_code", shown_code(enrolment))
        page.click("main form button[type=submit]")
        return page

    def mailed_code(self) -> str:
        """The code in the newest letter to this person that holds one, and forget the letter."""
        for _ in range(100):
            for path in sorted(self.letters.iterdir(), reverse=True):
                if found := re.search(r"^ {4}([A-Z0-9-]+)$", self._text(path), re.MULTILINE):
                    path.unlink()
                    return found[1]
            time.sleep(0.1)
        raise AssertionError(f"no letter with a code came for {self.mailbox}")

    def _text(self, path: Path) -> str:
        """The text of a letter, if it is for this person."""
        letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = letter.get_body(("plain",))
        return body.get_content() if body and self.mailbox in str(letter["To"]) else ""
