"""Merit numbers on one scale: each test by its own range first, ranks by one statement over the whole cycle."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.metrics import STEP, Metrics, Range, gpa_score, measure, normalised, test_score
from admissions.models.blind import DeterministicMetrics
from admissions.models.ranking import rank_metrics
from enigma.errors import Refused
from tests.factories import applicants, apply, cycle, lead

test_score.__test__ = False  # a function under test, not a test
SAT, ACT = Range(Decimal(400), Decimal(1600)), Range(Decimal(1), Decimal(36))
TESTS = {"SAT": SAT, "ACT": ACT}


def of(gpa, scores, *, gpa_weight="0.30", test_weight="0.25"):
    return measure(
        Decimal(gpa),
        {name: Decimal(score) for name, score in scores.items()},
        scale=Decimal(4),
        tests=TESTS,
        gpa_weight=Decimal(gpa_weight),
        test_weight=Decimal(test_weight),
    )


@pytest.mark.parametrize(
    ("gpa", "scale", "share"), [("4", "4", "100"), ("0", "4", "0"), ("3.8", "4", "95"), ("1", "3", "33.3333")]
)
def test_a_gpa_is_its_share_of_the_scale(gpa, scale, share):
    assert gpa_score(Decimal(gpa), scale=Decimal(scale)) == Decimal(share)


@pytest.mark.parametrize(
    ("score", "within", "share"),
    [("400", SAT, "0"), ("1600", SAT, "100"), ("1450", SAT, "87.5"), ("1", ACT, "0"), ("36", ACT, "100")],
)
def test_a_score_is_its_place_between_the_ends_of_its_own_test(score, within, share):
    assert normalised(Decimal(score), within) == Decimal(share)


def test_an_sat_and_an_act_meet_only_as_shares():
    scores = {"SAT": Decimal(1450), "ACT": Decimal(32)}
    assert test_score(scores, TESTS) == Decimal("88.0357")  # (87.5 + 88.5714) / 2, halves to even


def test_the_lowest_sat_is_worth_less_than_the_highest_act():
    lowest, highest = test_score({"SAT": Decimal(400)}, TESTS), test_score({"ACT": Decimal(36)}, TESTS)
    assert (lowest, highest) == (0, 100)


def test_without_a_test_the_test_score_is_nothing():
    assert of("2", {}) == Metrics(Decimal(50), Decimal(0), Decimal("27.2727"))


def test_gpa_and_tests_weigh_as_the_cycle_weighs_the_two():
    assert of("4", {"SAT": "400"}) == Metrics(Decimal(100), Decimal(0), Decimal("54.5455"))


def test_if_neither_has_weight_both_count_alike():
    assert of("4", {"SAT": "400"}, gpa_weight="0", test_weight="0").academic_score == 50


def test_halves_are_rounded_to_even():
    rounded = [gpa_score(Decimal(gpa), scale=Decimal(1)) for gpa in ("0.0000005", "0.0000015", "0.0000025")]
    assert rounded == [Decimal("0.0000"), Decimal("0.0002"), Decimal("0.0002")]


@given(
    gpa=st.decimals(0, 4, places=4),
    sat=st.decimals(400, 1600, places=2),
    act=st.decimals(1, 36, places=2),
    weights=st.tuples(st.decimals(0, 1, places=4), st.decimals(0, 1, places=4)),
)
def test_whatever_is_handed_in_all_metrics_lie_within_0_and_100_in_steps(gpa, sat, act, weights):
    metrics = measure(
        gpa, {"SAT": sat, "ACT": act}, scale=Decimal(4), tests=TESTS, gpa_weight=weights[0], test_weight=weights[1]
    )
    values = (metrics.gpa_score, metrics.test_score, metrics.academic_score)
    assert all(0 <= value <= 100 and value == value.quantize(STEP) for value in values)


@given(better=st.decimals(1, 36, places=1), worse=st.decimals(1, 36, places=1))
def test_a_better_score_is_never_worth_less(better, worse):
    better, worse = max(better, worse), min(better, worse)
    assert normalised(better, ACT) >= normalised(worse, ACT)


# -- percentile ranks ----------------------------------------------


def measured(rows, *, code="fall-2026"):
    """A cycle whose applicants have these (GPA, SAT), scrubbed and measured, not yet ranked."""
    one = cycle(code)
    people = applicants(len(rows))
    apply(
        one,
        [{**person, "gpa": gpa, "test_scores": {"SAT": sat}} for person, (gpa, sat) in zip(people, rows, strict=True)],
    )
    return lead(one, "preprocessing")


def ranks(one):
    mine = DeterministicMetrics.objects.filter(anonymized__admission_cycle=one).order_by("gpa_score", "test_score")
    return [(row.gpa_score, row.test_percentile, row.percentile_rank) for row in mine]


@pytest.mark.django_db
def test_the_lowest_stands_at_0_the_highest_at_100_and_equals_stand_together():
    one = measured([(1, 400), (2, 700), (2, 700), (3, 1600), (4, 1000)])
    assert rank_metrics(one) == 5
    assert ranks(one) == [(25, 0, 0), (50, 25, 25), (50, 25, 25), (75, 100, 100), (100, 75, 75)]


@pytest.mark.django_db
def test_somebody_alone_stands_at_0():
    one = measured([(4, 1600)])
    rank_metrics(one)
    assert ranks(one) == [(100, 0, 0)]


@pytest.mark.django_db
def test_a_rank_is_among_the_applicants_of_the_same_cycle():
    one, other = measured([(1, 400), (2, 700)]), measured([(3, 1000), (4, 1600)], code="other")
    rank_metrics(one)
    assert (ranks(one), ranks(other)) == ([(25, 0, 0), (50, 100, 100)], [(75, None, None), (100, None, None)])


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_any_number_is_ranked_by_one_statement(count, django_assert_num_queries):
    one = measured([(2, 700)] * count)
    with django_assert_num_queries(2):  # the other counts the blind copies
        rank_metrics(one)


@pytest.mark.django_db
def test_a_blind_copy_without_metrics_is_refused():
    one = measured([(1, 400), (2, 700)])
    DeterministicMetrics.objects.first().delete()
    with pytest.raises(Refused, match="2 blind copies of fall-2026 have only 1 rows of metrics"):
        rank_metrics(one)
