"""The cycles in the console: their list, the page of one, and the part of it that is looked at again and again."""

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.browser import actor_of
from admissions.console import words
from admissions.console.state import state_of
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures, may_see_result
from admissions.phases import Phase, Status
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes, panels_of

PAGE = 25
LARGEST = 2**63 - 1
DECIDED = (Status.SELECTED, Status.NOT_SELECTED)


def cycle_or_404(code: str) -> AdmissionCycle:
    """Return the cycle; raise Http404 where there is none."""
    cycle = AdmissionCycle.objects.filter(code=code).first()
    if cycle is None:
        raise Http404
    return cycle


def trail_to(cycle: AdmissionCycle | None = None) -> list[tuple[str, str]]:
    """Return where one is: the list of cycles, and one of them."""
    here = [(_("Cycles"), reverse("admin:cycles"))]
    return [*here, (cycle.name, reverse("admin:cycle", args=[cycle.code]))] if cycle else here


class Cycles(ConsolePage):
    """All cycles, the newest first."""

    needs = {"get": "cycle.view"}
    template = "console/cycles/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show a page of them."""
        before = request.GET.get("before", "")
        cycles = AdmissionCycle.objects.order_by("-pk")
        if before.isdecimal() and len(before) < 20:
            cycles = cycles.filter(pk__lt=min(int(before), LARGEST))
        found = list(cycles[: PAGE + 1])
        page = found[:PAGE]
        return self.show(_("Cycles"), rows=_rows(page), older=page[-1].pk if len(found) > PAGE else None, before=before)


class OneCycle(ConsolePage):
    """One cycle: where it stands, what comes next, its rules and figures, and what other apps add."""

    needs = {"get": "cycle.view"}
    template = "console/cycles/cycle.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show it."""
        cycle = cycle_or_404(code)
        return self.show(
            cycle.name,
            trail=trail_to(),
            **state_of(request, cycle),
            heads=heads_of(cycle, request),
            is_published=may_see_result(cycle),
            is_sealed=cycle.phase != Phase.SUBMISSION,
            panels=panels_of("cycle", request, cycle),
        )


class Progress(ConsolePage):
    """The part of the page that changes while work runs, for a browser that asks for it alone."""

    needs = {"get": "cycle.view"}

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show the part."""
        state = state_of(request, cycle_or_404(code))
        return render(request, "console/cycles/state.html", {**state, "is_fragment": True})


def heads_of(cycle: AdmissionCycle, request: HttpRequest) -> dict[str, Any]:
    """Return the applications by status; who may not see figures under embargo sees the decided ones together."""
    heads = Application.objects.of(cycle).heads()
    rows = {words.STATUSES[status]: count for status, count in heads.items()}
    if not may_see_figures(cycle, actor_of(request.user)):
        rows = {words.STATUSES[status]: count for status, count in heads.items() if status not in DECIDED}
        if decided := sum(heads.get(status, 0) for status in DECIDED):
            rows[gettext_lazy("Decided, under embargo")] = decided
    return {"rows": rows.items(), "total": sum(heads.values())}


def _rows(cycles: list[AdmissionCycle]) -> list[dict[str, Any]]:
    counts = Application.objects.filter(admission_cycle__in=cycles).order_by().values_list("admission_cycle")
    applications = dict(counts.annotate(count=Count("*")))
    phases = list(words.PHASES)
    return [
        {
            "cycle": cycle,
            "phase": words.PHASES[Phase(cycle.phase)],
            "number": phases.index(Phase(cycle.phase)) + 1,
            "applications": applications.get(cycle.pk, 0),
            "is_over": cycle.phase == Phase.COMPLETED,
        }
        for cycle in cycles
    ]


add_entry(Entry("Admissions", gettext_lazy("Cycles"), "cycles", "cycle.view", 10))
add_routes(
    console_path("cycles/", Cycles, name="cycles"),
    console_path("cycles/<slug:code>/", OneCycle, name="cycle"),
    console_path("cycles/<slug:code>/progress/", Progress, name="cycle-progress"),
)
