"""The figures of a cycle: every count that must add up."""

import pytest

from accounts.actors import operator
from admissions.figures import figures_of
from admissions.letters import send_letters
from admissions.models.applications import Application
from admissions.phases import Phase
from tests.factories import applicants, apply, cycle, lead, led_to, score, waiting

pytestmark = pytest.mark.django_db


def told(one, *names):
    figures = figures_of(one)
    return tuple(figures[name] for name in names)


def test_a_new_cycle_has_nothing_yet():
    one = cycle()
    assert figures_of(one) == {
        "code": "fall-2026",
        "phase": "submission",
        "phase_since": one.phase_since.isoformat(),
        "next_step": "freeze",
        "seats": 2,
        "applications": 0,
        "statuses": {},
        "blind_copies": 0,
        "exported": 0,
        "final_scores": {},
        "undecided": 0,
        "letters": {},
        "outcomes_are_public": False,
        "selection": None,
    }


def test_the_selection_is_shown_and_its_secret_only_after_publication():
    one = led_to("selection")
    before = figures_of(one)["selection"]
    assert before == {**one.selection().facts(), "tie_secret": None}
    lead(one, "published")
    assert figures_of(one)["selection"] == {**before, "tie_secret": one.tie_secret().hex()}


def test_in_processing_scored_waiting_and_open_add_up():
    one = led_to("processing", 5)
    score(one, [50, 60])
    waiting(one)
    names = ("applications", "statuses", "blind_copies", "exported", "final_scores", "undecided")
    assert told(one, *names) == (5, {"processing": 5}, 5, 5, {"scored": 2, "waiting": 1}, 3)


def test_at_the_end_everything_is_public_and_nothing_is_left_to_do():
    one = led_to("published")
    Application.objects.filter(pk=Application.objects.first().pk).update(status="failed", outcome=None, rank=None)
    send_letters(one)
    lead(one, "completed")
    names = ("applications", "statuses", "letters", "undecided", "next_step", "outcomes_are_public")
    assert told(one, *names) == (3, {"published": 2, "failed": 1}, {"sent": 3}, 0, None, True)


@pytest.mark.parametrize("phase", list(Phase))
def test_the_statuses_add_up_to_the_applications_in_every_phase(phase):
    applications, statuses = told(led_to(phase), "applications", "statuses")
    assert applications == sum(statuses.values()) == 3


def test_other_cycles_are_not_counted():
    one, other = led_to("published"), cycle("other")
    apply(other, applicants(2))
    assert told(other, "applications", "blind_copies", "final_scores", "letters") == (2, 0, {}, {})
    assert told(one, "applications") == (3,)


def test_a_step_changes_when_the_phase_began():
    one = led_to("submission")
    before = figures_of(one)["phase_since"]
    one.freeze(actor=operator())
    assert figures_of(one)["phase_since"] > before


@pytest.mark.parametrize("count", [1, 3])
def test_figures_cost_the_same_for_any_number(count, django_assert_num_queries):
    one = led_to("published", count)
    with django_assert_num_queries(7):
        figures_of(one)
