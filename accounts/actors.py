"""Who is acting: every deed takes an actor, asks it for the permission, and names it in the audit log."""

import os
from dataclasses import dataclass

from accounts.models import AdminUser
from accounts.roles import Role, permits
from enigma.errors import Denied


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``id`` is opaque and never an address or a name."""

    kind: str  # staff, operator or system
    id: str
    role: str
    session_id: str = ""

    def require(self, permission: str) -> None:
        """Raise Denied unless this actor's role includes ``permission``."""
        if not permits(self.role, permission):
            raise Denied(f"The role {self.role or 'none'} does not include {permission}.")


def operator() -> Actor:
    """Whoever has a shell on the machine: they hold the keys already, so the system asks no more of them."""
    return Actor(kind="operator", id=f"uid:{os.getuid()}", role=Role.SUPER_ADMIN)


def system() -> Actor:
    """A worker doing what a step asked for."""
    return Actor(kind="system", id="worker", role=Role.SUPER_ADMIN)


def staff(email: str) -> Actor:
    """Return the staff member with this address, with the role that the database names now; raise Denied otherwise."""
    member = (
        AdminUser.objects.select_related("user")
        .filter(user__email=email.strip().lower(), is_active=True, user__is_active=True)
        .first()
    )
    if member is None:
        raise Denied("There is no active member of staff with this address.")
    return Actor(kind="staff", id=f"user:{member.user_id}", role=member.role)


def acting(email: str | None) -> Actor:
    """The actor of a command: the member of staff named by ``--actor``, or else the operator at the shell."""
    return staff(email) if email else operator()
