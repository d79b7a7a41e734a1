"""The page that opens who stands behind a blind copy: asks for a reason, shows it once, keeps nothing."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from accounts.browser import actor_of
from admissions.console.copies import short
from admissions.models.blind import AnonymizedApplication
from admissions.reveal import LONGEST_REASON, identity_of, may_be_revealed, opened_before
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.errors import Conflict, Denied, Malformed, Refused


class ReasonForm(forms.Form):
    """Why an identity is opened, and how often it was opened before, as the page told."""

    opened = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "It is kept in the audit log for good: name no person, no address, no telephone number."
        ),
    )


class RevealPage(ConsolePage):
    """Ask for a reason, then show the identity in the answer to that one request; nothing of the console is cached."""

    needs = {"get": "identity.view", "post": "identity.view"}
    template = "console/reveal.html"

    def get(self, request: HttpRequest, anonymized_id: UUID) -> HttpResponse:
        """Ask why."""
        return self._ask(self._copy(anonymized_id))

    @sensitive_variables("identity")
    def post(self, request: HttpRequest, anonymized_id: UUID) -> HttpResponse:
        """Write it down, and show who it is."""
        copy = self._copy(anonymized_id)
        form = ReasonForm(request.POST)
        if not form.is_valid():
            return self._ask(copy, form, status=422)
        try:
            identity = identity_of(copy.pk, **form.cleaned_data, actor=actor_of(request.user))
        except Denied:
            raise
        except Refused as refusal:
            form.add_error("reason" if isinstance(refusal, Malformed) else None, str(refusal))
            status = 409 if isinstance(refusal, Conflict) else 422
            return self._ask(copy, self._afresh(form, copy) if isinstance(refusal, Conflict) else form, status=status)
        return self._page(copy, identity=identity)

    def _copy(self, anonymized_id: UUID) -> AnonymizedApplication:
        copies = AnonymizedApplication.objects.select_related("admission_cycle").defer("sealed_texts")
        return get_object_or_404(copies, pk=anonymized_id)

    def _afresh(self, form: ReasonForm, copy: AnonymizedApplication) -> ReasonForm:
        """The form as it was sent, with what was told, and the number of now."""
        form.data = form.data.copy()
        form.data["opened"] = opened_before(copy.pk)
        return form

    def _ask(self, copy: AnonymizedApplication, form: ReasonForm | None = None, *, status: int = 200) -> HttpResponse:
        form = form or ReasonForm(initial={"opened": opened_before(copy.pk)})
        return self._page(copy, form=form, status=status)

    def _page(self, copy: AnonymizedApplication, **context: Any) -> HttpResponse:
        page = reverse("admin:blind_copy", args=[copy.pk])
        title = _("Who stands behind %(id)s") % {"id": short(copy.pk)}
        trail = [(_("Blind copy %(id)s") % {"id": short(copy.pk)}, page)]
        may = may_be_revealed(copy.admission_cycle)
        return self.show(title, trail=trail, copy=copy, cycle=copy.admission_cycle, may_be_revealed=may, **context)


add_routes(console_path("admissions/anonymizedapplication/<uuid:anonymized_id>/identity/", RevealPage, name="reveal"))
