"""The task list: what is written and what is missing, until when, and who sees what. And throwing a draft away."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from admissions.chunks import limits_of
from admissions.drafts import NOTHING, Written, discard, drafts_of
from admissions.models.cycles import AdmissionCycle
from admissions.pages.visits import Visit, of_cycle
from admissions.pages.wording import TITLES
from admissions.readers import Fault
from admissions.rows import Limits
from admissions.sections import OPTIONAL, SCORED, SECTIONS, boxes, judged

LAST_HOURS = timedelta(hours=24)


@of_cycle("GET")
def task_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the sections; whoever has handed in and changes nothing is led to what they keep of it."""
    if visit.application and visit.is_done:
        return redirect("receipt", reference=visit.application.reference)
    written = visit.draft or NOTHING
    limits = limits_of(visit.cycle)
    __, faults = judged(written.values, visit.user.email, limits)
    rows = [_row(section, written, faults[section], limits) for section in SECTIONS]
    until = visit.opening.until
    context = {
        "visit": visit,
        "rows": rows,
        "done": sum(row["state"] == "done" for row in rows),
        "is_ready": not any(faults.values()),
        "saved_at": written.saved_at,
        "is_last_day": bool(visit.may_write and until and until - timezone.now() < LAST_HOURS),
        "until": until,
    }
    return render(request, "apply/task_list.html", context)


@of_cycle("GET", "POST")
def discard_draft(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask, and by POST throw away what is written; what was handed in stays."""
    if request.method == "GET":
        return render(request, "apply/discard.html", {"visit": visit})
    if discard(visit.cycle, user=visit.user, actor=visit.actor):
        messages.success(request, _("What you had written is gone."))
    return redirect("apply", code=visit.cycle.code)


def begun(user: User) -> list[dict[str, Any]]:
    """Return what somebody has begun to write: for which cycle, how many sections are done of how many, if a change."""
    return [{"cycle": cycle, **_progress(cycle, written, user)} for cycle, written in drafts_of(user)]


def _progress(cycle: AdmissionCycle, written: Written | None, user: User) -> dict[str, Any]:
    if written is None:
        return {"is_unreadable": True}
    limits = limits_of(cycle)
    __, faults = judged(written.values, user.email, limits)
    done = sum(_state(section, written, faults[section], limits) == "done" for section in SECTIONS)
    return {"done": done, "sections": len(SECTIONS), "is_change": written.application_id is not None}


def _row(section: str, written: Written, faults: list[Fault], limits: Limits) -> dict[str, Any]:
    return {
        "section": section,
        "title": TITLES[section],
        "is_scored": section in SCORED,
        "state": _state(section, written, faults, limits),
    }


def _state(section: str, written: Written, faults: list[Fault], limits: Limits) -> str:
    has_text = any(written.values.get(box, "").strip() for box in boxes(section, limits))
    if not has_text and section not in written.edits:
        return "optional" if section in OPTIONAL else "new"
    return "begun" if faults else "done"
