"""The figures of a cycle as a page shows them: counted now, or for a large cycle a moment ago, by one reader only."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, Count
from django.utils import timezone

from admissions.distributions import score_histogram
from admissions.figures import figures_of
from admissions.models.applications import Application
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle

BINS = 20  # of 5 points each
LARGE = 5_000  # applications; fewer are counted in some milliseconds
FRESH = 10  # seconds
KEPT = 24 * 3600
COUNTING_AT_MOST = 60

Figures = dict[str, Any]


def recent_figures(cycle: AdmissionCycle) -> Figures:
    """Return ``figures_of`` a cycle, with the histogram of its totals, how many there are, and their mean.

    Of a large cycle they are up to ten seconds old, or older while somebody counts: whoever finds them stale counts
    anew, and all others read on. ``counted_at`` says when. A step makes them stale at once.
    """
    if Application.objects.of(cycle).order_by()[: LARGE + 1].count() <= LARGE:
        return _counted(cycle)
    return _remembered(f"figures/{cycle.pk}/{cycle.phase}", lambda: _counted(cycle))


def _remembered(key: str, count: Callable[[], Figures]) -> Figures:
    known: Figures | None = cache.get(key)
    if known and (timezone.now() - known["counted_at"]).total_seconds() < FRESH:
        return known
    if known and not cache.add(f"{key}/counting", 1, COUNTING_AT_MOST):
        return known
    fresh = count()
    cache.set(key, fresh, KEPT)
    cache.delete(f"{key}/counting")
    return fresh


def _counted(cycle: AdmissionCycle) -> Figures:
    scored = FinalScore.objects.filter(admission_cycle=cycle, status=FinalScore.Status.SCORED)
    return {
        **figures_of(cycle),
        **scored.aggregate(scored=Count("*"), mean=Avg("total")),
        "histogram": score_histogram(cycle, "total", bins=BINS),
        "counted_at": timezone.now(),
    }
