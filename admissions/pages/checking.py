"""Check your answers, see what the evaluators will see, and hand it all in: once, however often it is clicked."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.throttles import limit
from admissions.applying import Outdated, hand_in
from admissions.chunks import limits_of
from admissions.drafts import NOTHING, Written
from admissions.pages.forms import COUNTED, count_of
from admissions.pages.visits import Visit, of_cycle
from admissions.pages.wording import TITLES, label_of, located, plain_label_of
from admissions.phases import PhaseError
from admissions.rows import Limits
from admissions.scrubbing import Identity, scrub
from admissions.sections import SCORED, SECTIONS, boxes, judged
from admissions.submission import Faulty

Piece = tuple[str, bool]


@of_cycle("GET", "POST")
def check(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show all answers; POST hands them in, if the declaration is ticked and nothing is missing."""
    if visit.application and visit.is_done:  # handed in: a second click and the back button lead here
        return redirect("receipt", reference=visit.application.reference)
    if request.method == "GET" or visit.draft is None:
        return _shown(request, visit)
    if not request.POST.get("declared"):
        return _shown(request, visit, status=422, undeclared=True)
    return _handed_in(request, visit)


def _handed_in(request: HttpRequest, visit: Visit) -> HttpResponse:
    limit("submission", f"{visit.actor.kind}:{visit.actor.id}")
    version = request.POST.get("version", "")
    shown = int(version) if version.isdecimal() and len(version) < 10 else 0
    try:
        reference = hand_in(visit.cycle, version=shown, user=visit.user, actor=visit.actor)
    except Outdated:
        return _shown(request, visit, status=409, is_outdated=True)
    except Faulty:  # the rules have changed, or a section was emptied in another tab
        return _shown(request, visit, status=422, is_faulty=True)
    except PhaseError:
        return _shown(request, visit, status=409, is_late=True)
    if visit.is_change:
        messages.success(request, _("Your changes are handed in."))
    return redirect("receipt", reference=reference)


def _shown(request: HttpRequest, visit: Visit, *, status: int = 200, **more: Any) -> HttpResponse:
    written, limits = visit.draft or NOTHING, limits_of(visit.cycle)
    __, faults = judged(written.values, visit.user.email, limits)
    missing = [
        (section, TITLES[section], [located(fault, boxes(section, limits))[1] for fault in found])
        for section, found in faults.items()
        if found
    ]
    context = {
        "visit": visit,
        "parts": [_part(section, written, limits) for section in SECTIONS],
        "missing": missing,
        "seen": preview(written.values, visit.user.email),
        "gpa": written.values.get("gpa", ""),
        "tests": [
            (label_of(box), written.values[box]) for box in boxes("academic", limits)[1:] if written.values.get(box)
        ],
        "version": written.version,
        **more,
    }
    return render(request, "apply/check.html", context, status=status)


def _part(section: str, written: Written, limits: Limits) -> dict[str, Any]:
    rows = [_answer(box, written.values.get(box, "")) for box in boxes(section, limits)]
    return {"section": section, "title": TITLES[section], "is_scored": section in SCORED, "rows": rows}


def _answer(box: str, text: str) -> dict[str, Any]:
    counted = count_of(text) if box in COUNTED and text else {}
    return {"label": plain_label_of(box), "text": text, **counted}


def preview(values: dict[str, str], email: str) -> dict[str, list[Piece]]:
    """Return essay and achievements as evaluators will read them, in pieces: plain text, and placeholders (True)."""
    person = Identity(values.get("name") or None, email, values.get("phone") or None, values.get("address") or None)
    return {field: _pieces(values.get(field, ""), person) for field in ("essay", "achievements")}


def _pieces(text: str, person: Identity) -> list[Piece]:
    pieces: list[Piece] = []
    done = 0
    for span in scrub(text, person).spans:
        pieces += [(text[done : span.start], False), (f"[{span.type}]", True)]
        done = span.end
    return [piece for piece in [*pieces, (text[done:], False)] if piece[0]]
