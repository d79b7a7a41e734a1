"""Hand in one application by the person it is about, and take it back while the cycle still takes applications in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg.errors import UniqueViolation

from accounts.actors import Actor
from accounts.models import User
from admissions.chunks import Candidate, Rejected, judge, limits_of
from admissions.commitments import withdrawal_fields
from admissions.doors import demand_open
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.own import own_in
from admissions.phases import Phase, PhaseError, Status
from admissions.posting import queue_letter
from admissions.readers import Fault, RawRow
from admissions.storing import hold_door, store
from audit.log import commit, record
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Malformed, Refused

# What a person says of themselves; the address is the one that they are signed in with.
FIELDS = ("name", "phone", "address", "gpa", "test_scores", "essay", "achievements")


class Faulty(Malformed):
    """The application cannot be accepted; ``faults`` names each field and the reason, without personal data."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("The application cannot be accepted as it is.")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person keeps: ``receipt`` names the application in the public log, ``commitment`` is what stands there."""

    reference: str
    receipt: str
    submitted_at: datetime
    commitment: str


def submit(cycle: AdmissionCycle, values: Mapping[str, object], *, user: User, actor: Actor) -> Receipt:
    """Take one application in, by the rules of an import; the address is that of ``user``.

    Raises PhaseError outside the submission phase or, without late access, the cycle's dates (by the database's
    clock), Faulty with all that is wrong, Conflict when the person or the address has an application in this cycle
    already, Denied by role.
    """
    actor.require("application.submit")
    try:
        with transaction.atomic():
            door = hold_door(cycle)
            demand_open(cycle, door, user.pk)
            candidate = _candidate(cycle, values, user)
            _refuse_second(cycle, user)
            (stored,) = store(cycle, [candidate], now=door.now, applicant_id=user.pk)
            record("application.submit", actor=actor, entity=_entity(stored), cycle=cycle.code)
            queue_letter("submitted", application=Application(pk=stored.pk, admission_cycle=cycle))
    except UniqueViolation:  # the same person, or an import of theirs, was faster by a moment
        raise Conflict(_already(cycle)) from None
    return Receipt(stored.reference, stored.receipt_ref.hex, door.now, stored.commitment())


def withdraw(application: Application, *, actor: Actor) -> None:
    """Take an application back: it keeps its reference, is not assessed, and stands in the public log as withdrawn.

    Raises PhaseError after the submission phase, Conflict when it is withdrawn already, Denied by role.
    """
    actor.require("application.withdraw")
    cycle = application.admission_cycle
    with transaction.atomic():
        if hold_door(cycle).phase != Phase.SUBMISSION:
            raise PhaseError(f"{cycle.code} is frozen: an application can no longer be withdrawn here.")
        mine = Application.objects.filter(pk=application.pk, status=Status.SUBMITTED)
        if not mine.update(status=Status.WITHDRAWN):
            raise Conflict("This application is withdrawn already.")
        _commit_withdrawal(cycle, application)
        record("application.withdraw", actor=actor, entity=_entity(application), cycle=cycle.code)
        queue_letter("withdrawn", application=application)
    application.status = Status.WITHDRAWN


def _candidate(cycle: AdmissionCycle, values: Mapping[str, object], user: User) -> Candidate:
    row = RawRow(line=1, row=1, values={**{name: values.get(name) for name in FIELDS}, "email": user.email})
    judged = judge(row, cycle, limits_of(cycle))
    if isinstance(judged, Rejected):
        raise Faulty(judged.faults)
    return judged


def _refuse_second(cycle: AdmissionCycle, user: User) -> None:
    earlier = own_in(cycle, user)
    if earlier is None:
        return
    if earlier.status == Status.WITHDRAWN:
        raise Conflict(
            f"You have withdrawn your application to {cycle.code}. A cycle takes one application from each person, so "
            "a withdrawn one cannot be replaced by another; the admissions office can tell you what is possible."
        )
    raise Conflict(_already(cycle))


def _already(cycle: AdmissionCycle) -> str:
    return f"You have an application in {cycle.code} already; a cycle takes one from each person."


def _commit_withdrawal(cycle: AdmissionCycle, application: Application) -> None:
    try:
        salt = IdentityMapping.objects.get(pk=application.pk).salt()
    except UnreadableRecord:
        raise Refused("This application cannot be withdrawn just now; please write to the admissions office.") from None
    ref = application.receipt_ref.hex
    commit("submission.withdraw", cycle_ref=cycle.ref.hex, subject_ref=ref, salt=salt, fields=withdrawal_fields())


def _entity(application: Any) -> tuple[str, str]:
    return "application", application.receipt_ref.hex
