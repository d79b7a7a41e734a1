"""The page of each step: what it will do, whether it can be taken now, and the button that takes it."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.browser import actor_of
from accounts.roles import STEPS
from admissions.console import words
from admissions.console.cycles import cycle_or_404, heads_of, trail_to
from admissions.console.forms import StepForm
from admissions.console.previews import publication_ahead, selection_ahead
from admissions.console.state import checks_of, last_verification, worker_is_silent
from admissions.models.cycles import AdmissionCycle
from admissions.models.runs import StepRun
from admissions.step_runs import is_long, queue_step, take_now
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.errors import Conflict

# What these begin, the workers go on with.
LEAVE_WORK = {"start_preprocessing", "publish_results"}


class StepPage(ConsolePage):
    """One step; the classes of the eight are made below."""

    step: ClassVar[str] = ""
    template = "console/cycles/step.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show what the step will do, from queries that only read."""
        cycle = cycle_or_404(code)
        return self._page(cycle, StepForm(cycle=cycle, is_final=self._words.is_final))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Take the step, leave it to the workers, or only try it; 409 where it is refused."""
        cycle = cycle_or_404(code)
        is_trial = "try" in request.POST
        form = StepForm(request.POST, cycle=cycle, is_final=self._words.is_final and not is_trial)
        if not form.is_valid():
            return self._page(cycle, form, status=422)
        if not self.tried(lambda: self._take(cycle, form, is_trial=is_trial), done=str):
            return self._page(cycle, StepForm(cycle=cycle, is_final=self._words.is_final), status=409)
        return redirect(request.path) if is_trial else redirect("admin:cycle", code)

    @property
    def _words(self) -> words.StepWords:
        return words.STEPS[self.step]

    def _take(self, cycle: AdmissionCycle, form: StepForm, *, is_trial: bool) -> str:
        """Do it, and return what to say of it; raise Conflict when the cycle has moved on since the page was read."""
        _demand_phase(cycle, form.cleaned_data["phase"])
        how: dict[str, Any] = {
            "actor": actor_of(self.request.user),
            "reason": form.cleaned_data["reason"],
            "dry_run": is_trial,
        }
        if is_long(cycle, self.step):
            queue_step(cycle, self.step, **how)
            return _("A worker takes this step, as the cycle is large. This page shows how far it is.")
        take_now(cycle, self.step, **how)
        if is_trial:
            return _("Every check holds: the step could be taken now. Nothing was changed.")
        done = _("Done: %(cycle)s is in the phase «%(phase)s» now.")
        told = done % {"cycle": cycle.code, "phase": words.PHASES[cycle.phase]}
        return f"{told} {_('Workers go on with it.')}" if self.step in LEAVE_WORK else told

    def _page(self, cycle: AdmissionCycle, form: StepForm, status: int = 200) -> HttpResponse:
        move = getattr(AdmissionCycle, self.step)
        is_next = cycle.next_step() == self.step
        checks = checks_of(cycle, self.step)
        may_take = self.may(f"cycle.{self.step}")
        return self.show(
            str(self._words.name),
            status=status,
            trail=trail_to(cycle),
            cycle=cycle,
            words=self._words,
            step=self.step,
            source=words.PHASES[move.source],
            target=words.PHASES[move.target],
            phase=words.PHASES[cycle.phase],
            heads=heads_of(cycle, self.request),
            is_next=is_next,
            checks=checks,
            is_blocked=any(check.is_met is False for check in checks),
            has_late=any(check.is_met is None for check in checks),
            verification=last_verification() if self.step == "complete" else None,
            run=StepRun.objects.filter(admission_cycle=cycle).unfinished().first(),
            may_take=may_take,
            form=form,
            worker_is_silent=(self.step in LEAVE_WORK or is_long(cycle, self.step)) and worker_is_silent(),
            **(self._ahead(cycle) if is_next and may_take else {}),
        )

    def _ahead(self, cycle: AdmissionCycle) -> dict[str, Any]:
        """Return what the step will come to; only for who may take it."""
        if self.step == "perform_selection":
            return {"selection": selection_ahead(cycle)}
        if self.step == "publish_results":
            return {"publication": publication_ahead(cycle, actor_of(self.request.user))}
        return {}


def _demand_phase(cycle: AdmissionCycle, seen: str) -> None:
    if seen != cycle.phase:
        raise Conflict(
            _("%(cycle)s has moved on: it was in «%(seen)s» when you opened this page, and is in «%(now)s» now.")
            % {"cycle": cycle.code, "seen": words.PHASES.get(seen, "?"), "now": words.PHASES[cycle.phase]}
        )


def _view_of(step: str) -> type[StepPage]:
    """Return the class of one step, with a permission of its own."""
    fields = {"step": step, "needs": {"get": "cycle.view", "post": f"cycle.{step}"}, "__doc__": f"The step {step}."}
    return type("".join(word.title() for word in step.split("_")), (StepPage,), fields)


VIEWS = {step: _view_of(step) for step in STEPS}

add_routes(
    *(console_path(f"cycles/<slug:code>/{step}/", view, name=f"cycle-step-{step}") for step, view in VIEWS.items())
)
