"""Figures as a page shows them: exact for a small cycle, remembered for a moment for a large one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admissions import recent
from admissions.recent import recent_figures
from tests.factories import applicants, apply, cycle, led_to, score

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch):
    """Every cycle is a large one."""
    monkeypatch.setattr(recent, "LARGE", 0)


def later(monkeypatch, seconds):
    """Let time pass."""
    at = timezone.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(recent.timezone, "now", lambda: at)


def test_the_scores_are_counted_into_bins_of_five_points():
    one = led_to("processing", count=4)
    score(one, ["0", "4.9999", "71", "100"])
    figures = recent_figures(one)
    assert (figures["scored"], figures["mean"]) == (4, Decimal("43.99997500000000"))
    assert figures["histogram"] == [2, *[0] * 13, 1, *[0] * 4, 1]


def test_a_small_cycle_is_counted_anew_each_time():
    one = cycle()
    assert recent_figures(one)["applications"] == 0
    apply(one, applicants(2))
    assert recent_figures(one)["applications"] == 2


def test_a_large_cycle_is_counted_once_in_ten_seconds(large, monkeypatch):
    one = cycle()
    apply(one, applicants(1))
    before = recent_figures(one)
    apply(one, applicants(3)[1:])
    later(monkeypatch, 9)
    assert recent_figures(one) == before
    later(monkeypatch, 11)
    assert recent_figures(one)["applications"] == 3


def test_a_step_makes_the_figures_stale_at_once(large):
    one = led_to("submission")
    recent_figures(one)
    one.phase = "frozen"
    assert recent_figures(one)["phase"] == "frozen"


def test_while_one_reader_counts_the_others_read_on(large, monkeypatch):
    one = cycle()
    apply(one, applicants(1))
    before = recent_figures(one)
    later(monkeypatch, 60)
    cache.add(f"figures/{one.pk}/{one.phase}/counting", 1, 60)
    assert recent_figures(one) == before


def test_figures_of_a_large_cycle_cost_two_small_queries(large):
    one = led_to("processing")
    recent_figures(one)
    with CaptureQueriesContext(connection) as queries:
        recent_figures(one)
    assert len(queries) == 2
