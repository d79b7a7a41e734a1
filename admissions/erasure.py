"""Erase a person at their own wish: the keys of what they sent are dropped, and the account is closed."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.own_account import close_account, demand_no_staff
from admissions.commitments import erasure_fields, erasure_salt
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.models.letters import Letter, LetterQuerySet
from admissions.models.outcomes import may_see_result
from admissions.models.reviews import ReviewRequest
from admissions.own import own_applications
from admissions.phases import Phase, PhaseError, Status
from audit.log import commit, record


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An application that stands against an erasure: withdraw it first, or wait for the results of its cycle."""

    application: Application
    can_withdraw: bool
    results_at: datetime | None


def obstacles(user: User) -> list[Obstacle]:
    """Return what must be done or waited for first; of an application only «withdrawn» is read, never its outcome."""
    return [_obstacle(one) for one in own_applications(user) if not _is_over(one)]


def erase(user: User, *, actor: Actor) -> int:
    """Erase who stands behind all applications of a person, and close the account; return how many applications.

    The public log gets an «erasure» for each; drafts are thrown away, and letters that wait are not sent. Raises
    PhaseError while an application is neither withdrawn nor published, Refused for staff, Denied by role. Nothing of
    the ranking, the scores or the blind copies changes.
    """
    actor.require("own.erase")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        demand_no_staff(user)
        mine = own_applications(user)
        for one in mine:
            if not _is_over(one):
                raise PhaseError(f"The application {one.reference} is still in its cycle: it cannot be erased yet.")
        ApplicationDraft.objects.filter(user=user).delete()
        _hold_back(Letter.objects.filter(user=user))
        erased = sum(_erase(one, actor) for one in mine)
        close_account(user, actor=actor)
    return erased


def _is_over(application: Application) -> bool:
    """Both lead nowhere else: a withdrawal is not taken back, nor a publication, so nothing needs to be locked."""
    return application.status == Status.WITHDRAWN or may_see_result(application.admission_cycle)


def _obstacle(application: Application) -> Obstacle:
    cycle = application.admission_cycle
    return Obstacle(application, cycle.phase == Phase.SUBMISSION, cycle.results_at)


def _erase(application: Application, actor: Actor) -> bool:
    cycle: AdmissionCycle = application.admission_cycle
    there = IdentityMapping.objects.filter(pk=application.pk, erased_at=None)
    if not there.update(erased_at=timezone.now(), **dict.fromkeys(IdentityMapping.ERASABLE)):
        return False
    ReviewRequest.objects.filter(pk=application.pk).update(**dict.fromkeys(ReviewRequest.ERASABLE))
    _hold_back(Letter.objects.filter(application=application))
    ref = application.receipt_ref.hex
    salt = erasure_salt(bytes(cycle.log_salt), ref)
    commit("erasure", cycle_ref=cycle.ref.hex, subject_ref=ref, salt=salt, fields=erasure_fields())
    record("application.erase", actor=actor, entity=("application", ref), cycle=cycle.code)
    return True


def _hold_back(letters: LetterQuerySet) -> None:
    letters.filter(state=Letter.State.QUEUED).update(state=Letter.State.FAILED, fault=Letter.ERASED)
