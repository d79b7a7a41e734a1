"""Merit numbers that need no judgement: GPA and tests on one scale from 0 to 100. Pure functions on Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest score that a test gives."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Metrics:
    """All 0 to 100, in steps of 0.0001."""

    gpa_score: Decimal
    test_score: Decimal
    academic_score: Decimal


def gpa_score(gpa: Decimal, *, scale: Decimal) -> Decimal:
    """Return the GPA as its share of the scale, 0 to 100."""
    return _step(gpa / scale * 100)


def normalised(score: Decimal, within: Range) -> Decimal:
    """Return where a score lies between the ends of its own test, 0 to 100."""
    return _step((score - within.low) / (within.high - within.low) * 100)


def test_score(scores: Mapping[str, Decimal], tests: Mapping[str, Range]) -> Decimal:
    """Return the mean of the scores, each normalised by its own range first: raw scores of two tests never meet."""
    shares = [normalised(score, tests[name]) for name, score in scores.items()]
    return _step(sum(shares, Decimal(0)) / len(shares)) if shares else Decimal("0.0000")


def measure(
    gpa: Decimal,
    scores: Mapping[str, Decimal],
    *,
    scale: Decimal,
    tests: Mapping[str, Range],
    gpa_weight: Decimal,
    test_weight: Decimal,
) -> Metrics:
    """Return the metrics of one application; the academic score weighs GPA and tests as the cycle weighs the two."""
    by_gpa, by_tests = gpa_score(gpa, scale=scale), test_score(scores, tests)
    weights = gpa_weight + test_weight
    both = (by_gpa * gpa_weight + by_tests * test_weight) / weights if weights else (by_gpa + by_tests) / 2
    return Metrics(by_gpa, by_tests, _step(both))


def _step(value: Decimal) -> Decimal:
    return value.quantize(STEP, ROUND_HALF_EVEN)
