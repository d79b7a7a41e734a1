"""What anybody may know of the cycles: their rules and where they stand; before publication no figure of anybody."""

from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from admissions.distribution import Bin, merged
from admissions.models.cycles import AdmissionCycle, SelectionLog
from admissions.models.outcomes import may_see_result
from admissions.own import CROWD
from admissions.phases import Phase
from admissions.rubrics import rubric

BIN = 5  # points
KEPT = 24 * 3600  # seconds; published scores do not change any more

_COUNTS = """
    SELECT least(width_bucket(total, 0, 100, %s), %s) - 1 AS bin, count(*)
      FROM final_scores WHERE admission_cycle_id = %s AND status = 'scored' GROUP BY 1
"""


def invitations() -> list[dict[str, Any]]:
    """Return the cycles that take applications now or will, newest first, by the clock of the database."""
    return [_invitation(cycle) for cycle in _not_closed()]


def open_now(*, but: set[int]) -> list[AdmissionCycle]:
    """Return the cycles that take applications at this moment, without those of the given keys."""
    began = Q(opens_at=None) | Q(opens_at__lte=Now())
    return list(_not_closed().filter(began).exclude(pk__in=but))


def standings() -> list[dict[str, Any]]:
    """Return where every cycle stands, newest first, and once it is published what came of it as a whole."""
    cycles = list(AdmissionCycle.objects.all())
    logs = {log.admission_cycle_id: log for log in SelectionLog.objects.filter(admission_cycle__in=cycles)}
    return [
        {
            **_names(cycle),
            "phase": str(cycle.phase),
            "phase_since": cycle.phase_since,
            "results_at": cycle.results_at,
            "results": _results(cycle, logs[cycle.pk]) if may_see_result(cycle) else None,
        }
        for cycle in cycles
    ]


def score_bins(cycle: AdmissionCycle, log: SelectionLog) -> list[Bin]:
    """Return how many reached which total, in bins of which none holds a few; none at all below a crowd.

    Anybody may ask, and counting a large cycle takes a while: what was counted is kept.
    """
    if log.selected + log.not_selected < CROWD:
        return []
    counts: list[int] = cache.get_or_set(f"score-bins-{cycle.ref.hex}", lambda: _counted(cycle), KEPT)
    return merged(counts, width=BIN)


def _counted(cycle: AdmissionCycle) -> list[int]:
    places = 100 // BIN
    counts = [0] * places
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [places, places, cycle.pk])
        for place, count in cursor.fetchall():
            counts[place] = count
    return counts


def _not_closed() -> QuerySet[AdmissionCycle]:
    open_ended = Q(closes_at=None) | Q(closes_at__gt=Now())
    return AdmissionCycle.objects.filter(open_ended, phase=Phase.SUBMISSION).annotate(now=Now())


def _names(cycle: AdmissionCycle) -> dict[str, Any]:
    return {"code": cycle.code, "name": cycle.name, "is_demo": cycle.is_demo}


def _invitation(cycle: Any) -> dict[str, Any]:
    text = rubric(cycle.rubric_version)
    is_coming = cycle.opens_at and cycle.opens_at > cycle.now
    return {
        **cycle.rules(),
        **_names(cycle),
        "state": "coming" if is_coming else "open",
        "rubric": {"version": text.version, "sha256": text.sha256, "text": text.text},
    }


def _results(cycle: AdmissionCycle, log: SelectionLog) -> dict[str, Any]:
    figures = {"selected": log.selected, "not_selected": log.not_selected, "cutoff": log.cutoff}
    if log.selected + log.not_selected >= CROWD:
        return {"seats": cycle.seats, **figures, "withheld": None}
    why = f"Fewer than {CROWD} applications were ranked: figures about so few would tell about single people."
    return {"seats": cycle.seats, **dict.fromkeys(figures), "withheld": why}
