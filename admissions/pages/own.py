"""What somebody reads of their own applications: the list, where one stands, the decision, and asking for a review."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from admissions.doors import opening_for
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.reviews import ReviewRequest
from admissions.own import own_applications, result_of, standing
from admissions.pages.reading_forms import ReviewForm
from admissions.pages.task_list import begun
from admissions.pages.visitors import applicant, own_or_404, person
from admissions.pages.words import part_names, rubric_of, tie_rule
from admissions.public import open_now
from admissions.reviews import ask_review, may_ask, published_at, review_of, review_until
from admissions.selection import PARTS
from admissions.timeline import dated, now_of, phase_times, way_of
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused


@never_cache
@login_required
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """List what one has begun to write and one's applications, each with where its cycle is; and what else is open."""
    mine = own_applications(person(request))
    times = phase_times({one.admission_cycle for one in mine})
    rows = []
    for one in mine:
        cycle = one.admission_cycle
        rows.append({**standing(one), "now": now_of(way_of(cycle, times[cycle.pk]))})
    drafts = begun(person(request))
    taken = {one.admission_cycle_id for one in mine} | {one["cycle"].pk for one in drafts}
    context = {"rows": rows, "drafts": drafts, "open": open_now(but=taken)}
    return render(request, "reading/status.html", context)


@never_cache
@login_required
@require_safe
def application_status(request: HttpRequest, reference: str) -> HttpResponse:
    """Show the way of one application; nothing in it depends on how it went."""
    application = own_or_404(request, reference)
    cycle = application.admission_cycle
    where = standing(application)
    may_change = where["may_withdraw"] and opening_for(cycle, person(request)).shut is None
    context = {"one": where, "cycle": cycle, "may_change": may_change, **dated(cycle)}
    return render(request, "reading/application.html", context)


@never_cache
@login_required
@require_safe
def decision(request: HttpRequest, reference: str) -> HttpResponse:
    """Show outcome, scores and how they came about; before publication there is no such page."""
    application = own_or_404(request, reference)
    result = result_of(application)
    if result is None:
        raise Http404
    cycle = application.admission_cycle
    context = {
        "cycle": cycle,
        "result": result,
        "parts": _parts(result),
        "rubric": rubric_of(cycle),
        "ties": tie_rule(result["ties"]["criteria"]),
        "published_at": published_at(cycle),
        "review": _told(review_of(application)),
        **_asking(application),
    }
    return render(request, "reading/decision.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_review(request: HttpRequest, reference: str) -> HttpResponse:
    """Take in the one request for a review; where none can be asked for there is no such page."""
    application = own_or_404(request, reference)
    if not may_ask(application):
        if review_of(application):  # sent twice, or from another tab
            return redirect("decision", application.reference)
        raise Http404
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ask_review(application, form.cleaned_data["text"], actor=applicant(request))
        except Refused as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, gettext("Your request is with the admissions office. A person will look at it."))
            return redirect("decision", application.reference)
    context = {"form": form, "application": application, **_asking(application)}
    return render(request, "reading/review.html", context, status=422 if form.errors else 200)


def _parts(result: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each score part: name, weight in percent, score, and what it brings to the total."""
    scores = result["scores"]
    rows = []
    for part in PARTS:
        weight = result["weights"][part]
        told = {"name": part_names()[part], "weight": weight * 100}
        rows.append({**told, "score": scores[part], "share": scores[part] * weight} if scores else told)
    return rows


def _asking(application: Application) -> dict[str, Any]:
    return {"may_ask": may_ask(application), "last_day": _last_day(application.admission_cycle)}


def _last_day(cycle: AdmissionCycle) -> date | None:
    until: datetime | None = review_until(cycle)
    return timezone.localdate(until - timedelta(seconds=1)) if until else None


def _told(review: ReviewRequest | None) -> dict[str, Any] | None:
    """Return what its owner may read of a review; a text that does not open leaves the rest."""
    if review is None:
        return None
    told = {"state": review.state, "asked_at": review.asked_at, "answered_at": review.answered_at}
    told["decision"] = review.decision
    try:
        told["text"] = review.text()
        told["answer"] = review.answer() if review.state == ReviewRequest.State.ANSWERED else None
    except UnreadableRecord:
        told["unreadable"] = True
    return told
