"""Who may hand in or change now: everybody between the dates of a cycle, one person longer by late access."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts.models import User
from admissions.models.cycles import AdmissionCycle
from admissions.models.late_access import LateAccess
from admissions.phases import Phase, PhaseError
from admissions.storing import Door
from enigma.rest.serializers import rfc3339


class Shut(StrEnum):
    """Why nobody, or this person, may hand in just now."""

    EARLY = "early"
    LATE = "late"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Opening:
    """What the dates of a cycle mean to one person: if it is shut, until when it is open, whether by late access."""

    shut: Shut | None
    until: datetime | None
    by_grant: bool = False


def opening_for(cycle: AdmissionCycle, user: User) -> Opening:
    """Say what a page may offer; by our clock, so that the deeds, which ask the database's, have the last word."""
    door = Door(cycle.phase, cycle.opens_at, cycle.closes_at, timezone.now())
    shut = shut_by(door)
    if shut != Shut.LATE:
        return Opening(shut, cycle.closes_at)
    grant = LateAccess.objects.of(cycle, user.pk).open_at(door.now).first()
    return Opening(None, grant.until, by_grant=True) if grant else Opening(shut, cycle.closes_at)


def demand_open(cycle: AdmissionCycle, door: Door, user_id: int, *, use: bool = True) -> None:
    """Raise PhaseError unless this person may hand in, change or save now; ``use`` notes that late access was used."""
    shut = shut_by(door)
    if shut == Shut.LATE and _let_in_late(cycle, door, user_id, use=use):
        return
    if shut == Shut.FROZEN:
        raise PhaseError(f"{cycle.code} takes no more applications: it is in {door.phase}.")
    if shut == Shut.EARLY and door.opens_at:
        raise PhaseError(f"{cycle.code} takes applications from {rfc3339(door.opens_at)} on.")
    if shut == Shut.LATE and door.closes_at:
        raise PhaseError(f"{cycle.code} takes no more applications: it closed at {rfc3339(door.closes_at)}.")


def shut_by(door: Door) -> Shut | None:
    """Say what shuts a cycle to everybody without late access, if anything does."""
    if door.phase != Phase.SUBMISSION:
        return Shut.FROZEN
    if door.opens_at and door.now < door.opens_at:
        return Shut.EARLY
    return Shut.LATE if door.closes_at and door.now >= door.closes_at else None


def _let_in_late(cycle: AdmissionCycle, door: Door, user_id: int, *, use: bool) -> bool:
    grant = LateAccess.objects.of(cycle, user_id).open_at(door.now).first()
    if grant and use and grant.used_at is None:
        LateAccess.objects.filter(pk=grant.pk, used_at=None).update(used_at=door.now)
    return grant is not None
