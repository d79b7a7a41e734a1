"""Who is acting: every deed takes an actor, asks it for the permission, and names it in the audit log."""

import os
from dataclasses import dataclass
from typing import Any

from accounts.models import AdminUser
from accounts.roles import Role, permits
from enigma.errors import Denied


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``id`` is opaque and never an address or a name."""

    kind: str  # staff, operator, system, applicant, service or nobody
    id: str
    role: str
    session_id: str = ""
    # A machine's token is for one permission and one cycle (its code); everybody else has no such bounds.
    scope: tuple[str, str] | None = None

    def require(self, permission: str, *, cycle: str = "") -> None:
        """Raise Denied unless this actor's role, and the scope of its token, include ``permission``.

        ``cycle`` is the code of the cycle that the deed is about; a scoped actor may do nothing outside its own.
        """
        if not permits(self.role, permission):
            raise Denied(f"The role {self.role or 'none'} does not include {permission}.")
        if self.scope is not None and self.scope != (permission, cycle):
            raise Denied(f"This token is for {self.scope[0]} in the cycle {self.scope[1]} only.")


def nobody() -> Actor:
    """Whoever has not signed in."""
    return Actor(kind="nobody", id="", role=Role.NOBODY)


def operator() -> Actor:
    """Whoever has a shell on the machine: they hold the keys already, so the system asks no more of them."""
    return Actor(kind="operator", id=f"uid:{os.getuid()}", role=Role.SUPER_ADMIN)


def system() -> Actor:
    """A worker doing what a step asked for."""
    return Actor(kind="system", id="worker", role=Role.SUPER_ADMIN)


def staff(email: str) -> Actor:
    """Return the staff member with this address, with the role that the database names now; raise Denied otherwise."""
    member = _active(user__email=email.strip().lower())
    if member is None:
        raise Denied("There is no active member of staff with this address.")
    return Actor(kind="staff", id=f"user:{member.user_id}", role=member.role)


def staff_again(actor_id: str, *, session_id: str = "") -> Actor:
    """Return who asked for a job, by the id of then and with the role of now; raise Denied when they are gone."""
    number = actor_id.removeprefix("user:")
    member = _active(user=int(number)) if number.isdecimal() else None
    if member is None:
        raise Denied("Whoever asked for this is no active member of staff any more.")
    return Actor(kind="staff", id=actor_id, role=member.role, session_id=session_id)


def _active(**who: Any) -> AdminUser | None:
    return AdminUser.objects.filter(is_active=True, user__is_active=True, **who).first()


def acting(email: str | None) -> Actor:
    """The actor of a command: the member of staff named by ``--actor``, or else the operator at the shell."""
    return staff(email) if email else operator()
