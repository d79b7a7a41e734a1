"""How the final scores are spread."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from admissions.distributions import ALL, score_histogram, score_histograms
from admissions.models.blind import FinalScore
from tests.factories import led_to, score, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    """Five copies with scores on the edges of bins, and one that waits."""
    one = led_to("processing", 6)
    score(one, ["0", "24.9999", "25", "99.9999", "100"])
    waiting(one)
    return one


def test_scores_on_an_edge_count_in_the_upper_bin_and_the_highest_in_the_last(one):
    assert score_histogram(one, "total", bins=4) == [2, 1, 0, 2]


def test_all_parts_are_counted_at_once_as_each_by_itself(one):
    FinalScore.objects.filter(total=25).update(essay=80, academic=0)
    with CaptureQueriesContext(connection) as queries:
        every = score_histograms(one, bins=10)
    assert every == {part: score_histogram(one, part, bins=10) for part in ALL}
    assert (sum(every["essay"]), every["essay"][8], len(queries)) == (5, 1, 1)


def test_a_cycle_without_scores_has_empty_bins():
    one = led_to("processing", 1)
    assert score_histogram(one, bins=3) == [0, 0, 0]
    assert set(map(tuple, score_histograms(one, bins=3).values())) == {(0, 0, 0)}


def test_an_unknown_part_is_a_fault_of_the_program(one):
    with pytest.raises(ValueError, match="gpa"):
        score_histogram(one, "gpa")
