"""The figures of a cycle that admissions knows itself."""

from typing import Any

from django.db.models import Count, QuerySet

from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.models.cycles import AdmissionCycle, SelectionLog
from admissions.models.letters import Letter
from admissions.models.outcomes import may_see_result


def figures_of(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return code, phase, next step and every count, as JSON values."""
    heads = Application.objects.of(cycle).heads()
    blind = AnonymizedApplication.objects.of(cycle)
    return {
        "code": cycle.code,
        "phase": str(cycle.phase),
        "phase_since": cycle.phase_since.isoformat(),
        "next_step": cycle.next_step(),
        "seats": cycle.seats,
        "applications": sum(heads.values()),
        "statuses": heads,
        "blind_copies": blind.count(),
        "exported": blind.filter(is_exported=True).count(),
        "final_scores": counted(FinalScore.objects.filter(admission_cycle=cycle), "status"),
        "undecided": blind.undecided().count(),
        "letters": counted(Letter.objects.filter(admission_cycle=cycle), "state"),
        "outcomes_are_public": may_see_result(cycle),
        "selection": _selection_of(cycle),
    }


def _selection_of(cycle: AdmissionCycle) -> dict[str, Any] | None:
    """What the selection log says; with the opened secret of the tie-break once the outcomes are public."""
    log = SelectionLog.objects.filter(admission_cycle=cycle).first()
    if log is None:
        return None
    return {**log.facts(), "tie_secret": cycle.tie_secret().hex() if may_see_result(cycle) else None}


def counted(rows: QuerySet[Any], column: str) -> dict[str, int]:
    """Count rows by the values of one column."""
    return dict(rows.order_by(column).values_list(column).annotate(count=Count("*")))
