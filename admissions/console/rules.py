"""Open a cycle, and change its rules until they are sealed; afterwards they can be read here."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.browser import actor_of
from admissions.console.cycles import cycle_or_404, trail_to
from admissions.console.forms import NewCycleForm, RulesForm
from admissions.models.cycles import AdmissionCycle
from admissions.opening import amend_cycle, open_cycle
from admissions.phases import Phase
from admissions.rules import WrongRules
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.errors import Conflict, Denied, Refused


class OverTaken(Conflict):
    """Somebody else has changed the rules since the form was opened."""


class OpenCycle(ConsolePage):
    """A form of all rules; sending it opens the cycle."""

    needs = {"get": "cycle.create", "post": "cycle.create"}
    template = "console/cycles/rules.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form with what holds unless told otherwise."""
        return self._form(NewCycleForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open the cycle, or answer 422 with what is wrong beside each field."""
        form = NewCycleForm(request.POST)
        made: list[AdmissionCycle] = []

        def deed() -> None:
            given = form.given()
            made.append(open_cycle(given.pop("code"), actor=actor_of(request.user), **given))

        if not (form.is_valid() and tried(form, deed)):
            return self._form(form, status=422)
        messages.success(request, _("The cycle is open."))
        return redirect("admin:cycle", made[0].code)

    def _form(self, form: NewCycleForm, status: int = 200) -> HttpResponse:
        zone = timezone.get_current_timezone_name()
        return self.show(_("Open a cycle"), status=status, trail=trail_to(), form=form, zone=zone)


class Rules(ConsolePage):
    """The rules of a cycle: a form until the freeze for who may change them, or else to be read."""

    needs = {"get": "cycle.view", "post": "cycle.change"}
    template = "console/cycles/rules.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show them."""
        cycle = cycle_or_404(code)
        if cycle.phase != Phase.SUBMISSION or not self.may("cycle.change"):
            return self._sealed(cycle)
        return self._form(cycle, RulesForm(cycle=cycle))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Change what was changed in the form, unless somebody else was faster."""
        cycle = cycle_or_404(code)
        if cycle.phase != Phase.SUBMISSION:
            messages.error(request, _("The rules are sealed since the freeze and cannot change."))
            return self._sealed(cycle, status=409)
        form, seen = RulesForm(request.POST, cycle=cycle), request.POST.get("version", "")
        try:
            _demand_version(seen, cycle)
            is_done = form.is_valid() and tried(form, lambda: self._amend(cycle, form, seen))
        except OverTaken:
            return self._overtaken(cycle_or_404(code))
        if not is_done:
            return self._form(cycle, form, status=422)
        messages.success(request, _("The rules are changed.") if form.has_changed() else _("Nothing was changed."))
        return redirect("admin:cycle", code)

    def _amend(self, cycle: AdmissionCycle, form: RulesForm, seen: str) -> None:
        changes = form.given(changed_only=True)
        actor = actor_of(self.request.user)
        amend_cycle(cycle, changes, actor=actor, version=lambda current: _demand_version(seen, current))

    def _overtaken(self, cycle: AdmissionCycle) -> HttpResponse:
        """Show what was filled in beside what holds now; sending the form again then means it."""
        form = RulesForm(self.request.POST, cycle=cycle)
        form.is_valid()
        stored = RulesForm(cycle=cycle)
        theirs = [(stored[name].label, _shown(stored, name)) for name in form.changed_data]
        return self._form(cycle, form, status=409, theirs=theirs, is_overtaken=True)

    def _form(self, cycle: AdmissionCycle, form: RulesForm, status: int = 200, **context: Any) -> HttpResponse:
        return self.show(
            _("Change the rules"),
            status=status,
            trail=trail_to(cycle),
            form=form,
            version=version_of(cycle),
            cycle=cycle,
            zone=timezone.get_current_timezone_name(),
            **context,
        )

    def _sealed(self, cycle: AdmissionCycle, status: int = 200) -> HttpResponse:
        is_sealed = cycle.phase != Phase.SUBMISSION
        return self.show(_("Rules"), status=status, trail=trail_to(cycle), cycle=cycle, is_sealed=is_sealed)


def tried(form: RulesForm, deed: Callable[[], Any]) -> bool:
    """Do something with the rules of a form, and put what refuses it into the form; return whether it is done."""
    try:
        deed()
    except (Denied, OverTaken):
        raise
    except WrongRules as refusal:
        form.take(refusal.faults)
    except Conflict as refusal:
        form.take((("code", str(refusal)),))
    except Refused as refusal:
        form.add_error(None, str(refusal))
    else:
        return True
    return False


def version_of(cycle: AdmissionCycle) -> str:
    """Return the version of what the form shows."""
    told = json.dumps({"name": cycle.name, **cycle.rules()}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _demand_version(seen: str, current: AdmissionCycle) -> None:
    if seen != version_of(current):
        raise OverTaken(_("Somebody else has changed these rules in the meantime."))


def _shown(form: RulesForm, name: str) -> Any:
    """Return the value of a field as a person reads it."""
    field, value = form.fields[name], form[name].value()
    return dict(getattr(field, "choices", ())).get(value, value)


add_routes(
    console_path("open-a-cycle/", OpenCycle, name="cycle-open"),
    console_path("cycles/<slug:code>/rules/", Rules, name="cycle-rules"),
)
