"""The filters of the console's templates."""

from datetime import timedelta

import pytest

from enigma.templatetags.console import in_words, lasting, lookup, percent_of


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (5399, "90 minutes"),
        (7200, "2 hours"),
        (timedelta(hours=3), "3 hours"),
    ],
)
def test_a_time_is_told_in_the_unit_that_fits(seconds, told):
    assert lasting(seconds) == told


@pytest.mark.parametrize(("part", "whole", "percent"), [(0, 0, 0), (1, 3, 33), (999, 1000, 99), (5, 5, 100)])
def test_a_hundred_percent_is_all_and_only_all(part, whole, percent):
    assert percent_of(part, whole) == percent


def test_a_code_is_written_as_words():
    assert in_words("batch_prep") == "Batch prep"


@pytest.mark.parametrize(("mapping", "found"), [({"a": 1}, 1), ({}, ""), (None, "")])
def test_a_lookup_finds_an_entry_or_nothing(mapping, found):
    assert lookup(mapping, "a") == found
