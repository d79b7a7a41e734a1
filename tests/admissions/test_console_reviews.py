"""The queue of reviews: what is asked, the result it is about, one answer, and on to the next."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.models import AdminUser
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication
from admissions.models.reviews import ReviewRequest
from admissions.reviews import answer_review
from tests.admissions.test_console_decisions import led
from tests.factories import applicants, apply, cycle, lead, led_to
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

QUEUE = "/console/reviews/"
TEXT = "My second test was not counted. Amina"
GOOD = {"decision": "upheld", "answer": "It was counted."}


@pytest.fixture
def omar():
    return staff_browser(Role.ADMIN)[0]


def ask(*applications, **changes):
    """Requests of these applications, as their applicants hand them in."""
    made = [ReviewRequest.asked(one, TEXT) for one in applications]
    for asked in made:
        asked.__dict__.update(changes)
        asked.save(force_insert=True)
    return made


@pytest.fixture
def three():
    """The references of three who ask, longest waiting first."""
    published = led_to("published", 3)
    return [one.application.reference for one in ask(*Application.objects.of(published).order_by("pk"))]


def place(reference):
    return f"{QUEUE}{reference}/"


def references(page):
    return re.findall(rf'href="{QUEUE}([0-9A-Z-]{{14}})/"', page.content.decode())


def test_the_queue_shows_who_waits_longest_first(omar, three):
    assert references(omar.get(QUEUE)) == three


def test_an_empty_queue_says_when_there_are_any(omar):
    assert "Requests appear here after results are published" in omar.get(QUEUE).content.decode()
    assert "Reviews to answer" not in omar.get("/console/").content.decode()


def test_the_dashboard_tells_how_many_wait(omar, three):
    assert "Reviews to answer: 3" in omar.get("/console/").content.decode()


def test_a_page_shows_what_is_asked_and_the_result_and_no_blind_id(omar, three):
    page = omar.get(place(three[0])).content.decode()
    assert [word for word in (TEXT, "Total", "Cut-off", "Outcome", "Academic (30") if word not in page] == []
    assert [
        copy.hex[:8] for copy in AnonymizedApplication.objects.values_list("pk", flat=True) if copy.hex[:8] in page
    ] == []


def test_an_answer_is_kept_and_leads_to_the_next(omar, three):
    where, told = led(omar.post(place(three[0]), GOOD))
    assert (where, told) == ([place(three[1])], [("success", f"{three[0]} is answered.")])
    asked = ReviewRequest.objects.get(application__reference=three[0])
    assert (asked.state, asked.decision, asked.answer()) == ("answered", "upheld", "It was counted.")
    page = omar.get(place(three[0])).content.decode()
    assert ("The result stands" in page, "It was counted." in page, "<textarea" in page) == (True, True, False)


def test_after_the_last_come_the_first_and_then_the_queue(omar, three):
    assert [led(omar.post(place(three[n]), GOOD))[0] for n in (2, 0, 1)] == [
        [place(three[0])],
        [place(three[1])],
        [QUEUE],
    ]


def test_of_two_people_one_answers_and_the_other_is_told(omar, three):
    asked = ReviewRequest.objects.get(application__reference=three[0])
    answer_review(asked, "First.", "to_correct", actor=operator())
    where, told = led(omar.post(place(three[0]), GOOD))
    words = f"Somebody else has answered {three[0]} already, or it was erased; your answer was not kept."
    assert (where, told) == ([place(three[1])], [("warning", words)])
    asked.refresh_from_db()
    assert (asked.decision, asked.answer()) == ("to_correct", "First.")


@pytest.mark.parametrize(
    ("sent", "link"),
    [
        ({**GOOD, "answer": " "}, "#id_answer"),
        ({**GOOD, "decision": "maybe"}, "#id_decision"),
        ({**GOOD, "answer": "x" * 5_001}, "#id_answer"),
        ({**GOOD, "decision": ""}, "#id_decision"),
    ],
)
def test_a_faulty_answer_comes_back_with_its_values(omar, three, sent, link):
    answer = omar.post(place(three[0]), sent)
    page = answer.content.decode()
    assert (answer.status_code, f'href="{link}"' in page, "<title>Error: " in page) == (422, True, True)
    assert sent["answer"].strip() in page
    assert ReviewRequest.objects.filter(state="asked").count() == 3


def test_what_was_erased_is_told_and_takes_no_answer(omar, three):
    erased = dict.fromkeys(ReviewRequest.ERASABLE)
    ReviewRequest.objects.filter(application__reference=three[0]).update(**erased)
    page = omar.get(place(three[0])).content.decode()
    assert ("The applicant has had it erased" in page, "<textarea" in page) == (True, False)
    assert references(omar.get(QUEUE)) == three[1:]
    assert led(omar.post(place(three[0]), GOOD))[1][0][0] == "warning"


def test_what_does_not_open_is_told(omar, three):
    other = ReviewRequest.objects.get(application__reference=three[1])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    ReviewRequest.objects.filter(application__reference=three[0]).update(wrapped_key=other.sealed_request)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert "This request does not open" in omar.get(place(three[0])).content.decode()
    assert led(omar.post(place(three[0]), GOOD)) == (
        [place(three[1])],
        [("error", f"The request {three[0]} does not open.")],
    )


def test_one_that_nobody_made_is_not_found(omar, three):
    for reference in ("0000-0000-0000", "x"):
        assert [omar.get(place(reference)).status_code, omar.post(place(reference), GOOD).status_code] == [404, 404]
    assert omar.get(f"{QUEUE}?after=x").status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_others_read_and_answer_none(role, three):
    browser, _ = staff_browser(role)
    answers = [browser.get(QUEUE), browser.get(place(three[0])), browser.post(place(three[0]), GOOD)]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert ReviewRequest.objects.filter(state="asked").count() == 3


def test_a_role_that_is_gone_reads_nothing(omar, three):
    AdminUser.objects.update(role=Role.REVIEWER)
    assert omar.post(place(three[0]), GOOD).status_code == 403


def test_the_queue_is_paged_over_equal_times_at_the_same_cost(omar):
    one = cycle()
    apply(one, applicants(120))
    lead(one, "published")
    made = ask(*Application.objects.of(one).order_by("pk")[:3])
    with CaptureQueriesContext(connection) as few:
        omar.get(QUEUE)
    ask(*Application.objects.of(one).order_by("pk")[3:], asked_at=made[2].asked_at)
    with CaptureQueriesContext(connection) as many:
        omar.get(QUEUE)
    assert len(many) == len(few)
    seen, address = [], QUEUE
    while address:
        page = omar.get(address)
        seen += references(page)
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        address = following and QUEUE + following[1]
    assert seen == list(Application.objects.order_by("pk").values_list("reference", flat=True))
