"""What a demo shows beside its finished cycle: an open one to try, and people to sign in as. Never in earnest."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import second_factor, sessions
from accounts.actors import Actor
from accounts.models import AdminUser
from accounts.newcomers import confirm_address, person_for
from accounts.passwords import new_password
from accounts.people import change_person
from accounts.roles import STAFF, Role
from accounts.staff import create_staff
from admissions.models.cycles import AdmissionCycle
from admissions.opening import open_cycle
from admissions.phases import Phase
from audit.log import record
from enigma.errors import Refused

OPEN = "open-"  # how the codes of open demo cycles begin
OPEN_FOR = timedelta(weeks=6)
ADDRESSES = {role: f"{role.replace('_', '.')}@demo.example" for role in STAFF}
APPLICANT = "applicant@demo.example"  # has an account and no application yet


@dataclass(frozen=True, slots=True)
class Pass:
    """How to sign in as a member of staff, while this demo runs."""

    role: str
    address: str
    password: str


def demand_demo() -> None:
    """Raise Refused where this database serves anybody in earnest: known passwords have no place there."""
    if real := AdmissionCycle.objects.filter(is_demo=False).values_list("code", flat=True).first():
        raise Refused(f"This database holds {real}, which is no demo: it gets no people of a demo. See --no-serve.")
    if AdminUser.objects.exclude(user__email__in=ADDRESSES.values()).exists():
        raise Refused("This database has members of staff of its own: it gets no people of a demo. See --no-serve.")


def open_showcase(actor: Actor) -> tuple[AdmissionCycle, bool]:
    """Return a demo cycle that takes applications, and whether it was opened just now and so is empty."""
    mine = AdmissionCycle.objects.filter(code__startswith=OPEN, is_demo=True)
    still = Q(closes_at__gt=timezone.now() + timedelta(days=1))
    if there := mine.filter(still, phase=Phase.SUBMISSION).first():
        return there, False
    number = mine.count() + 1
    closes = (timezone.now() + OPEN_FOR).replace(hour=23, minute=59, second=0, microsecond=0)
    rules = {"seats": 8, "is_demo": True, "closes_at": closes}
    return open_cycle(f"{OPEN}{number}", name=f"Open demo cycle {number}", actor=actor, **rules), True


def let_in(actor: Actor) -> list[Pass]:
    """Give each role of staff somebody with a password that nobody knows from before, and let an applicant in.

    Whoever is there already is what the demo says again: role, in use, no second factor, no session.
    """
    demand_demo()
    confirm_address(person_for(APPLICANT))
    # The leading one first: when others were given that role, one of them may only lose it beside another.
    roles = sorted(STAFF, key=lambda role: role != Role.SUPER_ADMIN)
    made = {role: _pass_for(role, actor) for role in roles}
    return [made[role] for role in STAFF]


def _pass_for(role: Role, actor: Actor) -> Pass:
    address, password = ADDRESSES[role], new_password()
    with transaction.atomic():
        member = AdminUser.objects.select_related("user").filter(user__email=address).first()
        if member is None:
            create_staff(address, password, role=role, actor=actor)
        else:
            _renew(member, password, role, actor)
    return Pass(role, address, password)


def _renew(member: AdminUser, password: str, role: Role, actor: Actor) -> None:
    change_person(member, role=role, is_active=True, actor=actor)
    if second_factor.has_one(member.user):
        second_factor.reset(member, actor)
    member.user.set_password(password)
    member.user.save(update_fields=["password"])
    record("password.reset", actor=actor, entity=("user", str(member.user_id)))
    sessions.end_all(member.user, actor=actor, reason="password_changed")
