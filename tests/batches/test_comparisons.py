"""What workers and judges said, held against each other."""

import pytest

from admissions.models.blind import AnonymizedApplication, DeterministicMetrics
from batches.comparisons import claims, doubts, judged, moved, surprises
from tests.batches.engines import (
    REJECTION,
    TOTAL,
    evaluated,
    export,
    hand_in,
    judgement,
    processing,
    requests_of,
)
from tests.batches.engines import judged as judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    """Three copies: all evaluated alike, one rejected and then approved with eight points more for the essay."""
    one = processing(3)
    evaluated(one, total_score=80)
    export(one, "judge")
    first, *others = requests_of(one, "judge")
    approved = [judgement(request, quality_score=100 - 40 * place) for place, request in enumerate(others)]
    hand_in(one, judgement(first, **REJECTION, quality_score=30), *approved)
    export(one)
    evaluated(one, essay_score=100)
    judge(one)
    return one


def test_judgements_are_counted_in_bins(one):
    assert sorted(judged(one)) == [
        (1, "approved", 15, 13, 1),
        (1, "approved", 15, 20, 1),
        (1, "rejected", 15, 7, 1),
        (2, "approved", 16, 18, 1),
    ]


def test_the_way_from_the_first_attempt_to_the_approved_one_is_counted(one):
    counts = moved(one)
    assert (sum(counts), counts[20]) == (1, 1)  # two points up: 0.20 x 10


def test_outliers_come_the_furthest_first(one):
    assert [(float(row.other), float(row.total)) for row in claims(one)] == [(80, TOTAL)] * 3
    assert [float(row.other) for row in doubts(one)] == [60, 85, 100]
    copy = AnonymizedApplication.objects.order_by("pk").last()
    DeterministicMetrics.objects.filter(pk=copy.pk).update(gpa_score=0, test_score=0)
    found = surprises(one)
    assert (found[0].anonymized_id, found[0].apart, len(found)) == (copy.pk, found[0].total, 3)


def test_other_cycles_do_not_count(one):
    other = processing(1, code="spring-2027")
    assert (judged(other), sum(moved(other)), claims(other), doubts(other), surprises(other)) == ([], 0, [], [], [])
