"""The dashboard: where cycles stand, the figures of one of them, and nothing that is under embargo for its reader."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from admissions.models.runs import StepRun
from tests.factories import applicants, apply, cycle, lead, led_to
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
HERE = "/console/"


@pytest.fixture
def officer():
    return staff_browser(Role.ADMIN)[0]


def said(page):
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def figures(page):
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page.content.decode()))


def stages(page):
    return re.findall(r"<span>([^<]+)</span> <strong>([^<]+)</strong>", page.content.decode())


def test_without_a_cycle_it_says_what_to_do(officer):
    assert "No cycle yet. Open the first one" in said(officer.get(HERE))
    assert "An administrator opens the first one." in said(
        staff_browser(Role.AUDITOR, email="aiza@example.org")[0].get(HERE)
    )


def test_the_figures_are_those_of_the_cycle_that_has_come_furthest(officer):
    led_to("scored", 4, code="far", seats=3)
    cycle("near")
    assert figures(officer.get(HERE)) == {
        "Applications": "4",
        "Scored": "4",
        "Mean score": figures(officer.get(HERE))["Mean score"],
        "Places": "3",
        "Phase 6 of 9": "Scored",
    }


def test_another_cycle_is_shown_when_it_is_asked_for(officer):
    led_to("scored", 4, code="far")
    cycle("near", seats=9)
    assert figures(officer.get(f"{HERE}?cycle=near"))["Places"] == "9"


@pytest.mark.parametrize("code", ["nowhere", "%00", "<script>"])
def test_a_cycle_that_is_not_there_leaves_the_usual_one(officer, code):
    cycle("near", seats=9)
    page = officer.get(f"{HERE}?cycle={code}")
    assert (page.status_code, figures(page)["Places"]) == (200, "9")


def test_a_completed_cycle_is_shown_when_nothing_is_under_way(officer):
    lead(led_to("published", 3, seats=2), to="completed")
    assert figures(officer.get(HERE))["Phase 9 of 9"] == "Completed"


def test_the_funnel_ends_with_who_is_offered_a_place(officer):
    led_to("selection", 5, seats=2)
    assert stages(officer.get(HERE)) == [
        ("Handed in", "5"),
        ("Made blind", "5"),
        ("Sent to an engine", "5"),
        ("Scored", "5"),
        ("Offered a place", "2"),
    ]


def test_a_reviewer_learns_neither_cut_off_nor_places_before_publication():
    reviewer, _ = staff_browser(Role.REVIEWER, email="reza@example.org")
    one = led_to("selection", 5, seats=2)
    page = reviewer.get(HERE)
    assert "Score distribution" in said(page)
    assert ("cut-off" in said(page), [name for name, _ in stages(page)][-1]) == (False, "Scored")
    lead(one, to="published")
    assert "cut-off" in said(reviewer.get(HERE))


def test_who_may_not_see_scores_gets_no_histogram():
    auditor, _ = staff_browser(Role.AUDITOR, email="aiza@example.org")
    led_to("scored", 3)
    assert "Score distribution" not in said(auditor.get(HERE))


def test_the_histogram_has_a_twin_with_the_same_counts(officer):
    led_to("scored", 6)
    page = officer.get(HERE).content.decode()
    counts = [int(count) for count in re.findall(r'<th scope="row">[^<]+</th><td class="number">(\d+)</td>', page)]
    assert sum(counts) == 6
    assert page.count('class="bar"') - page.count('<header class="bar"') == len(counts)


def test_work_that_runs_is_shown_and_looked_at_again(officer):
    one = led_to("processing", 3)
    work = officer.get("/console/running-work/").content.decode()
    assert "0 of 3, 0 %" in work
    assert 'hx-trigger="every 10s"' in work
    asked = {"actor_type": "staff", "actor_id": "user:1"}
    StepRun.objects.create(admission_cycle=one, step="mark_scored", **asked)
    assert "Accept the scores" in officer.get("/console/running-work/").content.decode()


def test_where_nothing_runs_nothing_is_looked_at_again(officer):
    cycle()
    work = officer.get("/console/running-work/").content.decode()
    assert "Nothing runs." in work
    assert "hx-get" not in work


@pytest.mark.parametrize("phase", ["submission", "scored"])
def test_it_costs_as_many_queries_for_many_as_for_few(officer, phase):
    led_to(phase, 3, code="few")
    many = cycle("many")
    apply(many, applicants(300 if phase == "submission" else 40))
    lead(many, to=phase)
    counts = []
    for code in ("few", "many"):
        with CaptureQueriesContext(connection) as queries:
            officer.get(f"{HERE}?cycle={code}")
        counts.append(len(queries))
    assert counts[0] == counts[1]
