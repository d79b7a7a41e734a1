"""The page on which both logs are verified, compared with heads noted elsewhere, and handed out as files."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import verifications
from audit.exports import export_log
from audit.finding import find_head, read_noted
from audit.models import LogHead, LogOutbox, Verification
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes
from enigma.errors import Malformed

SHOWN = 50
PENDING_COUNTED = 10_000
LONGEST = 2**63 - 1


class NotedHead(forms.Form):
    """A head that somebody noted, on paper say."""

    head = forms.CharField(
        label=_("A head that you noted"),
        max_length=400,
        help_text=_(
            "64 digits, or better the whole line of verify_audit: with the number of entries it is found at once."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "dir": "ltr"}),
    )

    def clean_head(self) -> tuple[int | None, str]:
        """Return size and head."""
        try:
            return read_noted(self.cleaned_data["head"])
        except Malformed:
            told = _("A head is 64 digits of 0-9 and a-f. Copy it whole, or the whole line that verify_audit printed.")
            raise forms.ValidationError(told, code="no_head") from None


class Proofs(ConsolePage):
    """Where both logs stand, what verifications found, and a head to compare."""

    needs = {"get": "audit.verify"}
    template = "console/audit/proofs.html"

    def get(self, request: Any) -> HttpResponse:
        """Show it; with ``head`` in the query, say where that stands."""
        form = NotedHead(request.GET if "head" in request.GET else None)
        asked = form.is_bound and form.is_valid()
        size, head = form.cleaned_data["head"] if asked else (None, "")
        return self.show(
            gettext("Verification"),
            status=422 if form.errors else 200,
            form=form,
            asked=asked,
            head=head,
            size=size,
            places=find_head(head, size=size) if asked else [],
            ends=LogHead.objects.first(),
            waiting=LogOutbox.objects.all()[:PENDING_COUNTED].count(),
            **self._verifications(),
        )

    def _verifications(self) -> dict[str, Any]:
        before = self.request.GET.get("before", "")
        rows = Verification.objects.order_by("-pk")
        if before.isdecimal():
            rows = rows.filter(pk__lt=min(int(before), LONGEST))
        page = list(rows[: SHOWN + 1])
        return {"rows": page[:SHOWN], "older": page[SHOWN - 1].pk if len(page) > SHOWN else None}


class VerifyNow(ConsolePage):
    """Verifies, or leaves that to a worker where it takes long."""

    needs = {"post": "audit.verify"}

    def post(self, request: Any) -> HttpResponse:
        """Do it, and lead to where the verdict stands, or will stand."""
        made = verifications.ask(self.actor)
        if made.finished_at is None:
            messages.info(request, gettext("A worker is at it: this page renews itself until the verdict is there."))
        return redirect("admin:audit_verification", made.pk)


class Verdict(ConsolePage):
    """One verification; while it is under way the page renews that part of itself."""

    needs = {"get": "audit.verify"}
    template = "console/audit/verification.html"

    def get(self, request: Any, number: int) -> HttpResponse:
        """Show it, or for htmx only the part that changes."""
        made = Verification.objects.filter(pk=number).first() if number <= LONGEST else None
        if made is None:
            raise Http404
        last = verifications.latest() if made.finished_at is None else None
        context = {
            "made": made,
            "since": timezone.now() - (made.started_at or made.asked_at),
            "lasted": made.finished_at - made.started_at if made.finished_at and made.started_at else None,
            "usual": last.finished_at - last.started_at if last and last.finished_at and last.started_at else None,
        }
        title = gettext("Verification %(number)s") % {"number": made.pk}
        part = "console/audit/verdict.html" if request.headers.get("HX-Request") else ""
        return self.show(
            title, template=part, trail=[(gettext("Verification"), reverse("admin:audit_proofs"))], **context
        )


class ExportLog(ConsolePage):
    """Hands out a log as a file."""

    needs = {"post": "audit.view"}

    def post(self, request: Any, log: str) -> HttpResponseBase:
        """Answer with the exact bytes, one entry a line."""
        try:
            export = export_log(log, actor=self.actor)
        except Malformed:
            raise Http404 from None
        about = {
            "Content-Disposition": f'attachment; filename="{export.name}"',
            "X-Log-Origin": export.origin,
            "X-Log-Entries": str(export.entries),
            "X-Log-Head": export.head,
        }
        return StreamingHttpResponse(export.lines, content_type="application/x-ndjson", headers=about)


add_routes(
    console_path("audit/verify/", VerifyNow, name="audit_verify"),
    console_path("audit/verification/", Proofs, name="audit_proofs"),
    console_path("audit/verification/<int:number>/", Verdict, name="audit_verification"),
    console_path("audit/export/<slug:log>/", ExportLog, name="audit_export"),
)
add_entry(Entry("Trust", _("Verification"), "audit_proofs", "audit.verify", 30))
