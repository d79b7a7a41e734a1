"""The console's own pages and panels: permissions are asked, refusals told, and one is led where one may go."""

import re

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from accounts.roles import Role
from enigma.console import registry
from enigma.console.pages import ConsolePage
from enigma.console.registry import Entry
from enigma.errors import Conflict, Denied
from tests.visitors import staff_browser


class Person:
    """Whoever holds these permissions."""

    is_authenticated = True

    def __init__(self, *permissions):
        self.permissions = permissions

    def has_perm(self, name):
        return name.removeprefix("accounts.") in self.permissions


class Page(ConsolePage):
    """A page that may be read by one, and does something for another."""

    needs = {"get": "cycle.view", "post": "cycle.freeze"}
    deed = None

    def get(self, request):
        return self.may("cycle.freeze")

    def post(self, request):
        return self.tried(self.deed, done=lambda count: f"{count} are frozen.")

    def delete(self, request):
        raise AssertionError("names no permission")


def asked(method, deed, *permissions):
    """What the page answers, and what it tells."""
    request = getattr(RequestFactory(), method)("/")
    request.user, request.session = Person(*permissions), SessionStore()
    request._messages = FallbackStorage(request)
    answer = Page.as_view(deed=deed)(request)
    return answer, [(one.level_tag, str(one)) for one in get_messages(request)]


def test_a_method_asks_for_its_own_permission():
    assert asked("get", lambda: 3, "cycle.view")[0] is False
    with pytest.raises(PermissionDenied):
        asked("post", lambda: 3, "cycle.view")


def test_a_method_that_names_no_permission_answers_nobody():
    assert asked("delete", lambda: 3, "cycle.view", "cycle.freeze")[0].status_code == 405


def test_what_is_done_is_told_with_what_came_of_it():
    assert asked("post", lambda: 3, "cycle.freeze") == (True, [("success", "3 are frozen.")])


def test_a_refusal_is_told_in_its_own_words():
    def deed():
        raise Conflict("Somebody was faster.")

    assert asked("post", deed, "cycle.freeze") == (False, [("error", "Somebody was faster.")])


def test_a_denial_by_the_deed_is_no_message():
    def deed():
        raise Denied("No.")

    with pytest.raises(PermissionDenied):
        asked("post", deed, "cycle.freeze")


def test_panels_are_shown_to_whoever_may_see_them_and_left_out_when_they_have_nothing_to_say(monkeypatch):
    monkeypatch.setattr(registry, "_panels", [])
    registry.panel("here", template="b.html", needs="cycle.view", order=2)(lambda request, cycle: {"of": cycle})
    registry.panel("here", template="a.html", needs="cycle.view", order=1)(lambda request, cycle: {})
    registry.panel("here", template="c.html", needs="cycle.view", order=3)(lambda request, cycle: None)
    registry.panel("here", template="d.html", needs="audit.view", order=4)(lambda request, cycle: {})
    registry.panel("there", template="e.html", needs="cycle.view", order=5)(lambda request, cycle: {})
    request = RequestFactory().get("/")
    request.user = Person("cycle.view")
    assert registry.panels_of("here", request, "fall") == [
        {"template": "a.html", "context": {}},
        {"template": "b.html", "context": {"of": "fall"}},
    ]


def test_the_navigation_has_no_section_that_nobody_planned():
    with pytest.raises(ValueError, match="Elsewhere"):
        registry.add_entry(Entry("Elsewhere", "Somewhere", "somewhere", "cycle.view"))


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "sees"), [(Role.SUPER_ADMIN, True), (Role.ADMIN, False)])
def test_the_navigation_leads_where_the_role_may_go(role, sees):
    browser, _ = staff_browser(role)
    page = browser.get("/console/").content.decode()
    assert ('href="/console/accounts/adminuser/"' in page) is sees


@pytest.mark.django_db
def test_the_navigation_marks_where_one_is():
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    page = browser.get("/console/accounts/adminsession/").content.decode()
    assert set(re.findall(r'href="([^"]+)" aria-current="page"', page)) == {"/console/accounts/adminsession/"}


@pytest.mark.django_db
def test_the_dashboard_is_marked_on_its_own_page_alone():
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    marked = [
        set(re.findall(r'href="([^"]+)" aria-current="page"', browser.get(path).content.decode()))
        for path in ("/console/", "/console/open-a-cycle/")
    ]
    assert marked == [{"/console/"}, set()]
