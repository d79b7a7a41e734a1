"""Let one applicant in after the closing time, and take it back."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.browser import actor_of
from admissions.console.cycles import cycle_or_404, trail_to
from admissions.console.forms import LateForm
from admissions.late_access import end, grant
from admissions.models.cycles import AdmissionCycle
from admissions.models.late_access import LateAccess
from admissions.phases import Phase
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes

SHOWN = 50


class Late(ConsolePage):
    """The grants of a cycle, by the number of the account, and a form for another."""

    needs = {"get": "applications.grant_late", "post": "applications.grant_late"}
    template = "console/cycles/late.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show them."""
        return self._page(cycle_or_404(code), LateForm())

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """End a grant, or give one."""
        cycle = cycle_or_404(code)
        if "end" in request.POST:
            return self._end(cycle, request.POST["end"])
        form = LateForm(request.POST)
        if not (form.is_valid() and self._given(cycle, form)):
            return self._page(cycle, form, status=422)
        return redirect(request.path)

    def _given(self, cycle: AdmissionCycle, form: LateForm) -> bool:
        terms = {name: form.cleaned_data[name] for name in ("until", "reason")}
        actor = actor_of(self.request.user)
        done = _("They can hand in until then.")
        return self.tried(lambda: grant(cycle, form.cleaned_data["email"], **terms, actor=actor), done=done)

    def _end(self, cycle: AdmissionCycle, number: str) -> HttpResponse:
        known = LateAccess.objects.filter(admission_cycle=cycle, pk=int(number)) if _is_key(number) else None
        given = known.select_related("admission_cycle").first() if known is not None else None
        if given is None:
            raise Http404
        if self.tried(lambda: end(given, actor=actor_of(self.request.user)), done=_("The late access has ended.")):
            return redirect(self.request.path)
        return self._page(cycle, LateForm(), status=409)

    def _page(self, cycle: AdmissionCycle, form: LateForm, status: int = 200) -> HttpResponse:
        grants = list(LateAccess.objects.filter(admission_cycle=cycle)[: SHOWN + 1])
        return self.show(
            _("Let one applicant in late"),
            status=status,
            trail=trail_to(cycle),
            cycle=cycle,
            form=form,
            grants=[{"grant": one, "state": _state(one)} for one in grants[:SHOWN]],
            has_more=len(grants) > SHOWN,
            shown=SHOWN,
            is_open=cycle.phase == Phase.SUBMISSION,
            zone=timezone.get_current_timezone_name(),
        )


def _state(given: LateAccess) -> str:
    if given.ended_at:
        return "ended"
    return "over" if given.until <= timezone.now() else "used" if given.used_at else "open"


def _is_key(number: str) -> bool:
    return number.isdecimal() and len(number) < 19


add_routes(console_path("cycles/<slug:code>/late/", Late, name="cycle-late"))
