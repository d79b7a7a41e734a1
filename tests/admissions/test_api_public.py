"""What anybody may read: cycles that take applications, and where all of them stand."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admissions.phases import Phase
from admissions.rubrics import rubric
from enigma.rest.serializers import rfc3339
from tests.clients import api
from tests.factories import applicants, apply, cycle, lead, led_to, submitted

pytestmark = pytest.mark.django_db

INFO, STATUS = "/api/v1/admission/info", "/api/v1/admission/status"
FEW = "Fewer than 20 applications were ranked: figures about so few would tell about single people."


def cycles(address):
    answer = api().get(address)
    assert answer.status_code == 200, answer.content
    return answer.json()["cycles"]


def test_the_rules_of_an_open_cycle_are_told_whole():
    one = cycle(closes_at=timezone.now() + timedelta(days=9), tests={"SAT": [400, 1600]}, gpa_scale="4.3")
    text = rubric("2026-1")
    assert cycles(INFO) == [
        {
            "code": "fall-2026",
            "name": "Fall 2026",
            "is_demo": True,
            "state": "open",
            "opens_at": None,
            "closes_at": rfc3339(one.closes_at),
            "results_at": None,
            "seats": 2,
            "tests": {"SAT": ["400", "1600"]},
            "gpa_scale": "4.3",
            "essay_max": 20_000,
            "achievements_max": 10_000,
            "weights": {"academic": "0.3000", "test": "0.2500", "achievement": "0.2500", "essay": "0.2000"},
            "rubric": {"version": "2026-1", "sha256": text.sha256, "text": text.text},
            "judge_policy": "every",
            "attempts_allowed": 3,
            "tie_break": ["essay", "achievement", "academic", "seed"],
        }
    ]


def test_how_to_apply_names_the_routes():
    assert api().get(INFO).json()["how_to_apply"] == {
        "steps": [
            "Ask for a code: it is sent to your e-mail address, and there is nothing to sign up for.",
            "Trade the code for an access token.",
            "Send your application with that token, and keep the reference and the receipt that you are given.",
        ],
        "code": "/api/v1/auth/code",
        "token": "/api/v1/auth/token",
        "applications": "/api/v1/applications",
    }


def test_open_and_coming_cycles_are_told_apart_and_closed_ones_left_out():
    now, hour = timezone.now(), timedelta(hours=1)
    cycle("coming", opens_at=now + hour)
    cycle("open", opens_at=now - hour, closes_at=now + hour)
    cycle("closed", opens_at=now - 2 * hour, closes_at=now - hour)
    led_to("frozen", code="frozen")
    assert [(one["code"], one["state"]) for one in cycles(INFO)] == [("open", "open"), ("coming", "coming")]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in {Phase.PUBLISHED, Phase.COMPLETED}])
def test_before_publication_a_cycle_has_a_phase_and_no_figures(phase):
    one = led_to(phase)
    assert cycles(STATUS) == [
        {
            "code": "fall-2026",
            "name": "Fall 2026",
            "is_demo": True,
            "phase": phase,
            "phase_since": rfc3339(one.phase_since),
            "results_at": None,
            "results": None,
        }
    ]


def test_one_applicant_more_changes_nothing_that_anybody_can_read():
    one = cycle()
    apply(one, applicants(3))
    before = [api().get(address).content for address in (INFO, STATUS)]
    submitted(one, "sam@example.org")
    assert [api().get(address).content for address in (INFO, STATUS)] == before


def test_figures_of_a_published_cycle_are_told_from_twenty_ranked_on():
    few, enough = cycle("few", seats=2), cycle("enough", seats=3)
    apply(few, applicants(19))
    apply(enough, applicants(20))
    cutoff = lead(enough, "published").selection().cutoff
    lead(few, "completed")
    assert [one["results"] for one in cycles(STATUS)] == [
        {"seats": 3, "selected": 3, "not_selected": 17, "cutoff": f"{cutoff:.4f}", "withheld": None},
        {"seats": 2, "selected": None, "not_selected": None, "cutoff": None, "withheld": FEW},
    ]


@pytest.mark.parametrize("address", [INFO, STATUS])
def test_who_has_it_already_is_told_so_and_a_change_shows(address):
    one = cycle()
    etag = api().get(address)["ETag"]
    same = api().get(address, headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    apply(one, applicants(1))
    lead(one, "frozen")
    assert api().get(address, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("address", [INFO, STATUS])
def test_what_anybody_may_ask_costs_the_same_for_any_number_of_cycles(address):
    costs = []
    for number in range(3):
        cycle(f"cycle-{number}")
        with CaptureQueriesContext(connection) as queries:
            assert len(cycles(address)) == number + 1
        costs.append(len(queries))
    assert costs[0] == costs[1] == costs[2]
