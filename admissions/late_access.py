"""Let one person hand in or change after the closing time, and take it back; both are in the audit log."""

from datetime import datetime

from django.db import transaction

from accounts.actors import Actor
from accounts.models import User
from accounts.newcomers import unconfirmed
from admissions.models.cycles import AdmissionCycle
from admissions.models.late_access import LateAccess
from admissions.own import own_in
from admissions.phases import Phase, PhaseError, Status
from admissions.posting import queue_letter
from admissions.storing import Door, hold_door
from audit.log import record
from enigma.errors import Conflict, Malformed, Refused

REASON_MAX = 500
NO_ACCOUNT = "Nobody has an account with this address; they have one once they have signed in."


def grant(cycle: AdmissionCycle, email: str, *, until: datetime, reason: str, actor: Actor) -> LateAccess:
    """Let the person with this address in until then; an earlier grant of theirs to the cycle ends by it.

    ``reason`` is stored in the clear and is for colleagues: no name, nothing of anybody's health or family. Raises
    PhaseError once the cycle is frozen, Malformed for a time that has passed or no reason, Refused for an address
    without an account, Conflict for somebody who has withdrawn, Denied by role.
    """
    actor.require("applications.grant_late")
    with transaction.atomic():
        door = _held_in_submission(cycle)
        _refuse_bad_terms(until, reason, door)
        user = _person(cycle, email)
        earlier = LateAccess.objects.of(cycle, user.pk).filter(ended_at=None)
        replaced = earlier.update(ended_at=door.now, ended_by=actor.id)
        terms = {"until": until, "reason": reason.strip(), "granted_by": actor.id, "granted_at": door.now}
        given = LateAccess.objects.create(admission_cycle=cycle, user=user, **terms)
        details = {"cycle": cycle.code, "until": until.isoformat(), "replaced": replaced}
        record("late_access.grant", actor=actor, entity=("user", str(user.pk)), **details)
        queue_letter("late_access", user=user, cycle=cycle, until=until)
    return given


def end(given: LateAccess, *, actor: Actor) -> None:
    """Take late access back; what it let in stays. Raises Conflict when it has ended already, Denied by role."""
    actor.require("applications.grant_late")
    with transaction.atomic():
        door = hold_door(given.admission_cycle)
        if not LateAccess.objects.filter(pk=given.pk, ended_at=None).update(ended_at=door.now, ended_by=actor.id):
            raise Conflict("This late access has ended already.")
        entity = ("user", str(given.user_id))
        record("late_access.end", actor=actor, entity=entity, cycle=given.admission_cycle.code)
    given.refresh_from_db()


def _held_in_submission(cycle: AdmissionCycle) -> Door:
    door = hold_door(cycle)
    if door.phase != Phase.SUBMISSION:
        raise PhaseError(f"{cycle.code} is in {door.phase}: nobody can be let in any more.")
    return door


def _refuse_bad_terms(until: datetime, reason: str, door: Door) -> None:
    if until.tzinfo is None or until <= door.now:
        raise Malformed("Late access needs a time that is still to come, with a time zone.")
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise Malformed(f"Late access needs a reason of at most {REASON_MAX} characters.")


def _person(cycle: AdmissionCycle, email: str) -> User:
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None or unconfirmed().filter(pk=user.pk).exists():
        raise Refused(NO_ACCOUNT)
    theirs = own_in(cycle, user)
    if theirs and theirs.status == Status.WITHDRAWN:
        raise Conflict("They have withdrawn their application to this cycle, and cannot hand in another.")
    return user
