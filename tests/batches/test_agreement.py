"""Shares and pairs from counts."""

from batches.agreement import Attempt, attempts, edges, middle, pairs

ROWS = [(1, "approved", 15, 18, 30), (1, "rejected", 15, 10, 8), (1, "approved", 20, 18, 2), (2, "approved", 15, 18, 8)]


def test_judgements_are_counted_by_attempt():
    assert attempts(ROWS) == [Attempt(1, 32, 8), Attempt(2, 8, 0)]
    assert [one.share for one in attempts(ROWS)] == [0.8, 1.0]


def test_pairs_of_bins_are_counted_over_all_attempts():
    assert pairs(ROWS) == {(72.5, 87.5): 38, (72.5, 47.5): 8, (97.5, 87.5): 2}


def test_bins_are_five_points_wide():
    assert (middle(1), middle(20), edges(0), edges(0, low=-100)) == (2.5, 97.5, (0, 5), (-100, -95))
