"""The queue of applicants who ask that a person look at their result again: read, answer, and be led to the next."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.browser import actor_of
from admissions.models.reviews import ReviewRequest
from admissions.own import result_of
from admissions.reviews import TEXT_MAX, answer_review, read_review, waiting_reviews
from admissions.selection import PARTS
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes, panel
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Denied, Refused

PAGE = 50
DECISIONS = {
    ReviewRequest.Decision.UPHELD: gettext_lazy("The result stands"),
    ReviewRequest.Decision.TO_CORRECT: gettext_lazy("The office will correct it"),
}


class AnswerForm(forms.Form):
    """What a person came to, in words for the applicant."""

    decision = forms.ChoiceField(label=gettext_lazy("What you came to"), choices=[("", "---"), *DECISIONS.items()])
    answer = forms.CharField(
        label=gettext_lazy("Answer"),
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        help_text=gettext_lazy("The applicant reads it on the page of the result; a letter says that it is there."),
    )


class ReviewsPage(ConsolePage):
    """All that wait for an answer, longest first, a page at a time."""

    needs = {"get": "reviews.answer"}
    template = "console/reviews.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what waits behind the request that the address names, or from the beginning."""
        rows, after = waiting_reviews(), request.GET.get("after", "")
        if after:
            rows = _behind(get_object_or_404(ReviewRequest, application__reference=after))
        found = list(rows[: PAGE + 1])
        following = found[PAGE - 1].application.reference if len(found) > PAGE else ""
        return self.show(_("Reviews"), page=found[:PAGE], following=following, began=bool(after))


class ReviewPage(ConsolePage):
    """One request with the result that it is about, and the form of the answer, or the answer that was given."""

    needs = {"get": "reviews.answer", "post": "reviews.answer"}
    template = "console/review.html"

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Show it."""
        return self._page(self._asked(reference), AnswerForm())

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Answer, and lead to the next."""
        asked, form = self._asked(reference), AnswerForm(request.POST)
        if not form.is_valid():
            return self._page(asked, form, status=422)
        try:
            answer_review(asked, **form.cleaned_data, actor=actor_of(request.user))
            messages.success(request, _("%(reference)s is answered.") % {"reference": reference})
        except Denied:
            raise
        except Conflict:
            told = _("Somebody else has answered %(reference)s already, or it was erased; your answer was not kept.")
            messages.warning(request, told % {"reference": reference})
        except Refused as refusal:
            form.add_error("answer", str(refusal))
            return self._page(asked, form, status=422)
        except UnreadableRecord:
            messages.error(request, _("The request %(reference)s does not open.") % {"reference": reference})
        following = _behind(asked).first() or waiting_reviews().exclude(pk=asked.pk).first()
        if following is None:
            return redirect("admin:reviews")
        return redirect("admin:review", following.application.reference)

    def _asked(self, reference: str) -> ReviewRequest:
        rows = ReviewRequest.objects.select_related("application__admission_cycle", "admission_cycle")
        return get_object_or_404(rows, application__reference=reference)

    def _page(self, asked: ReviewRequest, form: AnswerForm, *, status: int = 200) -> HttpResponse:
        result = result_of(asked.application) or {}
        scores = result.get("scores") or {}
        return self.show(
            _("Review of %(reference)s") % {"reference": asked.application.reference},
            status=status,
            trail=[(_("Reviews"), reverse("admin:reviews"))],
            asked=asked,
            text=self._opened(asked),
            answer=_answer_of(asked),
            decision=DECISIONS.get(asked.decision, ""),
            waits=asked.state == ReviewRequest.State.ASKED and not asked.is_erased,
            result=result,
            parts=[(part, scores[part], 100 * result["weights"][part]) for part in PARTS if part in scores],
            form=form,
        )

    def _opened(self, asked: ReviewRequest) -> str | None:
        """What was asked; None where it was erased, or does not open."""
        try:
            return read_review(asked, actor=actor_of(self.request.user))
        except UnreadableRecord:
            return None


def _answer_of(asked: ReviewRequest) -> str:
    try:
        return asked.answer()
    except UnreadableRecord:
        return ""


def _behind(asked: ReviewRequest) -> Any:
    """What waits behind a request; among those of the same moment the id decides."""
    later = Q(asked_at__gt=asked.asked_at) | Q(asked_at=asked.asked_at, pk__gt=asked.pk)
    return waiting_reviews().filter(later, asked_at__gte=asked.asked_at)


@panel("dashboard", template="console/reviews_panel.html", needs="reviews.answer", order=31)
def reviews_panel(request: HttpRequest) -> dict[str, Any] | None:
    """Tell how many ask for a review, and since when; nothing while nobody does."""
    waiting = waiting_reviews()
    oldest = waiting.values_list("asked_at", flat=True).first()
    return {"count": waiting.count(), "oldest": oldest} if oldest else None


add_entry(Entry("Admissions", gettext_lazy("Reviews"), "reviews", "reviews.answer", 35))
add_routes(
    console_path("reviews/", ReviewsPage, name="reviews"),
    console_path("reviews/<slug:reference>/", ReviewPage, name="review"),
)
