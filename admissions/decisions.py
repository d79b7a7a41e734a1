"""What a person decides where no machine may: a score, setting aside, acknowledging an unreadable record."""

import hashlib
import uuid
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from admissions.metrics import STEP
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError, Status
from admissions.queue import defer_preprocessing
from admissions.selection import PARTS
from audit.canonical import encode
from audit.log import record
from enigma.errors import Conflict, Malformed


def score_by_person(
    cycle: AdmissionCycle, anonymized_id: uuid.UUID, *, scores: dict[str, Decimal], reason: str, actor: Actor
) -> FinalScore:
    """Give a blind copy that waits for a person its four scores (0 to 100, by part); the total is weighted as ever.

    Raises PhaseError outside processing, Malformed for scores out of range or no reason, Conflict if nobody waits.
    """
    if set(scores) != set(PARTS) or not all(map(_is_score, scores.values())):
        raise Malformed(f"Scores are four numbers from 0 to 100 with up to four decimals: {', '.join(PARTS)}.")
    total = sum((scores[part] * weight for part, weight in cycle.weights.items()), Decimal(0)).quantize(STEP)
    evidence = {part: f"{score:.4f}" for part, score in scores.items()} | {
        "reason": reason,
        "actor": actor.id,
    }
    with transaction.atomic():
        final = _decide(cycle, anonymized_id, reason=reason, actor=actor)
        final.status, final.total, final.explanation = FinalScore.Status.SCORED, total, reason
        for part, score in scores.items():
            setattr(final, part, score)
        final.evidence_sha256 = hashlib.sha256(encode(evidence)).digest()
        final.save()
        record(
            "scores.decide",
            actor=actor,
            entity=("blind", anonymized_id.hex),
            cycle=cycle.code,
            total=f"{total:.4f}",
        )
    return final


def set_aside(cycle: AdmissionCycle, anonymized_id: uuid.UUID, *, reason: str, actor: Actor) -> FinalScore:
    """Take a waiting blind copy out of the ranking, with a reason; errors as ``score_by_person``."""
    with transaction.atomic():
        final = _decide(cycle, anonymized_id, reason=reason, actor=actor)
        final.status = FinalScore.Status.SET_ASIDE
        final.save()
        record("scores.set_aside", actor=actor, entity=("blind", anonymized_id.hex), cycle=cycle.code)
    return final


def acknowledge_failure(cycle: AdmissionCycle, reference: str, *, reason: str, actor: Actor) -> Application:
    """Set aside an application whose record does not open, so that the cycle can go on without it."""
    actor.require("scores.decide")
    _demand_reason(reason)
    with transaction.atomic():
        application = Application.objects.select_for_update().of(cycle).filter(reference=reference).first()
        if application is None:
            raise Malformed(f"{cycle.code} has no application {reference}.")
        if application.status != Status.FAILED or application.set_aside_at:
            raise Conflict(f"{reference} does not wait for a decision: it is {application.status}.")
        application.set_aside_at, application.set_aside_by = timezone.now(), actor.id
        application.set_aside_reason = reason
        application.save(update_fields=["set_aside_at", "set_aside_by", "set_aside_reason"])
        entity = ("application", application.receipt_ref.hex)
        record("application.set_aside", actor=actor, entity=entity, cycle=cycle.code)
    return application


def retry_failed(cycle: AdmissionCycle, *, reason: str, actor: Actor) -> int:
    """Hand the failed applications that nobody has set aside to the workers once more; return how many there were.

    For when the fault was not theirs: a worker without an old master key, a defect that has been mended. Raises
    PhaseError outside preprocessing, Malformed without a reason.
    """
    actor.require("scores.decide")
    _demand_reason(reason)
    with transaction.atomic():
        cycle.refresh_from_db(from_queryset=AdmissionCycle.objects.select_for_update(no_key=True))
        if cycle.phase != Phase.PREPROCESSING:
            raise PhaseError(f"Failures are retried in {Phase.PREPROCESSING}; {cycle.code} is in {cycle.phase}.")
        retried = Application.objects.of(cycle).unacknowledged_failures().update(status=Status.PREPROCESSING)
        if retried:
            defer_preprocessing(cycle, retried)
            shared = {"reason": reason, "cycle": cycle.code}
            record("applications.retry", actor=actor, entity=("cycle", cycle.code), **shared, applications=retried)
    return retried


def _decide(cycle: AdmissionCycle, anonymized_id: uuid.UUID, *, reason: str, actor: Actor) -> FinalScore:
    actor.require("scores.decide")
    _demand_reason(reason)
    cycle.refresh_from_db(from_queryset=AdmissionCycle.objects.select_for_update(no_key=True))
    if cycle.phase != Phase.PROCESSING:
        raise PhaseError(f"Scores are decided in {Phase.PROCESSING}; {cycle.code} is in {cycle.phase}.")
    if not AnonymizedApplication.objects.of(cycle).filter(pk=anonymized_id).exists():
        raise Malformed(f"{cycle.code} has no blind copy {anonymized_id.hex}.")
    final = FinalScore.objects.select_for_update().filter(pk=anonymized_id).first()
    if final is None or final.status != FinalScore.Status.WAITING:
        raise Conflict(f"{anonymized_id.hex} does not wait for a person.")
    final.decided_at, final.decided_by, final.decided_reason = timezone.now(), actor.id, reason
    return final


def _is_score(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= 100 and value == value.quantize(STEP)


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise Malformed("A decision by a person needs a reason.")
