"""How fast answers come in."""

from datetime import UTC, datetime, timedelta

import pytest

from batches.pace import pace

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def test_answers_are_counted_by_the_minute_in_equal_spans():
    found = pace(NOON, [(at(1), 10), (at(4), 30), (at(8), 40)], spans=4)
    assert found.points == [(0.0, 0.0), (2.0, 5.0), (4.0, 15.0), (6.0, 0.0), (8.0, 20.0)]
    assert (found.per_minute, found.seconds_left(20)) == (10.0, 120.0)


def test_what_came_before_the_beginning_or_within_a_minute_is_counted_too():
    found = pace(NOON, [(at(-1), 6), (at(0), 6)], spans=2)
    assert (found.points, found.per_minute) == ([(0.0, 0.0), (0.5, 24.0), (1.0, 0.0)], 12.0)


@pytest.mark.parametrize(("arrivals", "left"), [([], "no pace"), ([(NOON, 0)], None)])
def test_without_answers_nobody_knows_how_long_the_rest_takes(arrivals, left):
    found = pace(NOON, arrivals)
    assert (found.seconds_left(5) if found else "no pace") == left
