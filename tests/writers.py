"""People who write an application on the pages, in one tab or several."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from admissions.models.cycles import AdmissionCycle
from tests.factories import AMINA, applicant

EMAIL = "amina@example.org"
# What Amina types, section by section.
TYPED = {
    "about": {"name": AMINA["name"]},
    "contact": {"phone": AMINA["phone"], "address": AMINA["address"]},
    "academic": {"gpa": "3.8", "test-SAT": "1450", "test-ACT": ""},
    "essay": {"essay": AMINA["essay"]},
    "achievements": {"achievements": AMINA["achievements"]},
}


class Writer(Client):
    """A browser in which an applicant is signed in; each ``tab`` remembers the version that it was shown."""

    def __init__(self, email: str = EMAIL, code: str = "fall-2026") -> None:
        super().__init__()
        self.code = code
        self.user, self.actor = applicant(email)
        self.force_login(self.user, "accounts.backends.RoleBackend")

    def look(self, name: str, **where: Any) -> Any:
        """Open a page by the name of its route."""
        return self.get(self.place(name, **where), secure=True)

    def send(self, name: str, data: Any = None, **where: Any) -> Any:
        """Send a form there."""
        return self.post(self.place(name, **where), data or {}, secure=True)

    def place(self, name: str, **where: Any) -> str:
        """The address of a route; of the pages of a cycle, of one's own."""
        own = {"code": self.code} if name.startswith("apply") else {}
        return reverse(name, kwargs={**own, **where})

    def tab(self, section: str) -> "Tab":
        """Open a section in another tab."""
        return Tab(self, section, self.look("apply-section", section=section).content.decode())

    def write_all(self, **changes: dict[str, str]) -> None:
        """Fill all sections, a tab for each."""
        for section, typed in TYPED.items():
            self.tab(section).save({**typed, **changes.get(section, {})}, then="later")

    def hand_in(self, **more: str) -> Any:
        """Check the answers and send them."""
        shown = self.look("apply-check").content.decode()
        return self.send("apply-check", {"version": hidden(shown, "version"), "declared": "yes", **more})

    def apply(self, **changes: dict[str, str]) -> str:
        """Do it all; return the reference."""
        self.write_all(**changes)
        return reference_in(self.hand_in())


class Tab:
    """One open page of a section."""

    def __init__(self, writer: Writer, section: str, shown: str) -> None:
        self.writer, self.section = writer, section
        self.version, self.token = hidden(shown, "version"), hidden(shown, "tab")

    def save(self, typed: dict[str, str], **more: str) -> Any:
        """Press a button: «Save and continue», or another by ``then``."""
        answer = self.writer.send("apply-section", {**self._own(), **typed, **more}, section=self.section)
        if answer.status_code in {409, 422}:
            self.version = hidden(answer.content.decode(), "version")
        return answer

    def type(self, typed: dict[str, str]) -> Any:
        """Type, and let the page save it by itself."""
        answer = self.writer.send("apply-autosave", {**self._own(), **typed}, section=self.section)
        if answer.status_code == 200:
            self.version = hidden(answer.content.decode(), "version")
        return answer

    def _own(self) -> dict[str, str]:
        return {"version": self.version, "tab": self.token}


def hidden(page: str, name: str) -> str:
    """The value of a hidden box, "" where there is none."""
    found = re.search(rf'type="hidden" name="{name}"[^>]* value="([^"]*)"', page)
    return found[1] if found else ""


def reference_in(answer: Any) -> str:
    """The reference in the address of the receipt that an answer leads to."""
    found = re.fullmatch(r"/applications/([0-9A-Z-]{14})/receipt/", answer.headers.get("Location", ""))
    assert found, (answer.status_code, answer.headers, answer.content.decode()[:2000])
    return found[1]


def closing(**moment: Any) -> None:
    """Set the dates of all cycles by SQL: their rules are not checked, so that time can run."""
    AdmissionCycle.objects.update(**moment)
