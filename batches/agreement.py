"""How workers and judges agree: shares and pairs of bins from counts. From values to values."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

BINS = 20
WIDTH = 100 / BINS
# The difference of two totals goes from -100 to 100, in bins as wide.
DIFFERENCES = 2 * BINS

# attempt, decision, bin of the worker's total and of the judge's quality (both from 1), how often
Judged = tuple[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What judges said of all evaluations of one attempt."""

    attempt: int
    approved: int
    rejected: int

    @property
    def share(self) -> float:
        """Which part was approved, 0 to 1."""
        return self.approved / (self.approved + self.rejected)


def attempts(rows: Iterable[Judged]) -> list[Attempt]:
    """Count approvals and rejections by attempt."""
    counts: Counter[tuple[int, str]] = Counter()
    for attempt, decision, _, _, count in rows:
        counts[attempt, decision] += count
    numbers = sorted({attempt for attempt, _ in counts})
    return [Attempt(number, counts[number, "approved"], counts[number, "rejected"]) for number in numbers]


def pairs(rows: Iterable[Judged]) -> dict[tuple[float, float], int]:
    """Count how often a worker's total met a judge's quality, each as the middle of its bin."""
    counts: Counter[tuple[float, float]] = Counter()
    for _, _, total, quality, count in rows:
        counts[middle(total), middle(quality)] += count
    return dict(counts)


def middle(place: int) -> float:
    """Return the middle of a bin that is counted from 1."""
    return (place - 0.5) * WIDTH


def edges(place: int, *, low: float = 0.0) -> tuple[float, float]:
    """Return from where to where a bin reaches that is counted from 0."""
    return low + place * WIDTH, low + (place + 1) * WIDTH
