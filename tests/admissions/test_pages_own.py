"""Status, decision, and the request for a review, as their owner reads them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import operator
from admissions.decisions import set_aside
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.models.reviews import ReviewRequest
from admissions.phases import Phase
from admissions.reviews import answer_review
from tests.factories import applicants, apply, cycle, damage, lead, score, submitted, taken_back, waiting
from tests.visitors import applicant_browser
from tests.writers import Writer, closing

pytestmark = pytest.mark.django_db

BEFORE = [phase for phase in Phase if phase not in {Phase.PUBLISHED, Phase.COMPLETED}]


@pytest.fixture
def amina():
    one = cycle(seats=2, results_at=timezone.now() + timedelta(days=30))
    apply(one, applicants(2))
    return submitted(one)


@pytest.fixture
def browser():
    return applicant_browser()


def led(application, phase):
    return lead(AdmissionCycle.objects.get(pk=application.admission_cycle_id), phase)


def read(browser, path, code=200):
    answer = browser.get(path)
    assert answer.status_code == code
    return " ".join(answer.content.decode().split())


def place(application, page=""):
    return f"/applications/{application.reference}/{page}"


def test_who_has_sent_nothing_is_told_what_is_open(browser):
    assert "No round takes applications at the moment" in read(browser, "/applications/")
    cycle()
    text = read(browser, "/applications/")
    assert "You have not sent an application from this account." in text
    assert "Open now" in text


def test_the_list_names_each_application_with_its_state(amina, browser):
    other = submitted(cycle("spring-2027"))
    taken_back(other)
    led(amina, "processing")
    text = read(browser, "/applications/")
    assert "Blind evaluation · results expected <time" in text
    assert "You have withdrawn it." in text
    assert amina.reference in text
    assert other.reference in text
    assert "Open now" not in text  # one's own is withdrawn, and cannot be replaced


def test_what_is_begun_is_listed_with_what_is_missing(browser):
    one = cycle()
    Writer().tab("essay").save({"essay": "I built a press."})
    text = read(browser, "/applications/")
    assert '<a href="/apply/fall-2026/">Fall 2026</a>' in text
    assert "1 of 5 sections done" in text
    assert "Open now" not in text
    assert "Go on with your application" in read(browser, "/")
    ApplicationDraft.objects.update(wrapped_key=one.wrapped_key)
    assert "It cannot be opened just now" in read(browser, "/applications/")


def test_a_change_that_is_begun_is_listed_beside_what_was_handed_in(amina, browser):
    Writer().send("change-application", reference=amina.reference)
    text = read(browser, "/applications/")
    assert "Fall 2026: a change of what you handed in" in text
    assert "5 of 5 sections done" in text
    assert f'href="{place(amina)}"' in text


def test_the_ways_to_change_and_to_withdraw_are_offered_as_long_as_they_are_open(amina, browser):
    change, withdraw = f'href="{place(amina, "change/")}"', f'href="{place(amina, "withdraw/")}"'
    offered = []
    for step in (dict, close, lambda: led(amina, "frozen")):
        step()
        text = read(browser, place(amina))
        assert f'href="{place(amina, "receipt/")}"' in text
        offered.append((change in text, withdraw in text))
    assert offered == [(True, True), (False, True), (False, False)]


def close():
    closing(opens_at=timezone.now() - timedelta(2), closes_at=timezone.now() - timedelta(1))


WORDS = {
    "submission": "Applications are open",
    "frozen": "The rules are sealed",
    "preprocessing": "A program takes names",
    "batch_prep": "A program takes names",
    "processing": "Language models score",
    "scored": "All scores are sealed",
    "selection": "All scores are sealed",
}


def test_before_publication_the_way_is_told_and_no_outcome(amina, browser):
    for phase, words in WORDS.items():
        led(amina, phase)
        text = read(browser, place(amina))
        assert words in text, phase
        assert "Results are expected on <time" in text
        assert text.count('aria-current="step"') == 1
        assert not re.search(r"decision/|cut-off|Rank ", text)
        read(browser, place(amina, "decision/"), 404)


def test_only_while_applications_are_open_one_reads_of_taking_it_back(amina, browser):
    assert "you can take it back" in read(browser, place(amina))
    led(amina, "frozen")
    assert "you can take it back" not in read(browser, place(amina))


def test_a_withdrawn_application_has_a_short_way(amina, browser):
    taken_back(amina)
    led(amina, "published")
    text = read(browser, place(amina))
    assert "You have withdrawn this application." in text
    assert "Names are taken out" not in text
    read(browser, place(amina, "decision/"), 404)


@pytest.mark.parametrize("page", ["", "decision/", "review/"])
def test_what_is_somebody_elses_is_as_what_is_not_there(amina, page):
    led(amina, "published")
    sam = applicant_browser("sam@example.org")
    texts = [read(sam, path, 404) for path in (place(amina, page), f"/applications/0000-0000-0000/{page}")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("page", ["decision/", "review/"])
@pytest.mark.parametrize("phase", BEFORE)
def test_before_publication_there_is_no_such_page_by_any_method(amina, browser, page, phase):
    led(amina, phase)
    unknown = f"/applications/0000-0000-0000/{page}"
    for method in ("get", "post", "head"):
        asked = [
            getattr(browser, method)(path, {"text": "Look."}, secure=True) for path in (place(amina, page), unknown)
        ]
        assert asked[0].status_code == asked[1].status_code
        assert asked[0].status_code in {404, 405}
        assert asked[0].content == asked[1].content


def scored_by_hand(amina, mine, others):
    """Give Amina one total and the others another, with an explanation."""
    one = led(amina, "processing")
    score(one, [others] * 3)
    copy = IdentityMapping.objects.get(pk=amina.pk).anonymized_id
    parts = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), mine)
    FinalScore.objects.filter(pk=copy).update(explanation="Clear <b>thought</b>.", **parts)
    return lead(one, "published")


def test_who_is_selected_reads_it_first(amina, browser):
    one = scored_by_hand(amina, 90, 50)
    text = read(browser, place(amina, "decision/"))
    assert "Congratulations: we offer you a place" in text
    for said in (
        '<meter min="0" max="100" value="90.0000" aria-label="Essay">',
        "Rank 1 of 3.",
        "Clear &lt;b&gt;thought&lt;/b&gt;.",
        "Written by the model <bdi>model-1</bdi>",
        "There were 2 places for 3 ranked applications.",
        "The lowest score with a place was 50.00.",
        "Essay, Achievements, Grades, lot.",
        "2 applications had the lowest score with a place, and 1 of them got one.",
        amina.receipt_ref.hex,
        one.selection().ranking_sha256,
        "until and including",
    ):
        assert said in text, said
    assert text.index("Congratulations") < text.index("Your scores") < text.index("How the places were given")
    assert "Read your decision" in read(browser, place(amina))


def test_who_is_not_selected_reads_it_kindly(amina, browser):
    scored_by_hand(amina, 10, 50)
    text = read(browser, place(amina, "decision/"))
    assert "We are sorry: we cannot offer you a place this time" in text
    assert "Congratulations" not in text


def test_who_was_not_assessed_reads_that_and_can_ask(amina, browser):
    one = led(amina, "processing")
    score(one, [50] * 3)
    FinalScore.objects.filter(pk=IdentityMapping.objects.get(pk=amina.pk).anonymized_id).delete()
    set_aside(one, waiting(one).pk, reason="an essay of somebody else", actor=operator())
    lead(one, "published")
    text = read(browser, place(amina, "decision/"))
    assert "Your application could not be assessed" in text
    assert "Your scores" not in text
    assert "an essay of somebody else" not in text
    assert "Ask for a review" in text


def test_a_score_by_a_person_says_so_and_a_crowd_gets_a_percentile(browser):
    one = cycle(seats=2)
    apply(one, applicants(20))
    mine = submitted(one)
    lead(one, "processing")
    score(one, [50] * 21)
    FinalScore.objects.filter(pk=IdentityMapping.objects.get(pk=mine.pk).anonymized_id).update(
        engine="", explanation="By hand.", **dict.fromkeys(("academic", "test", "achievement", "essay", "total"), 60)
    )
    lead(one, "published")
    text = read(browser, place(mine, "decision/"))
    assert "Written by a person" in text
    assert "Rank 1 of 21: 95.2 % of the ranked applications had a lower final score." in text


# -- the review ----------------------------------------------


def test_a_review_is_asked_for_and_its_answer_read(amina, browser):
    led(amina, "published")
    assert "The last day is" in read(browser, place(amina, "review/"))
    answer = browser.post(place(amina, "review/"), {"text": "My test <was> not counted."})
    text = " ".join(answer.content.decode().split())
    assert answer.redirect_chain == [(place(amina, "decision/"), 302)]
    assert "Your request is with the admissions office." in text
    assert "My test &lt;was&gt; not counted." in text
    assert "A person will look at it. The answer appears on this page." in text
    answer_review(ReviewRequest.objects.get(), "It was <counted>.", "upheld", actor=operator())
    text = read(browser, place(amina, "decision/"))
    assert "the result stands." in text
    assert "It was &lt;counted&gt;." in text


def test_a_correction_is_announced(amina, browser):
    led(amina, "published")
    browser.post(place(amina, "review/"), {"text": "Look."})
    answer_review(ReviewRequest.objects.get(), "You are right.", "to_correct", actor=operator())
    assert "the admissions office will correct it" in read(browser, place(amina, "decision/"))


@pytest.mark.parametrize(
    ("text", "said"), [("", "Write what should"), (" ", "Write what should"), ("x" * 5001, "5000")]
)
def test_a_faulty_request_comes_back_with_its_fault_and_its_text(amina, browser, text, said):
    led(amina, "published")
    answer = browser.post(place(amina, "review/"), {"text": text})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "<title>Error: Ask for a review" in " ".join(shown.split())
    assert re.search(rf'<li><a href="#id_text">[^<]*{said}', shown)
    assert text.strip() in shown
    assert not ReviewRequest.objects.exists()


def test_sent_twice_it_is_asked_once(amina, browser):
    led(amina, "published")
    for _ in range(2):
        answer = browser.post(place(amina, "review/"), {"text": "Look."})
        assert answer.redirect_chain == [(place(amina, "decision/"), 302)]
    assert ReviewRequest.objects.count() == 1
    assert browser.get(place(amina, "review/")).redirect_chain == [(place(amina, "decision/"), 302)]


def test_after_the_last_day_the_page_is_gone_and_the_decision_says_so(amina, browser, settings):
    led(amina, "published")
    settings.REVIEW_DAYS = -2
    read(browser, place(amina, "review/"), 404)
    assert browser.post(place(amina, "review/"), {"text": "Look."}).status_code == 404
    assert "A review could be asked for until" in read(browser, place(amina, "decision/"))


def test_what_slips_through_is_told_in_the_form(amina, browser, monkeypatch):
    led(amina, "published")
    answer = browser.post(place(amina, "review/"), {"text": "a" + "\r\n" * 3000 + "b"})
    assert answer.status_code == 422


def test_a_review_that_does_not_open_leaves_the_rest_of_the_page(amina, browser):
    one = led(amina, "published")
    browser.post(place(amina, "review/"), {"text": "Look."})
    ReviewRequest.objects.update(wrapped_key=one.wrapped_key)
    assert "The text does not open" in read(browser, place(amina, "decision/"))


# -- in all ----------------------------------------------


def test_number_of_queries_is_the_same_for_few_and_many(amina, browser):
    def count(path):
        with CaptureQueriesContext(connection) as queries:
            read(browser, path)
        return len(queries)

    led(amina, "published")
    paths = ("/applications/", place(amina), place(amina, "decision/"))
    before = [count(path) for path in paths]
    for number in range(3):
        submitted(cycle(f"c{number}"))
    assert [count(path) for path in paths] == before
    assert max(before) <= 16


def test_a_damaged_record_still_has_its_pages(amina, browser):
    led(amina, "published")
    damage(amina)
    assert Application.objects.get(pk=amina.pk).reference in read(browser, place(amina, "decision/"))
