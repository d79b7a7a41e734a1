"""Hand in what a draft holds, once however often it is asked; take back, and forget the draft with it."""

from django.db import transaction

from accounts.actors import Actor
from accounts.models import User
from admissions.changes import change
from admissions.chunks import limits_of
from admissions.drafts import discard, held_draft
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.own import own_in
from admissions.sections import as_row
from admissions.storing import hold_door
from admissions.submission import FIELDS, submit, withdraw
from enigma.errors import Conflict


class Outdated(Conflict):
    """The draft has changed since it was shown; nothing was handed in."""


def hand_in(cycle: AdmissionCycle, *, version: int, user: User, actor: Actor) -> str:
    """Hand in the draft in that version, or the change that it is, and return the reference; the draft goes.

    A second click, or one again after a lost connection, finds no draft and returns the same reference. Raises Outdated
    when another tab has saved since, Conflict when nothing was ever written, and what ``submit`` and ``change`` raise.
    """
    actor.require("application.submit")
    with transaction.atomic():
        hold_door(cycle)
        draft = held_draft(cycle, user)
        earlier = own_in(cycle, user)
        if draft is None or (earlier and draft.application_id is None):
            return _reference(earlier)
        if draft.version != version:
            raise Outdated("Your answers have changed since this page was opened. Please check them again.")
        reference = _handed_in(cycle, draft, earlier, user=user, actor=actor)
        draft.delete()
    return reference


def take_back(application: Application, *, user: User, actor: Actor) -> None:
    """Withdraw an application, and forget a change of it that was begun."""
    with transaction.atomic():
        withdraw(application, actor=actor)
        discard(application.admission_cycle, user=user, actor=actor)


def _reference(earlier: Application | None) -> str:
    if earlier is None:
        raise Conflict("There is nothing to hand in yet.")
    return earlier.reference


def _handed_in(
    cycle: AdmissionCycle, draft: ApplicationDraft, earlier: Application | None, *, user: User, actor: Actor
) -> str:
    row = as_row(draft.values(), user.email, limits_of(cycle))
    values = {name: row.values[name] for name in FIELDS}
    receipt = (
        change(earlier, values, user=user, actor=actor) if earlier else submit(cycle, values, user=user, actor=actor)
    )
    return receipt.reference
