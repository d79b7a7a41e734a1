"""Open who stands behind a blind copy: with a reason, and written into both logs before anything is read."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from accounts.actors import Actor
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.unblindings import ACTION, KIND, times_opened, unblind_fields, unblind_salt
from admissions.phases import Phase, PhaseError, has_reached
from audit.log import commit, record
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Malformed, Refused

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Identity:
    """Who stands behind a blind copy; never stored, logged or sent on."""

    reference: str
    name: str
    email: str
    phone: str
    address: str


def may_be_revealed(cycle: AdmissionCycle) -> bool:
    """Whether the scores of a cycle are fixed, so that knowing a person can move none of them any more."""
    return has_reached(cycle.phase, Phase.SCORED)


def opened_before(anonymized_id: uuid.UUID) -> int:
    """Count how often the identity behind a blind copy was opened; 0 for a copy that nobody is behind."""
    refs = IdentityMapping.objects.filter(anonymized=anonymized_id).values_list("application__receipt_ref", flat=True)
    return sum(times_opened(ref.hex) for ref in refs)


def identity_of(anonymized_id: uuid.UUID, *, reason: str, opened: int, actor: Actor) -> Identity:
    """Open the identity behind a blind copy; the entries of both logs are committed before it is opened.

    ``opened`` is how often it was opened before, as the actor was told. Raises PhaseError before the cycle is scored,
    Malformed without a reason or with an address in it, Conflict when it was opened meanwhile, Refused when the
    record does not open (the entries stay), Denied by role.
    """
    actor.require("identity.view")
    reason = _demanded(reason)
    with transaction.atomic(durable=True):
        mapping = _held(anonymized_id)
        _write_down(mapping, reason=reason, opened=opened, actor=actor)
    try:
        person = mapping.identity()
    except UnreadableRecord:
        raise Refused("This record does not open. That you asked for it stands in the logs.") from None
    said = {field: str(person.get(field) or "") for field in ("name", "email", "phone", "address")}
    return Identity(reference=mapping.application.reference, **said)


def _demanded(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Malformed("Opening an identity needs a reason.")
    if len(reason) > LONGEST_REASON:
        raise Malformed(f"The reason is longer than {LONGEST_REASON} characters.")
    return reason


def _held(anonymized_id: uuid.UUID) -> IdentityMapping:
    """The way to the person, held so that two who open it at once are counted one after the other."""
    rows = IdentityMapping.objects.select_for_update(of=("self",), no_key=True)
    mapping = rows.select_related("application", "admission_cycle").filter(anonymized=anonymized_id).first()
    if mapping is None:
        raise Malformed(f"Nobody stands behind the blind copy {anonymized_id.hex}.")
    cycle = mapping.admission_cycle
    if not may_be_revealed(cycle):
        raise PhaseError(f"Nobody is revealed before the scores are fixed: {cycle.code} is in {cycle.phase}.")
    return mapping


def _write_down(mapping: IdentityMapping, *, reason: str, opened: int, actor: Actor) -> None:
    cycle, blind, ref = mapping.admission_cycle, mapping.anonymized_id.hex, mapping.application.receipt_ref.hex
    if times_opened(ref) != opened:
        raise Conflict("This identity was opened meanwhile. Ask again if you need it.")
    number = opened + 1
    fields = unblind_fields(blind=blind, number=number, actor=actor.id, reason=reason)
    # The entry goes first: whoever finds the leaf in the public log then finds the entry, too.
    record(ACTION, actor=actor, entity=("blind", blind), reason=reason, cycle=cycle.code, number=number)
    commit(KIND, cycle_ref=cycle.ref.hex, subject_ref=ref, salt=unblind_salt(cycle, ref), fields=fields)
