"""Colleagues: list them, change what they are, end their sessions. Every change is in the audit log."""

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import sessions
from accounts.actors import Actor
from accounts.groups import place
from accounts.models import AdminSession, AdminUser
from accounts.roles import STAFF, Role
from audit.log import record
from enigma.errors import Conflict, Malformed, Refused


def people(actor: Actor) -> QuerySet[AdminUser]:
    """Return everybody with a staff record, active or not; raise Denied without the permission."""
    actor.require("people.manage")
    return AdminUser.objects.select_related("user")


def hold(member: AdminUser, *, actor: Actor) -> AdminUser:
    """Return a colleague as they are now, and keep them so until the transaction ends."""
    actor.require("people.manage")
    return next(one for one in _held(member.user_id) if one.pk == member.pk)


def version_of(member: AdminUser) -> str:
    """Return what tells whether somebody else has changed the record since it was read."""
    return f"{member.role}:{member.is_active}"


@transaction.atomic
def change_person(
    member: AdminUser, *, role: str | None = None, is_active: bool | None = None, expected: str = "", actor: Actor
) -> AdminUser:
    """Give a colleague another role, or take the staff record out of use or back; their sessions end by it.

    Raise Refused for one's own record and for the last active super_admin, Malformed for what is no role of staff,
    Conflict when ``expected`` is a version that the record does not have any more.
    """
    actor.require("people.manage")
    if role is not None and role not in STAFF:
        raise Malformed(f"A member of staff is one of {', '.join(STAFF)}.")
    held = _held(member.user_id)
    leading = [one.pk for one in held if one.role == Role.SUPER_ADMIN and one.is_active and one.user.is_active]
    member = next(one for one in held if one.pk == member.pk)
    if expected and expected != version_of(member):
        raise Conflict("Somebody else has changed this record since you read it: look again.")
    if actor.id == f"user:{member.user_id}":
        raise Refused("Nobody changes their own role: ask a colleague.")
    before = {"role": member.role, "is_active": member.is_active}
    member.role = member.role if role is None else str(role)
    member.is_active = member.is_active if is_active is None else is_active
    after = {"role": member.role, "is_active": member.is_active}
    if before == after:
        return member
    if leading == [member.pk] and after != {"role": Role.SUPER_ADMIN, "is_active": True}:
        raise Refused("This is the last active super_admin, and one must stay.")
    member.save(update_fields=["role", "is_active"])
    place(member)
    record("staff.change", actor=actor, entity=("user", str(member.user_id)), before=before, after=after)
    sessions.end_all(member.user, actor=actor, reason="role_changed")
    return member


def end_sessions_of(member: AdminUser, *, actor: Actor) -> int:
    """End all sessions of a colleague; return how many."""
    actor.require("people.manage")
    return sessions.end_all(member.user, actor=actor, reason="ended_by_colleague")


def end_session_of(session: AdminSession, *, actor: Actor) -> bool:
    """End one session of a colleague; return whether it was live until now."""
    actor.require("people.manage")
    return bool(sessions.end(AdminSession.objects.filter(pk=session.pk), actor=actor, reason="ended_by_colleague"))


def _held(person_id: int) -> list[AdminUser]:
    """Lock a person, and with them all who could be the last super_admin, in one order.

    So two who demote each other at once do so one after the other, and neither waits for the other in a ring.
    """
    leading = Q(role=Role.SUPER_ADMIN, is_active=True, user__is_active=True)
    rows = AdminUser.objects.filter(leading | Q(user=person_id)).select_related("user")
    return list(rows.select_for_update(of=("self",)).order_by("pk"))
