"""Make and change staff records; every change is in the audit log."""

from django.db import transaction

from accounts.actors import Actor
from accounts.groups import place
from accounts.models import AdminUser, User
from accounts.newcomers import confirm_address
from audit.log import record
from enigma.errors import Conflict


def create_staff(email: str, password: str | None, *, role: str, actor: Actor) -> AdminUser:
    """Make a user with a role; raise Conflict when the address has a staff record, Denied without the permission.

    A user who is there already, an applicant say, keeps the account and gets the password and the role. Without a
    password they sign in by codes that are sent to the address.
    """
    actor.require("people.manage")
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email=email.strip().lower()).first()
        if user is not None and AdminUser.objects.filter(user=user).exists():
            raise Conflict("This address belongs to a member of staff already.")
        user = user or User.objects.create_user(email)
        if password is not None:
            user.set_password(password)
            user.save(update_fields=["password"])
        confirm_address(user)
        member = AdminUser.objects.create(user=user, role=role)
        place(member)
        record("staff.create", actor=actor, entity=("user", str(user.pk)), role=role)
    return member
