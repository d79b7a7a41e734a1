"""What batches add to the dashboard and to the page of a cycle."""

import pytest
from django.test import RequestFactory

from accounts.models import User
from accounts.roles import Role
from batches.console.panels import NEWEST, batches_of
from batches.models import BatchRun
from enigma.console.registry import panels_of
from tests.batches.console import console, text_of
from tests.batches.engines import evaluated, prepared, processing
from tests.factories import led_to, omar

pytestmark = pytest.mark.django_db


def request_of(role=Role.ADMIN):
    omar(role, email="panel@example.org")
    request = RequestFactory().get("/")
    request.user = User.objects.get(email="panel@example.org")
    return request


def test_the_page_of_a_cycle_shows_its_runs_and_what_is_open():
    one = processing(2)
    evaluated(one)
    shown = batches_of(request_of(), one)
    [(run, progress, tag)] = shown["runs"]
    assert (run.stage, progress.answered, "Answered" in tag) == ("worker", 2, True)
    assert (shown["open"], shown["may_export"], shown["may_import"]) == ([("worker", 0), ("judge", 2)], True, True)
    told = text_of(console().get(f"/console/cycles/{one.code}/"))
    assert "2 judge requests wait for an export." in told


def test_a_cycle_before_its_exports_and_one_after_them_offer_none():
    shown = batches_of(request_of(), led_to("frozen", 1))
    assert (shown["runs"], shown["open"], shown["may_export"], shown["may_import"]) == ([], [], False, False)


def test_only_the_newest_runs_are_shown_and_the_rest_is_a_step_away():
    one = prepared(1)
    about = {"admission_cycle": one, "stage": "judge", "format": "plain", "model": "m", "shard_lines": 9, "requests": 0}
    about |= {"state": "imported", "exported_at": one.phase_since, "manifest": {"shards": []}, "manifest_sha256": "0"}
    BatchRun.objects.bulk_create(BatchRun(**about) for _ in range(NEWEST + 1))
    shown = batches_of(request_of(), one)
    assert (len(shown["runs"]), shown["has_more"]) == (NEWEST, True)


def test_the_dashboard_shows_open_evaluations_of_current_cycles():
    one = processing(3)
    prepared(2, code="spring-2027")
    told = text_of(console().get("/console/"))
    assert "spring-2027 worker 2 0" in told
    assert f"{one.code} worker 0 3" in told


def test_a_cycle_with_nothing_open_leaves_a_sentence_and_no_cycle_leaves_no_panel():
    request = request_of()
    assert [one for one in panels_of("dashboard", request) if "batches" in one["template"]] == []
    one = prepared(1)
    one.__class__.objects.filter(pk=one.pk).update(phase="processing")
    BatchRun.objects.all().delete()
    led_to("scored", 1, code="autumn-2025")
    assert "Open evaluations" in text_of(console().get("/console/"))


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_who_may_not_see_batches_sees_no_panel(role):
    processing(1)
    assert "Open evaluations" not in text_of(console(role).get("/console/"))
