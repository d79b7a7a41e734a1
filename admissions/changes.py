"""Replace an application that was handed in, while the cycle takes applications: both stay in the log."""

import dataclasses
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.models import User
from admissions.chunks import Candidate, Rejected, judge, limits_of
from admissions.doors import demand_open
from admissions.models.applications import Application, IdentityMapping
from admissions.phases import Status
from admissions.posting import queue_letter
from admissions.readers import RawRow
from admissions.storing import Stored, hold_door, replace
from admissions.submission import FIELDS, Faulty, Receipt
from audit.log import record
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Refused


def change(application: Application, values: Mapping[str, object], *, user: User, actor: Actor) -> Receipt:
    """Put other values in the place of those that were handed in; reference, receipt and address stay.

    The same values again change nothing and add nothing to the log. Raises PhaseError when ``user`` may not hand in
    now, Faulty with all that is wrong, Conflict for a withdrawn application, Refused for one that does not open,
    Denied by role.
    """
    actor.require("application.change")
    cycle = application.admission_cycle
    with transaction.atomic():
        door = hold_door(cycle)
        demand_open(cycle, door, user.pk)
        held = Application.objects.select_for_update().get(pk=application.pk)
        if held.status != Status.SUBMITTED:
            raise Conflict("This application is withdrawn and can no longer be changed.")
        identity = IdentityMapping.objects.select_for_update().get(pk=held.pk)
        person = _opened(identity)
        candidate = _candidate(held, person["email"], values)
        stored = Stored(held.pk, candidate, held.reference, held.receipt_ref, bytes.fromhex(person["salt"]))
        if candidate.fingerprint == bytes(identity.fingerprint):
            return _receipt(stored, at=held.changed_at or held.submitted_at)
        fresh = dataclasses.replace(stored, salt=os.urandom(32))
        replace(identity, fresh, now=door.now)
        record("application.change", actor=actor, entity=("application", held.receipt_ref.hex), cycle=cycle.code)
        queue_letter("changed", application=held)
    return _receipt(fresh, at=door.now)


def _opened(identity: IdentityMapping) -> dict[str, Any]:
    try:
        return identity.identity()
    except UnreadableRecord:
        raise Refused("This application cannot be changed just now; please write to the admissions office.") from None


def _candidate(held: Application, email: str, values: Mapping[str, object]) -> Candidate:
    """Judge the values by the rules of an import, under the address and the external id that the application has."""
    own = {"email": email, "external_id": held.external_id}
    row = RawRow(line=1, row=1, values={**{name: values.get(name) for name in FIELDS}, **own})
    judged = judge(row, held.admission_cycle, limits_of(held.admission_cycle))
    if isinstance(judged, Rejected):
        raise Faulty(judged.faults)
    return judged


def _receipt(one: Stored, *, at: datetime) -> Receipt:
    return Receipt(one.reference, one.receipt_ref.hex, at, one.commitment())
