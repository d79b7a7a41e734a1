"""The scores of a cycle in the console."""

import pytest

from accounts.roles import Role
from admissions.models.blind import AnonymizedApplication
from batches.console import scores
from tests.batches.console import console, queries_of, text_of
from tests.batches.engines import evaluated, judged, processing
from tests.factories import lead, led_to, score

pytestmark = pytest.mark.django_db

PAGE = "/console/scores/fall-2026/"


def test_without_a_cycle_that_has_scores_the_list_says_when_they_appear():
    assert "No scores yet" in text_of(console().get("/console/scores/"))


def test_the_list_leads_to_each_cycle():
    processing(1)
    assert PAGE.encode() in console(Role.REVIEWER).get("/console/scores/").content


def test_a_cycle_without_answers_says_what_is_missing():
    processing(1)
    told = text_of(console().get(PAGE))
    for words in ("0 final scores", "No final scores yet", "No judgements yet", "Nothing was approved yet"):
        assert words in told


def test_everything_is_drawn_and_told_in_a_table():
    one = processing(3)
    evaluated(one, total_score=80)
    judged(one)
    answer = console().get(PAGE)
    told = text_of(answer)
    assert answer.content.count(b'<svg class="plot"') == 6  # the total, four parts, and the pairs
    for words in ("3 final scores", "70 – 75 3", "72.5 87.5 3", "1 3 0", "80.00 74.63 -5.38"):
        assert words in told
    assert str(AnonymizedApplication.objects.first().pk.hex)[:12] in told


def test_a_second_look_that_changed_scores_is_drawn():
    led_to("scored", 60)
    assert "What a second look changed" in text_of(console().get(PAGE))


@pytest.mark.parametrize(
    ("role", "phase", "shown"),
    [
        (Role.ADMIN, "selection", True),
        (Role.REVIEWER, "selection", False),
        (Role.REVIEWER, "published", True),
        (Role.ADMIN, "scored", False),
    ],
)
def test_the_cut_off_is_under_embargo(role, phase, shown):
    led_to(phase)
    assert (b"cut-off" in console(role).get(PAGE).content) is shown


def test_blind_ids_lead_to_the_copies_where_there_is_a_page_for_them(monkeypatch):
    led_to("scored", 1)
    monkeypatch.setattr(scores, "reverse", lambda name, args=(): f"/there/{args[0].hex}/" if args else "/")
    copy = AnonymizedApplication.objects.get()
    assert f'href="/there/{copy.pk.hex}/"'.encode() in console().get(PAGE).content


def test_figures_that_took_long_are_kept_until_something_changes(monkeypatch):
    one = led_to("processing", 2)
    browser = console()
    whole = queries_of(browser, PAGE)
    monkeypatch.setattr(scores, "WORTH_KEEPING", -1)
    browser.get(PAGE)
    assert queries_of(browser, PAGE) < whole
    score(one, [50, 60])
    assert "0 final scores" in text_of(browser.get(PAGE))
    lead(one, "scored")
    assert "2 final scores" in text_of(browser.get(PAGE))


def test_an_unknown_cycle_and_a_role_without_the_right_get_nothing():
    processing(1)
    assert console().get("/console/scores/none/").status_code == 404
    assert console(Role.AUDITOR, email="aiza@example.org").get(PAGE).status_code == 403
