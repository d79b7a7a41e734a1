"""Bins of a histogram that point at nobody."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.distribution import LEAST, Bin, merged, spread


@pytest.mark.parametrize(
    ("counts", "bins"),
    [
        ([5, 0, 9], [Bin(0, 10, 5, False), Bin(10, 20, 0, False), Bin(20, 30, 9, False)]),
        ([1, 0, 0, 9], [Bin(0, 40, 10, True)]),
        ([9, 0, 0, 1], [Bin(0, 40, 10, True)]),
        ([0, 3, 3, 7], [Bin(0, 10, 0, False), Bin(10, 30, 6, True), Bin(30, 40, 7, False)]),
        ([2, 2], []),
        ([0, 0], []),
        ([], []),
    ],
)
def test_a_few_are_joined_with_their_neighbours(counts, bins):
    assert merged(counts, width=10) == bins


@given(st.lists(st.integers(0, 12), max_size=20))
def test_no_bin_holds_a_few_and_nobody_is_lost(counts):
    bins = merged(counts, width=5)
    assert not [one for one in bins if 0 < one.count < LEAST]
    assert sum(one.count for one in bins) == (sum(counts) if sum(counts) >= LEAST else 0)
    heights = spread(bins, width=5)
    assert len(heights) in {0, len(counts)}
    assert sum(heights) == pytest.approx(sum(one.count for one in bins))
    ends = [(one.low, one.high) for one in bins]
    assert all(high == low for (_, high), (low, _) in pairwise(ends))


def test_a_wide_bin_is_drawn_as_wide_as_it_is():
    assert spread([Bin(0, 15, 6, True), Bin(15, 20, 8, False)], width=5) == [2, 2, 2, 8]
