"""The dashboard's panels of cycles: where each stands, and the figures of the one that is looked at."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from accounts.browser import actor_of
from admissions.console import words
from admissions.console.progress import LATER, work_of
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.models.runs import StepRun
from admissions.phases import Phase
from admissions.recent import BINS, Figures, recent_figures
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Context, add_routes, panel
from enigma.plots import histogram

PHASES = list(Phase)
AT_MOST = 6  # cycles on the dashboard; the list of cycles has all


def current_cycles() -> list[AdmissionCycle]:
    """Return the newest cycles that are under way, or where there are none the newest of all."""
    under_way = list(AdmissionCycle.objects.exclude(phase=Phase.COMPLETED)[:AT_MOST])
    return under_way or list(AdmissionCycle.objects.all()[:1])


def shown_cycle(request: HttpRequest) -> AdmissionCycle | None:
    """Return the cycle whose figures the dashboard shows: the one asked for, or else the furthest of the current.

    The panels of one page share it, by the request.
    """
    if not hasattr(request, "_shown_cycle"):
        asked = request.GET.get("cycle", "")
        found = AdmissionCycle.objects.filter(code=asked).first() if asked and "\0" not in asked else None
        current = [] if found else current_cycles()
        found = found or max(current, key=lambda one: PHASES.index(Phase(one.phase)), default=None)
        request._shown_cycle = found
    return request._shown_cycle


def shown_figures(request: HttpRequest, cycle: AdmissionCycle) -> Figures:
    """Return the figures of that cycle, counted once for the whole page."""
    if not hasattr(request, "_shown_figures"):
        request._shown_figures = recent_figures(cycle)
    return request._shown_figures


@panel("dashboard", template="console/dashboard/cycles.html", needs="cycle.view", order=10)
def cycles(request: HttpRequest) -> Context:
    """Say where each current cycle stands."""
    shown = shown_cycle(request)
    lines = [
        {"cycle": one, "phase": _phase(one), "number": _number(one), "is_shown": one == shown}
        for one in current_cycles()
    ]
    return {"lines": lines, "phases": len(PHASES), "may_open": request.user.has_perm("accounts.cycle.create")}


@panel("dashboard", template="console/dashboard/figures.html", needs="cycle.view", order=20)
def key_figures(request: HttpRequest) -> Context | None:
    """The few numbers that everybody asks for first."""
    cycle = shown_cycle(request)
    if cycle is None:
        return None
    figures = shown_figures(request, cycle)
    return {
        "cycle": cycle,
        "figures": figures,
        "phase": _phase(cycle),
        "number": _number(cycle),
        "phases": len(PHASES),
    }


@panel("dashboard", template="console/dashboard/scores.html", needs="blind.view", order=40)
def scores(request: HttpRequest) -> Context | None:
    """The distribution of the final scores, with the cut-off for whoever may know it."""
    cycle = shown_cycle(request)
    if cycle is None:
        return None
    figures = shown_figures(request, cycle)
    if not figures["scored"]:
        return {"cycle": cycle, "plot": None}
    return {"cycle": cycle, "plot": score_plot(cycle, figures, actor=actor_of(request.user))}


def score_plot(cycle: AdmissionCycle, figures: Figures, *, actor: Any) -> Context:
    """Return the histogram of the totals and its twin as a table."""
    selection = figures["selection"] if may_see_figures(cycle, actor) else None
    cutoff = Decimal(selection["cutoff"]) if selection and selection["cutoff"] else None
    counts, wide = figures["histogram"], 100 // BINS
    told = _("cut-off %(score)s") % {"score": number_format(cutoff)} if cutoff is not None else ""
    drawn = histogram(
        counts,
        low=0,
        high=100,
        label=_("Final scores of %(cycle)s, from 0 to 100") % {"cycle": cycle.name},
        axis=_("Final score"),
        mark=float(cutoff) if cutoff is not None else None,
        mark_label=told,
        text=_short,
    )
    ranges = [f"{place * wide} – {(place + 1) * wide}" for place in range(BINS)]  # noqa: RUF001  a range has a dash
    return {
        "svg": mark_safe(drawn),  # noqa: S308  made by enigma.plots, which escapes its labels
        "caption": _("Applications by final score"),
        "columns": [_("Final score"), _("Applications")],
        "rows": [(name, count) for name, count in zip(ranges, counts, strict=True) if count],
        "told": told,
    }


@panel("dashboard", template="console/dashboard/funnel.html", needs="cycle.view", order=45)
def funnel(request: HttpRequest) -> Context | None:
    """How many are left at each stage; who is offered a place only for whoever may know it."""
    cycle = shown_cycle(request)
    if cycle is None:
        return None
    figures = shown_figures(request, cycle)
    stages = [
        (_("Handed in"), figures["applications"]),
        (_("Made blind"), figures["blind_copies"]),
        (_("Sent to an engine"), figures["exported"]),
        (_("Scored"), figures["scored"]),
    ]
    if figures["selection"] and may_see_figures(cycle, actor_of(request.user)):
        stages.append((_("Offered a place"), figures["selection"]["selected"]))
    return {"stages": stages, "most": max(count for _name, count in stages)}


@panel("dashboard", template="console/dashboard/work.html", needs="cycle.view", order=50)
def running_work(request: HttpRequest) -> Context:
    """What the workers are at, or wait for, in all current cycles."""
    shown = current_cycles()
    runs = StepRun.objects.unfinished().filter(admission_cycle__in=shown).select_related("admission_cycle")
    works = [(one, work) for one in shown if (work := work_of(one)) and work.total and work.is_running]
    steps = [{"cycle": run.admission_cycle, "label": words.STEPS[run.step].name, "run": run} for run in runs]
    return {"steps": steps, "works": works, "every": LATER if steps or works else 0}


class RunningWork(ConsolePage):
    """The panel of running work alone, for whoever looks at the dashboard and waits."""

    needs = {"get": "cycle.view"}
    template = "console/dashboard/work.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer the panel."""
        return self.show(_("Running work"), panel=running_work(request))


add_routes(console_path("running-work/", RunningWork, name="running-work"))


def _short(value: float) -> str:
    return str(number_format(int(value) if value == int(value) else value))


def _phase(cycle: AdmissionCycle) -> Any:
    return words.PHASES[Phase(cycle.phase)]


def _number(cycle: AdmissionCycle) -> int:
    return PHASES.index(Phase(cycle.phase)) + 1
