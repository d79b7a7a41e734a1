"""Applications whose record does not open: one is set aside with a reason, or all are tried again."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.preprocessing import preprocess_chunk
from audit.sequencer import sequence_all
from tests.admissions.test_console_decisions import led
from tests.factories import applicants, apply, cycle, damage, lead
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

PAGE = "/console/decisions/unreadable/fall-2026/"


@pytest.fixture
def reza():
    return staff_browser(Role.REVIEWER, email="reza@example.org")[0]


@pytest.fixture
def one():
    """A cycle in preprocessing, of whose three records two do not open."""
    return broken(3, 2)


def broken(count, damaged):
    one = cycle()
    apply(one, applicants(count))
    lead(one, "frozen")
    one.start_preprocessing(actor=operator())
    for application in Application.objects.of(one).order_by("-pk")[:damaged]:
        damage(application)
    while preprocess_chunk(one):
        pass
    return one


def failed(one):
    return list(
        Application.objects.of(one).unacknowledged_failures().order_by("pk").values_list("reference", flat=True)
    )


def test_they_are_shown_by_reference_with_the_code_of_the_reason(reza, one):
    waits = reza.get(PAGE).content.decode()
    assert waits.count("Reason not in the log yet") == 2
    sequence_all()
    page = reza.get(PAGE).content.decode()
    assert [page.count("Not opened"), *[reference in page for reference in failed(one)]] == [2, True, True]


def test_the_queue_and_the_dashboard_lead_there(reza, one):
    for address in ("/console/decisions/", "/console/"):
        page = reza.get(address).content.decode()
        assert (f'href="{PAGE}"' in page, "2 records" in page) == (True, True)


def test_one_is_set_aside_and_the_other_still_waits(reza, one):
    first, second = failed(one)
    where, told = led(reza.post(PAGE, {"deed": "set_aside", "reference": first, "reason": "Lost with a disk."}))
    assert (where, told) == ([PAGE], [("success", f"{first} is set aside.")])
    assert Application.objects.get(reference=first).set_aside_reason == "Lost with a disk."
    assert failed(one) == [second]


def test_of_two_people_the_second_is_told(reza, one):
    first, _ = failed(one)
    sent = {"deed": "set_aside", "reference": first, "reason": "Lost with a disk."}
    reza.post(PAGE, sent)
    _, told = led(reza.post(PAGE, {**sent, "reason": "Other."}))
    assert told == [("error", f"{first} does not wait for a decision: it is failed.")]
    assert Application.objects.get(reference=first).set_aside_reason == "Lost with a disk."


def test_all_are_tried_again(reza, one):
    _, told = led(reza.post(PAGE, {"deed": "retry", "retry-reason": "The old key is back."}))
    assert told == [("success", "2 applications are tried again.")]
    assert failed(one) == []
    assert "Every record of this cycle opens" in reza.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("sent", "link"),
    [
        ({"deed": "retry", "retry-reason": ""}, "#id_retry-reason"),
        ({"deed": "set_aside", "reason": " "}, "#id_reason"),
    ],
)
def test_without_a_reason_nothing_happens(reza, one, sent, link):
    first, _ = failed(one)
    answer = reza.post(PAGE, {"reference": first, **sent})
    assert (answer.status_code, f'href="{link}"' in answer.content.decode()) == (422, True)
    assert len(failed(one)) == 2


def test_retrying_after_preprocessing_is_refused(reza, one):
    for reference in failed(one):
        reza.post(PAGE, {"deed": "set_aside", "reference": reference, "reason": "Lost."})
    sequence_all()
    one.start_batch_prep(actor=operator())
    _, told = led(reza.post(PAGE, {"deed": "retry", "retry-reason": "The old key is back."}))
    assert told == [("error", "Failures are retried in preprocessing; fall-2026 is in batch_prep.")]


def test_a_cycle_that_does_not_exist_is_not_found(reza):
    assert [reza.get(PAGE).status_code, reza.post(PAGE, {"deed": "retry"}).status_code] == [404, 404]


def test_an_auditor_sets_nothing_aside(one):
    browser, _ = staff_browser(Role.AUDITOR)
    first, _ = failed(one)
    answers = [browser.get(PAGE), browser.post(PAGE, {"deed": "set_aside", "reference": first, "reason": "x"})]
    assert ([answer.status_code for answer in answers], len(failed(one))) == ([403, 403], 2)


def test_sixty_take_as_many_queries_as_two_and_none_is_silently_left_out(reza, one):
    with CaptureQueriesContext(connection) as few:
        reza.get(PAGE)
    Application.objects.all().update(status="failed")
    shared = {"admission_cycle": one, "gpa": 3, "test_scores": {}, "status": "failed"}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no intake after the freeze
    Application.objects.bulk_create([Application(**shared) for _ in range(57)])
    with CaptureQueriesContext(connection) as many:
        page = reza.get(PAGE).content.decode()
    assert (len(many), page.count("Reason not in the log yet")) == (len(few), 50)
    assert "More follow once these are dealt with" in page
