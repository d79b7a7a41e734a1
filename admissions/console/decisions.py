"""The queue of blind copies that wait for a person: decide one, and be led to the next."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.browser import actor_of
from admissions.console.blind import about
from admissions.console.copies import short
from admissions.console.decision_forms import ScoreForm, SetAsideForm
from admissions.console.waiting import PAGE, counts, next_waiting, waiting_scores
from admissions.decisions import score_by_person, set_aside
from admissions.models.blind import AnonymizedApplication, FinalScore
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes
from enigma.errors import Conflict, Denied, Malformed, Refused


class QueuePage(ConsolePage):
    """All that wait, in the order of their random ids, a page at a time."""

    needs = {"get": "scores.decide"}
    template = "console/decisions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what waits behind the id that the address names, or from the beginning."""
        rows = waiting_scores().select_related("admission_cycle")
        if after := _uuid(request.GET.get("after", "")):
            rows = rows.filter(pk__gt=after)
        found = list(rows.only("waiting_reason", "admission_cycle__code")[: PAGE + 1])
        page = [{"score": one, "short": short(one.pk)} for one in found[:PAGE]]
        return self.show(
            _("Waiting for a person"),
            page=page,
            following=found[PAGE - 1].pk if len(found) > PAGE else None,
            began=after is not None,
            unread=[one for one in counts() if one["unread"]],
        )


class DecidePage(ConsolePage):
    """One blind copy that waits, with all that was said of it, and the form that decides."""

    needs = {"get": "scores.decide", "post": "scores.decide"}
    template = "console/decide.html"

    def get(self, request: HttpRequest, anonymized_id: UUID) -> HttpResponse:
        """Show it; one that waits no more is shown on its own page."""
        copy = self._copy(anonymized_id)
        if not waiting_scores(copy.admission_cycle).filter(pk=copy.pk).exists():
            return redirect("admin:blind_copy", copy.pk)
        return self._page(copy)

    def post(self, request: HttpRequest, anonymized_id: UUID) -> HttpResponse:
        """Decide, and lead to the next."""
        copy = self._copy(anonymized_id)
        if request.POST.get("deed") == "set_aside":
            aside = SetAsideForm(request.POST)
            return self._decide(copy, aside, self._set_aside, "set_aside")
        score = ScoreForm(request.POST)
        return self._decide(copy, score, self._score, "score")

    def _score(self, copy: AnonymizedApplication, form: Any) -> str:
        reason = form.cleaned_data["reason"]
        cycle, actor = copy.admission_cycle, actor_of(self.request.user)
        final = score_by_person(cycle, copy.pk, scores=form.scores(), reason=reason, actor=actor)
        return _("%(id)s is scored: %(total)s in total.") % {"id": short(copy.pk), "total": final.total}

    def _set_aside(self, copy: AnonymizedApplication, form: Any) -> str:
        reason = form.cleaned_data["reason"]
        set_aside(copy.admission_cycle, copy.pk, reason=reason, actor=actor_of(self.request.user))
        return _("%(id)s is set aside.") % {"id": short(copy.pk)}

    def _decide(self, copy: AnonymizedApplication, form: Any, deed: Callable[..., str], name: str) -> HttpResponse:
        if not form.is_valid():
            return self._page(copy, status=422, form=form, **{name: form})
        try:
            messages.success(self.request, deed(copy, form))
        except Denied:
            raise
        except Malformed as refusal:
            form.add_error("reason", str(refusal))
            return self._page(copy, status=422, form=form, **{name: form})
        except Conflict:
            said = _("Somebody else has decided %(id)s already; their decision stands, yours was not kept.")
            messages.warning(self.request, said % {"id": short(copy.pk)})
        except Refused as refusal:
            messages.error(self.request, str(refusal))
        return self._lead_on(copy)

    def _lead_on(self, copy: AnonymizedApplication) -> HttpResponse:
        following = next_waiting(copy.admission_cycle, copy.pk)
        return redirect("admin:decide", following) if following else redirect("admin:decisions")

    def _copy(self, anonymized_id: UUID) -> AnonymizedApplication:
        copies = AnonymizedApplication.objects.select_related("admission_cycle")
        copy = get_object_or_404(copies, pk=anonymized_id)
        get_object_or_404(FinalScore.objects.only("pk"), pk=copy.pk)
        return copy

    def _page(self, copy: AnonymizedApplication, *, status: int = 200, **forms: Any) -> HttpResponse:
        trail = [(_("Waiting for a person"), reverse("admin:decisions"))]
        given = {"score": ScoreForm(), "set_aside": SetAsideForm(), **forms}
        title = _("Decide %(id)s") % {"id": short(copy.pk)}
        skip = next_waiting(copy.admission_cycle, copy.pk)
        return self.show(title, status=status, trail=trail, skip=skip, **given, **about(copy, self.request))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


add_entry(Entry("Admissions", gettext_lazy("Waiting for a person"), "decisions", "scores.decide", 30))
add_routes(
    console_path("decisions/", QueuePage, name="decisions"),
    console_path("decisions/<uuid:anonymized_id>/", DecidePage, name="decide"),
)
