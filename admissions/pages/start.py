"""The first page, with what is open, and the pages that explain: how it works, privacy, accessibility."""

from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from admissions.drafts import drafts_of
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_result
from admissions.own import own_applications, standing
from admissions.pages.words import part_names, rubric_of, tests_of
from admissions.phases import Phase
from admissions.selection import PARTS


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Say what is open, coming, being evaluated and published; first of all, where one's own applications stand."""
    cycles = list(AdmissionCycle.objects.annotate(now=Now()))
    sorted_out: dict[str, list[Any]] = {"open": [], "coming": [], "under_way": [], "published": []}
    for cycle in cycles:
        sorted_out[_state(cycle)].append(cycle)
    mine = own_applications(request.user) if isinstance(request.user, User) else []
    taken = {one.admission_cycle_id for one in mine}
    written = {cycle.pk for cycle, _ in drafts_of(request.user)} if isinstance(request.user, User) else set()
    context = {
        **sorted_out,
        "open": [_invitation(cycle, taken, written) for cycle in sorted_out["open"]],
        "mine": [standing(one) for one in mine],
    }
    return render(request, "reading/start.html", context)


@require_safe
def how_it_works(request: HttpRequest) -> HttpResponse:
    """Explain the way of an application, and how to check it."""
    return render(request, "reading/how.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Say who sees what, and what can be asked for."""
    return render(request, "reading/privacy.html", {"review_days": settings.REVIEW_DAYS})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Say what was done for it, and what is known to be missing."""
    return render(request, "reading/accessibility.html")


def _state(cycle: Any) -> str:
    """Where a cycle belongs on the page, by the clock of the database."""
    if may_see_result(cycle):
        return "published"
    if cycle.phase != Phase.SUBMISSION or (cycle.closes_at and cycle.closes_at <= cycle.now):
        return "under_way"
    return "coming" if cycle.opens_at and cycle.opens_at > cycle.now else "open"


def _invitation(cycle: AdmissionCycle, taken: set[int], written: set[int]) -> dict[str, Any]:
    names = part_names()
    return {
        "cycle": cycle,
        "tests": tests_of(cycle),
        "weights": [(names[part], cycle.weights[part] * 100) for part in PARTS],
        "rubric": rubric_of(cycle),
        "has_mine": cycle.pk in taken,
        "is_begun": cycle.pk in written,
    }
