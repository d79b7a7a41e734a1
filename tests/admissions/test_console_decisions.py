"""The queue of what waits for a person: decide one, be led to the next; of two people one decides."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import nobody
from accounts.roles import Role
from admissions.console.waiting import next_waiting
from admissions.models.blind import AnonymizedApplication, FinalScore
from audit.models import LogOutbox
from tests.admissions.test_console_copies import copies
from tests.factories import applicants, apply, cycle, lead, led_to, waiting
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

QUEUE = "/console/decisions/"
GOOD = {
    "deed": "score", "score-academic": "80", "score-test": "70", "score-achievement": "60.5", "score-essay": "33.3333",
    "score-reason": "Read twice.",
}  # fmt: skip
ASIDE = {"deed": "set_aside", "aside-reason": "No text at all."}


@pytest.fixture
def reza():
    return staff_browser(Role.REVIEWER, email="reza@example.org")[0]


def wait(one, count):
    """Let that many copies of a cycle wait; return their ids in order."""
    left = AnonymizedApplication.objects.of(one).exclude(pk__in=FinalScore.objects.values("pk")).order_by("pk")[:count]
    made = [
        FinalScore(anonymized=copy, admission_cycle=one, status="waiting", waiting_reason="refused") for copy in left
    ]
    return [final.pk for final in FinalScore.objects.bulk_create(made)]


@pytest.fixture
def three():
    """Three copies that wait, of a cycle of four."""
    return wait(led_to("processing", 4), 3)


def place(pk):
    return f"{QUEUE}{pk}/"


def led(answer):
    """Where an answer led, and what was told there."""
    told = re.findall(r'<li class="note (\w+)">(.*?)</li>', answer.content.decode())
    return [where for where, _ in answer.redirect_chain], told


def test_the_queue_shows_what_waits_and_why(reza, three):
    page = reza.get(QUEUE).content.decode()
    assert re.findall(rf'href="{QUEUE}([0-9a-f-]{{36}})/" title', page) == [str(pk) for pk in three]
    assert page.count("refused") == 3


def test_an_empty_queue_says_what_will_appear_there(reza):
    assert "What engines cannot answer appears here" in reza.get(QUEUE).content.decode()


def test_only_cycles_in_processing_wait(reza):
    one = led_to("batch_prep", 1)
    wait(one, 1)
    assert "Nothing waits for a person" in reza.get(QUEUE).content.decode()


def test_the_queue_is_paged_by_the_last_id(reza):
    one = led_to("processing", 1)
    copies(one, 119)
    waits = wait(one, 120)
    seen, address = [], QUEUE
    while address:
        page = reza.get(address).content.decode()
        seen += re.findall(rf'href="{QUEUE}([0-9a-f-]{{36}})/" title', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following and QUEUE + following[1]
    assert seen == [str(pk) for pk in waits]
    assert "Nothing waits behind this place" in reza.get(f"{QUEUE}?after={'f' * 32}").content.decode()
    assert len(re.findall('title="[0-9a-f]{32}"', reza.get(f"{QUEUE}?after=rubbish").content.decode())) == 50


def test_scores_are_kept_and_the_next_is_shown(reza, three):
    where, told = led(reza.post(place(three[0]), GOOD))
    assert where == [place(three[1])]
    assert told == [("success", f"{three[0].hex[:8]} is scored: 63.2917 in total.")]
    final = FinalScore.objects.get(pk=three[0])
    assert (final.status, str(final.total), final.decided_reason) == ("scored", "63.2917", "Read twice.")


def test_one_is_set_aside_with_a_reason(reza, three):
    where, told = led(reza.post(place(three[1]), ASIDE))
    assert (where, told) == ([place(three[2])], [("success", f"{three[1].hex[:8]} is set aside.")])
    final = FinalScore.objects.get(pk=three[1])
    assert (final.status, final.decided_reason) == ("set_aside", "No text at all.")


def test_after_the_last_comes_the_first_and_in_the_end_the_queue(reza, three):
    assert led(reza.post(place(three[2]), GOOD))[0] == [place(three[0])]
    assert led(reza.post(place(three[0]), GOOD))[0] == [place(three[1])]
    assert led(reza.post(place(three[1]), GOOD))[0] == [QUEUE]


def test_the_next_is_one_of_the_same_cycle(three):
    other = cycle("other")
    apply(other, applicants(2))
    lead(other, "processing")
    theirs = wait(other, 2)
    assert [next_waiting(other, one) for one in theirs] == theirs[::-1]


def test_of_two_people_one_decides_and_the_other_is_told_and_led_on(reza, three):
    nadia, _ = staff_browser(Role.ADMIN, email="nadia@example.org")
    assert [browser.get(place(three[0])).status_code for browser in (reza, nadia)] == [200, 200]
    reza.post(place(three[0]), GOOD)
    notes = LogOutbox.objects.filter(kind__startswith="scores.").count()
    where, told = led(nadia.post(place(three[0]), {**GOOD, "score-essay": "1"}))
    assert where == [place(three[1])]
    assert told == [
        ("warning", f"Somebody else has decided {three[0].hex[:8]} already; their decision stands, yours was not kept.")
    ]
    assert str(FinalScore.objects.get(pk=three[0]).essay) == "33.3333"
    assert LogOutbox.objects.filter(kind__startswith="scores.").count() == notes


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("score-essay", "100.1", "Essay: Ensure this value is less than or equal to 100."),
        ("score-test", "-1", "Test: Ensure this value is greater than or equal to 0."),
        ("score-academic", "1.00001", "Academic: Ensure that there are no more than 4 decimal places."),
        ("score-achievement", "many", "Achievement: Enter a number."),
        ("score-achievement", "NaN", "Achievement: Enter a number."),
        ("score-essay", "", "Essay: This field is required."),
        ("score-reason", " ", "Reason: This field is required."),
    ],
)
def test_a_faulty_form_comes_back_with_its_values(reza, three, field, value, fault):
    answer = reza.post(place(three[0]), {**GOOD, field: value})
    page = answer.content.decode()
    assert (answer.status_code, f'<a href="#id_{field}">{fault}</a>' in page) == (422, True)
    assert "<title>Error: " in page
    kept = GOOD["score-test"] if field != "score-test" else GOOD["score-academic"]
    assert f'value="{kept}"' in page
    assert FinalScore.objects.filter(status="waiting").count() == 3


def test_setting_aside_without_a_reason_opens_its_form_again(reza, three):
    answer = reza.post(place(three[0]), {**ASIDE, "aside-reason": ""})
    assert (answer.status_code, "<details open>" in answer.content.decode()) == (422, True)
    assert '<a href="#id_aside-reason">' in answer.content.decode()


def test_a_reason_that_the_database_cannot_keep_is_refused(reza, three):
    answer = reza.post(place(three[0]), {**GOOD, "score-reason": "\0"})
    assert answer.status_code == 422
    assert FinalScore.objects.filter(status="waiting").count() == 3


def test_a_cycle_that_has_gone_on_tells_so(reza, three):
    one = FinalScore.objects.get(pk=three[0]).admission_cycle
    for pk in three:
        reza.post(place(pk), ASIDE)
    lead(one, "scored")
    where, told = led(reza.post(place(three[0]), GOOD))
    assert (where, told[-1]) == ([QUEUE], ("error", "Scores are decided in processing; fall-2026 is in scored."))


def test_one_that_waits_no_more_is_shown_on_its_own_page(reza, three):
    reza.post(place(three[0]), GOOD)
    assert led(reza.get(place(three[0])))[0] == [f"/console/admissions/anonymizedapplication/{three[0]}/"]


def test_what_never_waited_is_not_found(reza, three):
    other = AnonymizedApplication.objects.exclude(pk__in=three).get().pk
    for pk in (other, uuid.UUID(int=7)):
        assert [reza.get(place(pk)).status_code, reza.post(place(pk), GOOD).status_code] == [404, 404]


def test_an_auditor_decides_nothing(three):
    browser, _ = staff_browser(Role.AUDITOR)
    answers = [browser.get(QUEUE), browser.get(place(three[0])), browser.post(place(three[0]), GOOD)]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert FinalScore.objects.filter(status="waiting").count() == 3


def test_a_role_that_was_taken_away_between_page_and_deed_decides_nothing(reza, three, monkeypatch):
    monkeypatch.setattr("admissions.console.decisions.actor_of", lambda user: nobody())
    assert reza.post(place(three[0]), GOOD).status_code == 403


def test_three_hundred_waiting_take_as_many_queries_as_three(reza):
    one = led_to("processing", 3)
    waits = wait(one, 3)
    counts = []
    for _ in range(2):
        for address in (QUEUE, place(waits[0]), "/console/"):
            with CaptureQueriesContext(connection) as asked:
                reza.get(address)
            counts.append(len(asked))
        copies(one, 297)
        wait(one, 297)
    assert counts[:3] == counts[3:]


# -- what the shared pages tell ----------------------------------------------


def test_the_dashboard_counts_what_waits(reza, three):
    page = reza.get("/console/").content.decode()
    assert "Waiting for a person: 3" in page
    assert f'<a href="{QUEUE}">3 scores</a>' in page


def test_the_dashboard_is_calm_when_nothing_waits_and_silent_when_nothing_can(reza):
    assert "Waiting for a person:" not in reza.get("/console/").content.decode()
    led_to("processing", 1)
    page = reza.get("/console/").content.decode()
    assert ("Waiting for a person: 0" in page, "Nothing: machines have everything they need." in page) == (True, True)


def test_it_is_no_matter_of_an_auditor(three):
    browser, _ = staff_browser(Role.AUDITOR)
    assert "Waiting for a person" not in browser.get("/console/").content.decode()


def test_one_that_waits_is_not_decided_before_the_evaluation(reza):
    one = led_to("batch_prep", 1)
    final = waiting(one)
    assert led(reza.get(place(final.pk)))[0] == [f"/console/admissions/anonymizedapplication/{final.pk}/"]
