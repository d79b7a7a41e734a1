"""Add four scores up to one, exactly, by the weights of the cycle."""

from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Context, Decimal

from enigma.errors import Refused

PLACES = Decimal("0.0001")
HIGHEST = Decimal(100)
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)  # our own: the caller's context must not move a score


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one evaluation gives in each dimension, 0 to 100; refuses anything else."""

    academic: Decimal
    test: Decimal
    achievement: Decimal
    essay: Decimal

    def __post_init__(self) -> None:
        for dimension in DIMENSIONS:
            _check(f"the {dimension} score", getattr(self, dimension), highest=HIGHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each dimension counts, 0 to 1; refuses weights that do not sum to exactly 1."""

    academic: Decimal
    test: Decimal
    achievement: Decimal
    essay: Decimal

    def __post_init__(self) -> None:
        for dimension in DIMENSIONS:
            _check(f"the {dimension} weight", getattr(self, dimension), highest=Decimal(1))
        whole = sum((getattr(self, dimension) for dimension in DIMENSIONS), Decimal(0))
        if whole != 1:
            raise Refused(f"the four weights must sum to 1, but they sum to {whole}")


DIMENSIONS = tuple(field.name for field in fields(Scores))


def total(scores: Scores, weights: Weights) -> Decimal:
    """Return the weighted sum of the scores, 0 to 100, rounded half-even to 4 decimal places."""
    whole = Decimal(0)
    for dimension in DIMENSIONS:
        whole = EXACT.fma(getattr(scores, dimension), getattr(weights, dimension), whole)
    return whole.quantize(PLACES, context=EXACT)


def _check(name: str, value: object, *, highest: Decimal) -> None:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Refused(f"{name} must be a finite Decimal")
    if not 0 <= value <= highest:
        raise Refused(f"{name} is {value}, outside 0 to {highest}")
