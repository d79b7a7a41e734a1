"""The first page and the pages that explain."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admissions.phases import Phase
from tests.factories import applicants, apply, cycle, lead, led_to, submitted
from tests.visitors import applicant_browser

pytestmark = pytest.mark.django_db


def page(path="/", browser=None):
    answer = (browser or Client()).get(path, secure=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def in_days(number):
    return timezone.now() + timedelta(days=number)


def test_an_open_cycle_is_told_with_all_that_one_must_know():
    closes = in_days(9)
    cycle(closes_at=closes, seats=25, gpa_scale="4.3", tests={"SAT": [400, 1600], "ACT": [1, 36]})
    text = page()
    for said in (
        "Applications are open",
        "Fall 2026",
        f'<time dir="auto" datetime="{closes:%Y-%m-%dT%H:%M:%SZ}">',
        " UTC</time>",
        "<dt>Places</dt><dd>25</dd>",
        "on a scale up to 4.3",
        "<bdi>ACT</bdi> (1–36), <bdi>SAT</bdi> (400–1600)",
        "20,000 characters",
        '<th scope="row">Grades</th><td class="number">30 %</td>',
        "Read the rubric (version 2026-1)",
        "Grades close to the top of the scale.",
        "Sign in to begin",
    ):
        assert said in text, said


def test_a_cycle_that_never_closes_says_that_the_date_is_not_set():
    cycle()
    assert "The date is not set yet" in page()


def test_a_coming_cycle_is_told_with_its_date():
    cycle(opens_at=in_days(3))
    text = page()
    assert "Applications are closed" in text
    assert "The next one is named below." in text
    assert "opens <time" in text


def test_where_nothing_is_open_people_learn_where_their_status_is():
    text = page()
    assert "No round takes applications at the moment." in text
    assert "When the next one opens, it stands here." in text
    assert 'href="/applications/">Check your status' in text


def test_a_closed_cycle_is_told_without_any_figure():
    one = cycle(results_at=in_days(30))
    apply(one, applicants(2))
    lead(one, "scored")
    text = page()
    assert "Closed, and being evaluated" in text
    assert "results expected <time" in text
    assert "/cycles/" not in text


def test_past_its_date_a_cycle_is_closed_also_before_the_freeze():
    cycle(closes_at=timezone.now() + timedelta(milliseconds=1))
    assert "Closed, and being evaluated" in page()


def test_a_published_cycle_leads_to_its_figures():
    led_to("published", 1)
    assert '<a href="/cycles/fall-2026/">Fall 2026</a>' in page()


def test_several_cycles_stand_beside_each_other():
    cycle()
    cycle("spring-2027")
    assert page().count("Sign in to begin") == 2


def test_who_is_signed_in_sees_their_own_applications_first():
    one = cycle()
    mine = submitted(one)
    text = page(browser=applicant_browser())
    assert text.index(mine.reference) < text.index("Apply on merit. Check")
    assert "You have applied: see your status" in text
    assert "Sign in to begin" not in text
    assert mine.reference not in page()
    assert mine.reference not in page(browser=applicant_browser("sam@example.org"))


def test_number_of_queries_does_not_grow_with_cycles_and_applications():
    browser, counts = applicant_browser(), []
    for number in range(4):
        submitted(cycle(f"c{number}"))
        with CaptureQueriesContext(connection) as queries:
            page(browser=browser)
        counts.append(len(queries))
    assert counts == [counts[0]] * 4
    assert counts[0] <= 8


@pytest.mark.parametrize("path", ["/how-it-works/", "/privacy/", "/accessibility/"])
def test_pages_that_explain_ask_no_database(path):
    with CaptureQueriesContext(connection) as queries:
        assert "<h1>" in page(path)
    assert len(queries) == 0


def test_the_page_on_privacy_says_how_long_a_review_may_be_asked_for(settings):
    settings.REVIEW_DAYS = 9
    assert "For 9 days after publication" in page("/privacy/")


def test_the_footer_leads_to_all_of_them():
    text = page("/privacy/")
    for path in ("/how-it-works/", "/privacy/", "/accessibility/", "/api/docs/", "/verify/"):
        assert f'href="{path}"' in text


@pytest.mark.parametrize("phase", [Phase.SUBMISSION, Phase.SELECTION])
def test_nothing_of_the_cycle_is_counted_before_publication(phase):
    one = cycle(seats=7)
    apply(one, applicants(13))
    lead(one, phase)
    assert "13" not in page().replace("cycle-13", "")
