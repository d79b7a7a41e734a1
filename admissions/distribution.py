"""How many reached which score, told so that no bin holds only a few people. From values to values, no Django."""

from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 5  # fewer in a bin would point at single people


@dataclass(frozen=True, slots=True)
class Bin:
    """So many between two scores, the lower one included; ``merged`` says that it is wider than the others."""

    low: int
    high: int
    count: int
    merged: bool


def merged(counts: Sequence[int], *, width: int, least: int = LEAST) -> list[Bin]:
    """Join neighbouring bins of equal width until each holds ``least`` people or nobody; they begin at 0.

    A few left at the upper end go to the last bin that holds anybody. Nobody at all gives no bins; fewer than
    ``least`` in all cannot be told and give none either.
    """
    if sum(counts) < least:
        return []
    bins: list[Bin] = []
    begin, held = 0, 0
    for place, count in enumerate(counts):
        held += count
        if 0 < held < least:
            continue
        bins.append(_bin(begin, place + 1, held, width))
        begin, held = place + 1, 0
    if held:
        while not bins[-1].count:
            bins.pop()
        last = bins.pop()
        bins.append(_bin(last.low // width, len(counts), last.count + held, width))
    return bins


def spread(bins: Sequence[Bin], *, width: int) -> list[float]:
    """Return one height for each bin of equal width: what a wider one holds is spread evenly over its parts."""
    heights: list[float] = []
    for one in bins:
        parts = (one.high - one.low) // width
        heights += [one.count / parts] * parts
    return heights


def _bin(begin: int, end: int, count: int, width: int) -> Bin:
    return Bin(begin * width, end * width, count, end - begin > 1)
