"""The page of a blind copy: texts with visible placeholders, numbers, evaluations, what people did."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.roles import Role
from admissions.console.blind import marked
from admissions.decisions import score_by_person, set_aside
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.reveal import identity_of
from audit.sequencer import sequence_all
from tests.admissions.test_console_copies import evaluated
from tests.admissions.test_decisions import SCORES
from tests.factories import amina, apply, cycle, lead, led_to, waiting
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

COPIES = "/console/admissions/anonymizedapplication/"


@pytest.fixture
def reviewer():
    return staff_browser(Role.REVIEWER)[0]


def page_of(browser, copy):
    return browser.get(f"{COPIES}{copy.pk}/")


def text_of(page):
    """What can be read on a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_placeholders_are_marked_and_everything_else_is_escaped():
    assert marked("I am [NAME] <b>[DOB]</b> [name] [X]") == (
        "I am <mark>[NAME]</mark> &lt;b&gt;<mark>[DOB]</mark>&lt;/b&gt; [name] [X]"
    )


def test_the_texts_show_what_was_taken_out(reviewer):
    one = cycle()
    apply(one, [amina(achievements="<script>alert(1)</script>")])
    lead(one, "batch_prep")
    body = page_of(reviewer, AnonymizedApplication.objects.get()).content.decode()
    assert "My name is <mark>[NAME]</mark>. In 2023 I came 2nd of 61 in physics. Write to <mark>[EMAIL]</mark>." in body
    assert "&lt;script&gt;alert(1)" in body
    assert body.count('dir="auto"') >= 2
    assert "Not scored yet" in body


def test_what_engines_said_stands_side_by_side_and_says_where_they_disagree(reviewer):
    copy = AnonymizedApplication.objects.of(led_to("processing", 1)).get()
    evaluated(copy, 1, 2, bias=[2])
    said = text_of(page_of(reviewer, copy))
    assert re.findall(r"Attempt \d The judge disagrees(?: Bias found)?", said) == [
        "Attempt 1 The judge disagrees",
        "Attempt 2 The judge disagrees Bias found",
    ]
    assert [word for word in ("too kind", "because", "clear", "calm", "50.0000", "40.0000") if word not in said] == []


def test_a_sum_that_is_not_ours_is_marked(reviewer):
    copy = AnonymizedApplication.objects.of(led_to("scored", 1)).get()
    assert "Sums differ" not in text_of(page_of(reviewer, copy))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE worker_results SET claimed_total = total - 1")
    assert "Sums differ" in text_of(page_of(reviewer, copy))


def test_the_score_is_shown_with_what_each_part_adds(reviewer):
    one = led_to("processing", 1)
    copy = AnonymizedApplication.objects.get()
    waiting(one)
    score_by_person(one, copy.pk, scores=SCORES, reason="Read twice.", actor=operator())
    sequence_all()
    said = text_of(page_of(reviewer, copy))
    assert "Academic 80.0000 30 % 24.0000" in said
    assert "Total 63.2917" in said
    assert "Scored by a person" in said
    assert f"{operator().id}" in said
    assert "Read twice." in said
    assert re.search(r"Decided \d{1,2} \w+ \d{4}, \d\d:\d\d", said)
    assert "Scores decide" in said


def test_who_set_it_aside_and_why_is_told(reviewer):
    one = led_to("processing", 1)
    final = waiting(one)
    set_aside(one, final.pk, reason="No text at all.", actor=operator())
    said = text_of(page_of(reviewer, final.anonymized))
    assert "It was set aside and takes no part in the ranking." in said
    assert "No text at all." in said
    assert "Decide" not in said.split("Final score")[0].split("Blind copy")[-1]


def test_one_that_waits_says_why_and_leads_to_the_decision(reviewer):
    final = waiting(led_to("processing", 1))
    page = page_of(reviewer, final.anonymized)
    assert "the judge rejected all 3 attempts" in text_of(page)
    assert f'href="/console/decisions/{final.pk}/"' in page.content.decode()


def test_texts_that_do_not_open_are_told_and_hide_nothing_else(reviewer):
    first, second = AnonymizedApplication.objects.of(led_to("processing", 2))
    AnonymizedApplication.objects.filter(pk=first.pk).update(sealed_texts=second.sealed_texts)
    said = text_of(page_of(reviewer, first))
    assert "These texts do not open" in said
    assert "GPA" in said


def test_when_it_was_opened_is_shown_to_whoever_reads_the_log_only(reviewer):
    copy = AnonymizedApplication.objects.of(led_to("scored", 1)).get()
    identity_of(copy.pk, reason="A letter came back.", opened=0, actor=operator())
    sequence_all()
    boss, _ = staff_browser(Role.SUPER_ADMIN, email="boss@example.org")
    assert "Identity reveal" in text_of(page_of(boss, copy))
    said = text_of(page_of(reviewer, copy))
    assert ("Identity reveal" in said, "A letter came back" in said) == (False, False)


def test_the_way_to_the_person_is_offered_to_whom_it_is_open():
    one = led_to("processing", 1)
    copy = AnonymizedApplication.objects.get()
    boss, _ = staff_browser(Role.SUPER_ADMIN)
    admin, _ = staff_browser(Role.ADMIN, email="admin@example.org")
    offered = [f"{copy.pk}/identity/" in page_of(who, copy).content.decode() for who in (boss, admin)]
    lead(one, "scored")
    offered += [f"{copy.pk}/identity/" in page_of(who, copy).content.decode() for who in (boss, admin)]
    assert offered == [False, False, True, False]


def test_the_page_asks_for_no_person(reviewer):
    copy = AnonymizedApplication.objects.of(led_to("published", 2)).first()
    with CaptureQueriesContext(connection) as asked:
        body = page_of(reviewer, copy).content.decode()
    assert [one["sql"] for one in asked if re.search(r"identity_mapping|\"applications\"", one["sql"])] == []
    assert [ref for ref in Application.objects.values_list("reference", flat=True) if ref in body] == []


def test_ten_attempts_take_as_many_queries_as_two(reviewer):
    copy = AnonymizedApplication.objects.of(led_to("processing", 1)).get()
    evaluated(copy, 1, 2)
    with CaptureQueriesContext(connection) as few:
        page_of(reviewer, copy)
    evaluated(copy, *range(3, 11))
    with CaptureQueriesContext(connection) as many:
        assert "Attempt 10" in text_of(page_of(reviewer, copy))
    assert len(many) == len(few)


@pytest.mark.parametrize(
    "address", [f"{COPIES}{uuid.UUID(int=7)}/", f"{COPIES}7/", f"{COPIES}{uuid.UUID(int=7)}/change/"]
)
def test_what_is_not_there_is_not_found(reviewer, address):
    assert reviewer.get(address).status_code == 404


def test_an_auditor_sees_none():
    copy = AnonymizedApplication.objects.of(led_to("processing", 1)).get()
    assert page_of(staff_browser(Role.AUDITOR)[0], copy).status_code == 403


def test_nothing_is_decided_by_sending_to_the_page(reviewer):
    final = waiting(led_to("processing", 1))
    assert reviewer.post(f"{COPIES}{final.pk}/", {"deed": "score"}).status_code == 405
    assert FinalScore.objects.get().status == "waiting"
