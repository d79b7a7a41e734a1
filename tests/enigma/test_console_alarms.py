"""Alarms of the dashboard: each app watches its own, the worst comes first, and each leads to what to do."""

import pytest
from django.test import RequestFactory

from accounts.roles import Role
from enigma.console import alarms, registry
from enigma.console.registry import Alarm, Level
from tests.visitors import staff_browser


class Person:
    """Whoever holds these permissions."""

    def __init__(self, *permissions):
        self.permissions = permissions

    def has_perm(self, name):
        return name.removeprefix("accounts.") in self.permissions


def asked_by(*permissions):
    request = RequestFactory().get("/")
    request.user = Person(*permissions)
    return request


@pytest.fixture
def watches(monkeypatch):
    """An empty registry, and what puts alarms into it."""
    monkeypatch.setattr(registry, "_alarms", [])

    def watch(needs, *found):
        registry.alarm(needs=needs)(lambda request: found)

    return watch


@pytest.fixture
def health(monkeypatch):
    """Sets what the parts of the service say."""
    well = dict.fromkeys(("database", "migrations", "worker", "sequencer"), "ok")
    return lambda **wrong: monkeypatch.setattr(alarms, "checks", lambda: {**well, **wrong})


def test_the_worst_comes_first_and_only_what_one_may_know(watches):
    soon, urgent, hidden = (Alarm(level, "x", "y") for level in (Level.WARN, Level.BAD, Level.BAD))
    watches("cycle.view", soon)
    watches("cycle.view", urgent)
    watches("audit.view", hidden)
    assert registry.alarms_for(asked_by("cycle.view")) == [urgent, soon]


def test_an_alarm_leads_to_a_page_where_there_is_one():
    routes = [("admin:index",), ("admin:person", 7), ("no-such-page",), ()]
    found = [Alarm(Level.BAD, "x", "y", route).url for route in routes]
    assert found == ["/console/", "/console/accounts/adminuser/person/7/", "", ""]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, []),
        ({"worker": "silent"}, ["run_worker"]),
        ({"sequencer": "late"}, ["worker's own log"]),
        ({"worker": "silent", "sequencer": "late"}, ["run_worker", "worker's own log"]),
        ({"migrations": "missing", "worker": "unknown", "sequencer": "unknown"}, ["migrate"]),
    ],
)
def test_what_is_wrong_with_the_service_is_said_in_words(health, wrong, told):
    health(**wrong)
    found = list(alarms.service(asked_by()))
    assert [words in str(one.text) for one, words in zip(found, told, strict=True)] == [True] * len(told)
    assert {one.url for one in found} <= {"/readyz"}


@pytest.mark.django_db
def test_the_dashboard_is_calm_when_all_is_well(health):
    health()
    browser = staff_browser(Role.REVIEWER)[0]
    page = browser.get("/console/").content.decode()
    assert ("All well" in page, "Needs attention" in page) == (True, False)


@pytest.mark.django_db
def test_the_dashboard_says_first_what_needs_attention(health):
    health(worker="silent")
    browser = staff_browser(Role.REVIEWER)[0]
    page = browser.get("/console/").content.decode()
    assert ("All well" in page, page.index("Needs attention") < page.index("run_worker")) == (False, True)
    assert '<a href="/readyz">See what answers</a>' in page
