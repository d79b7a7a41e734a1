"""All that the system holds of one person, as JSON values for that person: nothing of others, nothing under embargo."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.own_account import account_of
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics, text_reader
from admissions.models.drafts import ApplicationDraft
from admissions.models.late_access import LateAccess
from admissions.models.letters import Letter
from admissions.models.outcomes import may_see_result
from admissions.models.reviews import ReviewRequest
from admissions.own import own_applications, result_of, standing
from audit.log import record
from audit.models import AuditLog
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused

NOT_OPEN = "This record does not open; the admissions office can tell you why."
EXPLAINED = (
    "Everything that ENIGMA holds of you. Until the results of a cycle are published, what is made of an application "
    "on the way is not among it, as it could tell the outcome: the version without your name, scores, the letter "
    "about it, what staff did. `salt` opens your commitments in the public log. Entries of the last minute may not be "
    "in `log` yet."
)


def export_own(user: User, *, actor: Actor) -> dict[str, Any]:
    """Return account and drafts, every application with texts, letters and reviews, and the log's entries about them.

    The audit entry is committed before anything is opened. Raises Denied by role.
    """
    actor.require("own.export")
    with transaction.atomic():
        record("own.export", actor=actor, entity=("user", str(user.pk)))
    mine = own_applications(user)
    return {
        "about": EXPLAINED,
        "made_at": timezone.now(),
        "account": account_of(user),
        "drafts": [_draft(one) for one in _own(ApplicationDraft, user)],
        "late_access": [_late_access(one) for one in _own(LateAccess, user)],
        "letters": _letters(Letter.objects.filter(user=user)),
        "applications": [_application(one) for one in mine],
        "log": [_entry(one, user) for one in _entries(user, mine)],
    }


def _application(application: Application) -> dict[str, Any]:
    """A person has a handful of them, so each is read by itself."""
    identity = IdentityMapping.objects.get(pk=application.pk)
    told = {
        **standing(application),
        "gpa": application.gpa,
        "test_scores": application.test_scores,
        **_sealed(identity),
        "changed_at": application.changed_at,
        "review": _review(application),
        "letters": _letters(Letter.objects.singles().filter(application=application)),
    }
    if may_see_result(application.admission_cycle):
        told |= {
            "result": result_of(application),
            "read_by_the_evaluators": _blind(application, identity),
            "letters": _letters(Letter.objects.filter(application=application)),
        }
    return told


def _own(model: type[Any], user: User) -> Any:
    return model.objects.filter(user=user).select_related("admission_cycle").order_by("pk")


def _draft(draft: ApplicationDraft) -> dict[str, Any]:
    about = {"cycle": draft.admission_cycle.code, "begun_at": draft.created_at, "saved_at": draft.saved_at}
    try:
        return {**about, "values": draft.values()}
    except UnreadableRecord:
        return {**about, "values": NOT_OPEN}


def _late_access(given: LateAccess) -> dict[str, Any]:
    """What was granted, and why; not by whom of the staff."""
    times = ("granted_at", "until", "used_at", "ended_at")
    about = {name: getattr(given, name) for name in times}
    return {"cycle": given.admission_cycle.code, **about, "reason": given.reason}


def _letters(letters: QuerySet[Letter]) -> list[dict[str, Any]]:
    return list(letters.order_by("pk").values("kind", "language", "state", "queued_at", "sent_at"))


def _sealed(identity: IdentityMapping) -> dict[str, Any]:
    try:
        return {"identity": identity.identity(), "texts": identity.texts()}
    except UnreadableRecord:
        return {"identity": NOT_OPEN, "texts": NOT_OPEN}


def _review(application: Application) -> dict[str, Any] | None:
    review = ReviewRequest.objects.filter(pk=application.pk).first()
    if review is None:
        return None
    told = {"asked_at": review.asked_at, "decision": review.decision or None, "answered_at": review.answered_at}
    try:
        answer = review.answer() if review.state == ReviewRequest.State.ANSWERED else None
        return {**told, "request": review.text(), "answer": answer}
    except UnreadableRecord:
        return {**told, "request": NOT_OPEN, "answer": NOT_OPEN}


def _blind(application: Application, identity: IdentityMapping) -> dict[str, Any] | None:
    copy = AnonymizedApplication.objects.filter(pk=identity.anonymized_id).first()
    if copy is None:
        return None
    metrics = DeterministicMetrics.objects.filter(pk=copy.pk).values(
        "gpa_score", "test_score", "academic_score", "test_percentile", "percentile_rank"
    )
    return {"gpa": copy.gpa, "test_scores": copy.test_scores, "metrics": metrics.first(), **_blind_texts(copy)}


def _blind_texts(copy: AnonymizedApplication) -> dict[str, str]:
    try:
        texts = text_reader(copy.admission_cycle)(copy.pk, copy.sealed_texts)
    except (UnreadableRecord, Refused):
        return {"essay": NOT_OPEN, "achievements": NOT_OPEN}
    return {"essay": texts.essay, "achievements": texts.achievements}


# -- the internal log ----------------------------------------------


def _entries(user: User, mine: list[Application]) -> QuerySet[AuditLog]:
    """What the person did, and what was done to them; to an application only once its results are out."""
    by_me = Q(actor_id=f"user:{user.pk}")
    on_me = Q(entity_type="user", entity_id=str(user.pk))
    open_refs = [one.receipt_ref.hex for one in mine if may_see_result(one.admission_cycle)]
    return AuditLog.objects.filter(by_me | on_me | Q(entity_type="application", entity_id__in=open_refs))


def _entry(entry: AuditLog, user: User) -> dict[str, Any]:
    """One entry, without who of the staff it was."""
    own = entry.actor_id == f"user:{user.pk}"
    return {
        "position": entry.log_id,
        "at": entry.timestamp,
        "action": entry.action,
        "by": "you" if own else entry.actor_type,
        "on": f"{entry.entity_type} {entry.entity_id}",
        "outcome": entry.outcome,
        "details": entry.details,
    }
