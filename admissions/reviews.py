"""Ask that a person look at a published result again, and answer; the decision itself stays as it was logged."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.actors import Actor
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_result
from admissions.models.reviews import ReviewRequest
from admissions.phases import Phase, PhaseError, Status
from admissions.posting import queue_letter
from audit.log import record
from audit.models import HashChain
from enigma.errors import Conflict, Malformed

TEXT_MAX = 5_000  # characters, of the request and of the answer


def published_at(cycle: AdmissionCycle) -> datetime | None:
    """Return when the results came out; None before.

    While the cycle is published its row says so. ``complete`` moves that time on, but refuses while the log lacks an
    entry of the cycle, so from then on the leaf of the publication is there to be asked.
    """
    if not may_see_result(cycle):
        return None
    if cycle.phase == Phase.PUBLISHED:
        return cycle.phase_since
    leaf = HashChain.objects.filter(subject_ref=cycle.ref.hex, decision_type="publish")
    return leaf.values_list("timestamp", flat=True).first()


def review_until(cycle: AdmissionCycle) -> datetime | None:
    """Return the end of the last day on which a review may be asked for; None before publication.

    Days are whole, in the time zone of the installation, so nobody loses hours to the minute of publication.
    """
    published = published_at(cycle)
    if published is None:
        return None
    last = timezone.localdate(published) + timedelta(days=settings.REVIEW_DAYS + 1)
    return timezone.make_aware(datetime.combine(last, time.min))


def review_of(application: Application) -> ReviewRequest | None:
    """Return what was asked about an application, if anything was."""
    return ReviewRequest.objects.filter(pk=application.pk).first()


def may_ask(application: Application) -> bool:
    """Whether a review of this application may be asked for now; there is one request for each."""
    until = review_until(application.admission_cycle)
    withdrawn = application.status == Status.WITHDRAWN
    return until is not None and not withdrawn and timezone.now() < until and review_of(application) is None


def ask_review(application: Application, text: str, *, actor: Actor) -> ReviewRequest:
    """Hand in the one request that an application has.

    Raises PhaseError before publication, for a withdrawn application, and after the last day; Malformed for a text that
    is empty or too long, Conflict for a second request, Denied by role.
    """
    actor.require("review.ask")
    cycle = application.admission_cycle
    until = review_until(cycle)
    if until is None or application.status == Status.WITHDRAWN:
        raise PhaseError(gettext("There is no result that could be looked at."))
    if timezone.now() >= until:
        raise PhaseError(gettext("The time to ask for a review is over."))
    request = ReviewRequest.asked(application, _checked(text))
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            record("review.ask", actor=actor, entity=_entity(application), cycle=cycle.code)
    except IntegrityError:
        raise Conflict(gettext("You have asked for a review already; there is one for each application.")) from None
    return request


def waiting_reviews() -> QuerySet[ReviewRequest]:
    """Return what waits for an answer, longest first; what its owner has had erased waits for nothing."""
    waiting = ReviewRequest.objects.filter(state=ReviewRequest.State.ASKED, wrapped_key__isnull=False)
    return waiting.select_related("application", "admission_cycle").order_by("asked_at", "pk")


def read_review(request: ReviewRequest, *, actor: Actor) -> str:
    """Open what was asked, for whoever may answer it; raise Denied, or UnreadableRecord."""
    actor.require("reviews.answer")
    return request.text()


def answer_review(request: ReviewRequest, answer: str, decision: str, *, actor: Actor) -> ReviewRequest:
    """Answer a request, once; the outcome and its place in the log stay, a correction is the office's own act.

    A letter says that there is an answer. Raises Malformed for a text that is empty or too long or an unknown decision,
    Conflict when it is answered or erased already, Denied by role, UnreadableRecord when the request does not open.
    """
    actor.require("reviews.answer")
    if decision not in ReviewRequest.Decision.values:
        raise Malformed(f"A review comes to one of {', '.join(ReviewRequest.Decision.values)}.")
    text = _checked(answer)
    with transaction.atomic():
        held = waiting_reviews().select_for_update(of=("self",)).filter(pk=request.pk).first()
        if held is None:
            raise Conflict("This request is answered already, or was erased.")
        held.answer_with(text, decision, by=actor.id)
        held.save()
        about = {"cycle": held.admission_cycle.code, "decision": str(decision)}
        record("review.answer", actor=actor, entity=_entity(held.application), **about)
        queue_letter("review_answered", application=held.application)
    return held


def _checked(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Malformed(gettext("Write what should be looked at."))
    if len(text) > TEXT_MAX:
        raise Malformed(gettext("At most %(most)s characters, please; this has %(count)s.") % _counts(text))
    if "\0" in text:
        raise Malformed(gettext("The text holds a character that cannot be stored."))
    return text


def _counts(text: str) -> dict[str, int]:
    return {"most": TEXT_MAX, "count": len(text)}


def _entity(application: Application) -> tuple[str, str]:
    return "application", application.receipt_ref.hex
