"""Selections in the console: their figures, their embargo, and the ranking behind them."""

import hashlib

import pytest

from accounts.roles import Role
from admissions.models.cycles import SelectionLog
from audit.models import LogOutbox
from tests.batches.console import console, queries_of, text_of
from tests.factories import cycle, lead, led_to

pytestmark = pytest.mark.django_db

LIST = "/console/admissions/selectionlog/"


def page():
    return f"{LIST}{SelectionLog.objects.get().pk}/change/"


def ranking(browser):
    return browser.post(f"/console/selections/{SelectionLog.objects.get().pk}/ranking/")


def test_an_empty_list_says_when_a_selection_appears():
    assert "No selection yet" in text_of(console().get(LIST))


@pytest.mark.parametrize(
    ("role", "phase", "shown"),
    [
        (Role.ADMIN, "selection", True),
        (Role.AUDITOR, "selection", True),
        (Role.REVIEWER, "selection", False),
        (Role.REVIEWER, "published", True),
    ],
)
def test_figures_are_for_those_who_may_see_them(role, phase, shown):
    led_to(phase, 3, seats=1)
    log, browser = SelectionLog.objects.get(), console(role)
    listed, single = browser.get(LIST), browser.get(page())
    assert (str(log.cutoff) in text_of(listed), log.ranking_sha256[:16] in text_of(listed)) == (shown, shown)
    assert (str(log.cutoff) in text_of(single), log.ranking_sha256 in text_of(single)) == (shown, shown)
    assert ("under embargo" in text_of(listed), "Under embargo" in text_of(single)) == (not shown, not shown)


def test_the_secret_of_the_tie_break_is_told_after_publication():
    one = led_to("selection")
    browser = console()
    assert one.tie_secret().hex() not in text_of(browser.get(page()))
    lead(one, "published")
    assert one.tie_secret().hex() in text_of(browser.get(page()))


def test_the_ranking_of_a_published_cycle_has_the_digest_of_its_selection():
    led_to("published", 4)
    answer = ranking(console(Role.REVIEWER))
    content = b"".join(answer.streaming_content)
    assert hashlib.sha256(content).hexdigest() == SelectionLog.objects.get().ranking_sha256
    assert LogOutbox.objects.filter(kind="ranking.export").count() == 1


def test_before_publication_nobody_takes_the_ranking():
    led_to("selection")
    browser = console()
    assert "can be downloaded once" in text_of(browser.get(page()))
    assert "under embargo until publication" in text_of(ranking(browser))


def test_the_list_costs_the_same_at_any_length():
    led_to("selection", 1)
    browser = console()
    few, log = queries_of(browser, LIST), SelectionLog.objects.get()
    about = {name: value for name, value in SelectionLog.objects.values().get().items() if name != "id"}
    others = [cycle(f"other-{number}") for number in range(5)]
    SelectionLog.objects.bulk_create(SelectionLog(**about | {"admission_cycle_id": one.pk}) for one in others)
    assert (queries_of(browser, LIST), SelectionLog.objects.count()) == (few, 6)
    assert browser.get(f"{LIST}{log.pk + 99}/change/").redirect_chain[-1][0] == "/console/"
