"""The weighted total: exact, within 0 to 100, and refused where weights or scores make no sense."""

from decimal import Decimal, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.scoring import Scores, Weights, total
from enigma.errors import Refused

USUAL = Weights(academic=Decimal("0.30"), test=Decimal("0.25"), achievement=Decimal("0.25"), essay=Decimal("0.20"))
score = st.decimals(min_value=0, max_value=100, places=4)


def scores(academic, test, achievement, essay):
    return Scores(
        academic=Decimal(academic),
        test=Decimal(test),
        achievement=Decimal(achievement),
        essay=Decimal(essay),
    )


def weights(academic, test, achievement, essay):
    return Weights(
        academic=Decimal(academic),
        test=Decimal(test),
        achievement=Decimal(achievement),
        essay=Decimal(essay),
    )


def test_the_total_is_the_weighted_sum():
    assert str(total(scores("88", "70.5", "61", "77"), USUAL)) == "74.6750"


def test_half_steps_go_to_the_even_neighbour_on_both_sides():
    halves = [total(scores("0.00005", 0, 0, 0), weights(1, 0, 0, 0))]
    halves.append(total(scores("0.00015", 0, 0, 0), weights(1, 0, 0, 0)))
    assert halves == [Decimal("0.0000"), Decimal("0.0002")]


def test_the_callers_decimal_context_moves_no_total():
    with localcontext() as context:
        context.prec = 3
        assert getcontext().prec == 3
        assert str(total(scores("88.8888", "77.7777", "66.6666", "55.5555"), USUAL)) == "73.8888"


@given(score, score, score, score)
def test_a_total_lies_between_the_lowest_and_the_highest_score(academic, test, achievement, essay):
    given_scores = (academic, test, achievement, essay)
    assert min(given_scores) <= total(scores(*given_scores), USUAL) <= max(given_scores)


@pytest.mark.parametrize("parts", [("0.3", "0.3", "0.3", "0.2"), ("0.3", "0.25", "0.25", "0.19")])
def test_weights_that_do_not_sum_to_one_are_refused(parts):
    with pytest.raises(Refused, match="must sum to 1"):
        weights(*parts)


@pytest.mark.parametrize("parts", [("1.5", "-0.5", "0", "0"), ("NaN", "0", "0", "1")])
def test_a_weight_outside_zero_to_one_is_refused(parts):
    with pytest.raises(Refused, match="weight"):
        weights(*parts)


@pytest.mark.parametrize("wrong", ["100.0001", "-0.0001", "9999", "NaN", "Infinity"])
def test_a_score_outside_zero_to_a_hundred_is_refused(wrong):
    with pytest.raises(Refused, match="the essay score"):
        scores(0, 0, 0, wrong)


def test_a_binary_float_is_refused_as_a_score():
    with pytest.raises(Refused, match="must be a finite Decimal"):
        Scores(academic=88.1, test=Decimal(0), achievement=Decimal(0), essay=Decimal(0))
