"""Applications whose record does not open: set each aside with a reason, or have the workers try all again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.browser import actor_of
from admissions.console.decision_forms import RetryForm, UnreadableForm
from admissions.console.waiting import PAGE, reasons_of, unread
from admissions.decisions import acknowledge_failure, retry_failed
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.errors import Denied, Refused


class UnreadablePage(ConsolePage):
    """The failures of one cycle that nobody has set aside, by reference and code; no blind id is near."""

    needs = {"get": "scores.decide", "post": "scores.decide"}
    template = "console/unreadable.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show them."""
        return self._page(get_object_or_404(AdmissionCycle, code=code))

    def post(self, request: HttpRequest, code: str) -> HttpResponse:
        """Set one aside, or try all again."""
        cycle = get_object_or_404(AdmissionCycle, code=code)
        form = RetryForm(request.POST) if request.POST.get("deed") == "retry" else UnreadableForm(request.POST)
        if not form.is_valid():
            return self._page(cycle, form, status=422)
        deed = self._retry if isinstance(form, RetryForm) else self._set_aside
        try:
            messages.success(request, deed(cycle, **form.cleaned_data))
        except Denied:
            raise
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("admin:unreadable", cycle.code)

    def _set_aside(self, cycle: AdmissionCycle, *, reference: str, reason: str) -> str:
        acknowledge_failure(cycle, reference, reason=reason, actor=actor_of(self.request.user))
        return _("%(reference)s is set aside.") % {"reference": reference}

    def _retry(self, cycle: AdmissionCycle, *, reason: str) -> str:
        count = retry_failed(cycle, reason=reason, actor=actor_of(self.request.user))
        return ngettext("%(n)d application is tried again.", "%(n)d applications are tried again.", count) % {
            "n": count
        }

    def _page(self, cycle: AdmissionCycle, form: Any = None, *, status: int = 200) -> HttpResponse:
        found = list(unread(cycle).only("reference", "receipt_ref")[: PAGE + 1])
        reasons = reasons_of(found[:PAGE])
        return self.show(
            _("Records that do not open: %(code)s") % {"code": cycle.code},
            status=status,
            trail=[(_("Waiting for a person"), reverse("admin:decisions"))],
            cycle=cycle,
            rows=[self._row(one, reasons, form) for one in found[:PAGE]],
            more=len(found) > PAGE,
            form=form,
            retry=form if isinstance(form, RetryForm) else RetryForm(),
        )

    def _row(self, application: Application, reasons: dict[str, str], form: Any) -> dict[str, Any]:
        """One application and its form: the one that was sent, where it is about this one."""
        mine = isinstance(form, UnreadableForm) and form.data.get("reference") == application.reference
        auto_id = f"id_%s_{application.reference}"
        empty = UnreadableForm(initial={"reference": application.reference}, auto_id=auto_id)
        return {
            "reference": application.reference,
            "reason": reasons.get(application.receipt_ref.hex, ""),
            "form": form if mine else empty,
            "open": mine,
        }


add_routes(console_path("decisions/unreadable/<slug:code>/", UnreadablePage, name="unreadable"))
