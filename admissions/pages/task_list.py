"""The task list: what is written and what is missing, until when, and who sees what. And throwing a draft away."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from admissions.chunks import limits_of
from admissions.drafts import NOTHING, Written, discard
from admissions.pages.visits import Visit, of_cycle
from admissions.pages.wording import TITLES
from admissions.readers import Fault
from admissions.sections import OPTIONAL, SCORED, SECTIONS, boxes, judged

LAST_HOURS = timedelta(hours=24)


@of_cycle("GET")
def task_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the sections; whoever has handed in and changes nothing is led to what they keep of it."""
    if visit.application and visit.is_done:
        return redirect("receipt", reference=visit.application.reference)
    written = visit.draft or NOTHING
    __, faults = judged(written.values, visit.user.email, limits_of(visit.cycle))
    rows = [_row(section, written, faults[section], visit) for section in SECTIONS]
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


def _row(section: str, written: Written, faults: list[Fault], visit: Visit) -> dict[str, Any]:
    return {
        "section": section,
        "title": TITLES[section],
        "is_scored": section in SCORED,
        "state": _state(section, written, faults, visit),
    }


def _state(section: str, written: Written, faults: list[Fault], visit: Visit) -> str:
    has_text = any(written.values.get(box, "").strip() for box in boxes(section, limits_of(visit.cycle)))
    if not has_text and section not in written.edits:
        return "optional" if section in OPTIONAL else "new"
    return "begun" if faults else "done"
