"""Who is refused a change by role is in the audit log, and cannot fill it."""

import json

import pytest

from accounts import refusals
from accounts.roles import Role
from audit.models import LogOutbox
from tests.clients import api, applicant_client, service_client, staff_client
from tests.factories import cycle

pytestmark = pytest.mark.django_db

VERIFY = "/api/v1/admin/audit/verify"


def noted():
    bodies = LogOutbox.objects.filter(kind="access.refused").order_by("pk").values_list("body", flat=True)
    return [json.loads(body) for body in bodies]


def test_a_refused_change_is_noted_with_actor_route_and_permission():
    omar = staff_client(Role.ADMIN)
    assert omar.post(VERIFY).status_code == 403
    [entry] = noted()
    told = {"method": "POST", "needed": "audit.verify", "last_of_this_hour": False}
    assert (entry["actor_id"], entry["role"], entry["session_id"], entry["outcome"], entry["details"]) == (
        omar.actor.id,
        "admin",
        omar.actor.session_id,
        "denied",
        told,
    )
    assert (entry["entity_type"], entry["entity_id"]) == ("route", "api-audit-verify")


def test_a_refused_step_is_noted_with_its_name():
    cycle("fall-2026")
    assert staff_client(Role.AUDITOR).post("/api/v1/admin/cycles/fall-2026/freeze").status_code == 403
    assert [(entry["entity_id"], entry["details"]["needed"]) for entry in noted()] == [
        ("api-step-freeze", "cycle.freeze")
    ]


def test_applicants_and_machines_are_noted_too():
    for client in (applicant_client(), service_client()):
        assert client.post(VERIFY).status_code == 403
    assert [entry["actor_type"] for entry in noted()] == ["applicant", "service"]


def test_strangers_and_readers_are_not_noted():
    assert api().post(VERIFY).status_code == 401
    assert staff_client(Role.ADMIN).get(VERIFY).status_code == 403
    assert noted() == []


def test_one_actor_cannot_fill_the_log(monkeypatch):
    monkeypatch.setattr(refusals, "MOST", 3)
    omar, reza = staff_client(Role.ADMIN), staff_client(Role.REVIEWER, email="reza@example.org")
    for _ in range(5):
        assert omar.post(VERIFY).status_code == 403
    assert reza.post(VERIFY).status_code == 403
    assert [(entry["role"], entry["details"]["last_of_this_hour"]) for entry in noted()] == [
        ("admin", False),
        ("admin", False),
        ("admin", True),
        ("reviewer", False),
    ]
