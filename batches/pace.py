"""How fast answers come in: counts by the minute over the time since the export, and how long the rest may take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

SPANS = 24


@dataclass(frozen=True, slots=True)
class Pace:
    """Answers a minute in spans of equal length, each as (minutes since the beginning at its end, answers a minute)."""

    points: list[tuple[float, float]]
    per_minute: float

    def seconds_left(self, requests: int) -> float | None:
        """Return how long so many requests take at the pace so far; None where there is none."""
        return 60 * requests / self.per_minute if self.per_minute else None


def pace(begun: datetime, arrivals: Sequence[tuple[datetime, int]], *, spans: int = SPANS) -> Pace | None:
    """Return the pace of what arrived when, and how much each time; None before anything has.

    The time from ``begun`` to the last arrival, a minute at least, is cut into spans; what arrives on an edge belongs
    to the span before.
    """
    if not arrivals:
        return None
    last = max(at for at, _ in arrivals)
    minutes = max((last - begun).total_seconds() / 60, 1.0)
    counts = [0] * spans
    for at, count in arrivals:
        passed = (at - begun).total_seconds() / 60
        place = -int(-passed * spans // minutes) - 1  # rounded up, then counted from 0
        counts[min(max(place, 0), spans - 1)] += count
    each = minutes / spans
    points = [((place + 1) * each, count / each) for place, count in enumerate(counts)]
    return Pace([(0.0, 0.0), *points], sum(counts) / minutes)
