"""What the page of a cycle says about now: the nine phases, the next step with its checks, the work that runs."""

import time
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.browser import actor_of
from accounts.roles import STEPS
from admissions.console import words
from admissions.console.progress import LATER, SOON, Work, look, pace, work_of
from admissions.models.checks import Seen, seen
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.models.runs import StepRun
from admissions.phases import Phase
from audit.verifications import latest
from enigma import health

RUNS = 5
# Why one of these was refused may tell about outcomes.
ABOUT_OUTCOMES = {"perform_selection", "publish_results"}


def state_of(request: HttpRequest, cycle: AdmissionCycle) -> dict[str, Any]:
    """Return the context of the part that is looked at again and again."""
    runs = _runs(request, cycle)
    running = [run for run in runs if run["is_unfinished"]]
    work, now = work_of(cycle), time.time()
    query = look(work, request.GET, now) if work else ""
    return {
        "cycle": cycle,
        "phases": phases_of(cycle),
        "step": _next(request, cycle, is_busy=bool(running)),
        "running": running,
        "runs": [run for run in runs if not run["is_unfinished"]],
        "work": work,
        "pace": pace(work, request.GET, now) if work else None,
        "query": query,
        "every": _every(work, is_busy=bool(running)),
        "was_running": "at" in request.GET,
        "worker_is_silent": cycle.phase != Phase.COMPLETED and worker_is_silent(),
    }


def phases_of(cycle: AdmissionCycle) -> list[dict[str, Any]]:
    """Return the nine phases, each done, now or to come."""
    names = list(words.PHASES)
    here = names.index(Phase(cycle.phase))
    return [
        {"number": place + 1, "label": words.PHASES[name], "state": _state(place - here)}
        for place, name in enumerate(names)
    ]


def checks_of(cycle: AdmissionCycle, step: str) -> list[Seen]:
    """Return the checks of a step, where the cycle is there."""
    return seen(step, cycle) if cycle.next_step() == step else []


def last_verification() -> dict[str, Any] | None:
    """Return what the last verification of the logs found, and when."""
    found = latest()
    return {"ok": found.ok, "at": found.finished_at} if found else None


def worker_is_silent() -> bool:
    """Whether jobs would wait, as no worker has given a sign of life."""
    return health.checks()["worker"] != "ok"


def step_url(cycle: AdmissionCycle, step: str) -> str:
    """Return the address of the page that takes a step."""
    return reverse(f"admin:cycle-step-{step}", args=[cycle.code])


def _state(distance: int) -> str:
    return "done" if distance < 0 else "later" if distance else "now"


def _next(request: HttpRequest, cycle: AdmissionCycle, *, is_busy: bool) -> dict[str, Any] | None:
    step = cycle.next_step()
    if step is None:
        return None
    checks = checks_of(cycle, step)
    return {
        "words": words.STEPS[step],
        "url": step_url(cycle, step),
        "checks": checks,
        "is_blocked": any(check.is_met is False for check in checks),
        "is_busy": is_busy,
        "may_take": request.user.has_perm(f"accounts.cycle.{step}"),
        "verification": last_verification() if step == "complete" else None,
    }


def _runs(request: HttpRequest, cycle: AdmissionCycle) -> list[dict[str, Any]]:
    may_see = may_see_figures(cycle, actor_of(request.user))
    runs = StepRun.objects.filter(admission_cycle=cycle)[:RUNS]
    return [
        {
            "id": run.pk.hex,
            "label": words.STEPS[run.step].name if run.step in STEPS else run.step,
            "run": run,
            "is_unfinished": run.state in StepRun.UNFINISHED,
            "detail": run.detail if may_see or run.step not in ABOUT_OUTCOMES else "",
        }
        for run in runs
    ]


def _every(work: Work | None, *, is_busy: bool) -> int | None:
    if is_busy or (work and work.is_running and work.is_ours):
        return SOON
    return LATER if work and work.is_running else None
