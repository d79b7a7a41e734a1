"""The way of a cycle, told from its phase and its dates."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from admissions.timeline import dated, now_of, phase_times, way_of
from audit.models import AuditLog
from tests.factories import applicants, apply, cycle, lead

pytestmark = pytest.mark.django_db

STATES = {
    "submission": ["now", *["ahead"] * 5],
    "frozen": ["done", "now", *["ahead"] * 4],
    "preprocessing": ["done", "done", "now", *["ahead"] * 3],
    "batch_prep": ["done", "done", "now", *["ahead"] * 3],
    "processing": [*["done"] * 3, "now", "ahead", "ahead"],
    "scored": [*["done"] * 4, "now", "ahead"],
    "selection": [*["done"] * 4, "now", "ahead"],
    "published": ["done"] * 6,
    "completed": ["done"] * 6,
}


def test_every_phase_has_its_place_on_the_way():
    one = cycle()
    apply(one, applicants(1))
    assert set(STATES) == set(Phase)
    for phase, states in STATES.items():
        lead(one, phase)
        way = dated(one)["way"]
        assert [point.state for point in way] == states, phase
        assert [point.at is not None for point in way[1:]] == [state != "ahead" for state in states[1:]], phase


def test_dates_come_from_the_log_and_the_present_one_from_the_cycle():
    one = cycle()
    apply(one, applicants(1))
    lead(one, "completed")
    times = phase_times([one])[one.pk]
    steps = AuditLog.objects.filter(action__startswith="cycle.", entity_id=one.code).exclude(action="cycle.open")
    logged = dict(steps.values_list("action", "timestamp"))
    assert times["frozen"] == logged["cycle.freeze"]
    assert times["published"] == logged["cycle.publish_results"]
    assert times["completed"] == one.phase_since
    assert len(times) == 8


def test_what_is_ahead_has_its_expected_date():
    closes, results = timezone.now() + timedelta(days=2), timezone.now() + timedelta(days=9)
    one = cycle(closes_at=closes, results_at=results)
    way = way_of(one, phase_times([one])[one.pk])
    assert [point.expected for point in way] == [None, closes, None, None, None, results]
    assert now_of(way).stage.phase == Phase.SUBMISSION


def test_any_number_of_cycles_takes_one_query():
    cycles = [cycle(f"c{number}") for number in range(5)]
    with CaptureQueriesContext(
        connection,
    ) as few:
        phase_times(cycles[:1])
    with CaptureQueriesContext(connection) as many:
        phase_times(AdmissionCycle.objects.all())
    assert (len(few), len(many)) == (1, 2)
