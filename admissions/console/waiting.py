"""What waits for a person, in all cycles: blind copies without a score, applications whose record does not open."""

from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from admissions.models.applications import Application
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from audit.models import AuditLog
from enigma.console.registry import panel

PAGE = 50


def waiting_scores(cycle: AdmissionCycle | None = None) -> QuerySet[FinalScore]:
    """Return the final scores that a person has to decide now, in the order of the random ids."""
    rows = FinalScore.objects.filter(status=FinalScore.Status.WAITING, admission_cycle__phase=Phase.PROCESSING)
    return (rows.filter(admission_cycle=cycle) if cycle else rows).order_by("pk")


def next_waiting(cycle: AdmissionCycle, after: UUID) -> UUID | None:
    """Return the first copy of a cycle that waits behind this one, or else the first that waits at all."""
    rows = waiting_scores(cycle).exclude(pk=after)
    following = rows.filter(pk__gt=after).values_list("pk", flat=True).first()
    return following or rows.values_list("pk", flat=True).first()


def unread(cycle: AdmissionCycle | None = None) -> QuerySet[Application]:
    """Return the applications whose record did not open and that nobody has set aside, in cycles in preprocessing."""
    rows = Application.objects.unacknowledged_failures().filter(admission_cycle__phase=Phase.PREPROCESSING)
    return (rows.filter(admission_cycle=cycle) if cycle else rows).order_by("pk")


def reasons_of(applications: list[Application]) -> dict[str, str]:
    """Return the code of why each could not be read, by the hex of its receipt; what is not in the log yet lacks."""
    entries = AuditLog.objects.filter(
        entity_type="application",
        entity_id__in=[one.receipt_ref.hex for one in applications],
        action="application.unreadable",
    )
    told = entries.order_by("log_id").values_list("entity_id", "details")
    return {ref: str(details.get("reason", "")) for ref, details in told}


def counts() -> list[dict[str, Any]]:
    """Count what waits by cycle, of the cycles in which something can wait; the newest first."""
    cycles = AdmissionCycle.objects.filter(phase__in=[Phase.PREPROCESSING, Phase.PROCESSING]).only("code", "phase")
    by_person = _counted(waiting_scores())
    not_read = _counted(unread())
    return [{"cycle": one, "scores": by_person.get(one.pk, 0), "unread": not_read.get(one.pk, 0)} for one in cycles]


def _counted(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("admission_cycle").annotate(count=Count("*")))


@panel("dashboard", template="console/waiting.html", needs="scores.decide", order=30)
def waiting_anywhere(request: HttpRequest) -> dict[str, Any] | None:
    """Tell what waits, while there are cycles in which something can."""
    lines = counts()
    return _told(lines) if lines else None


@panel("cycle", template="console/waiting.html", needs="scores.decide", order=30)
def waiting_in(request: HttpRequest, cycle: AdmissionCycle) -> dict[str, Any] | None:
    """Tell what waits in one cycle."""
    lines = [one for one in counts() if one["cycle"].pk == cycle.pk]
    return _told(lines) if lines else None


def _told(lines: list[dict[str, Any]]) -> dict[str, Any]:
    scores, not_read = sum(one["scores"] for one in lines), sum(one["unread"] for one in lines)
    return {"lines": lines, "scores": scores, "unread": not_read, "all": scores + not_read}
