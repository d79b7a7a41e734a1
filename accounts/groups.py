"""Mirrors the table of roles in Django's groups, for tools that read those; permissions are never decided by them."""

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import AdminUser, User
from accounts.roles import ALL_PERMISSIONS, PERMISSIONS, RECORDED


def place(member: AdminUser) -> None:
    """Put a member of staff into the group of their role and of no other; out of all when they are not active."""
    mine = Group.objects.filter(name__in=map(str, RECORDED))
    member.user.groups.remove(*mine.exclude(name=member.role) if member.is_active else mine)
    if member.is_active:
        member.user.groups.add(Group.objects.get_or_create(name=member.role)[0])


@transaction.atomic
def sync() -> tuple[int, int]:
    """Make groups and permissions what the table of roles says; return how many of each. Again is the same."""
    kind = ContentType.objects.get_for_model(AdminUser)
    ours = Permission.objects.filter(content_type=kind, codename__contains=".")
    ours.exclude(codename__in=ALL_PERMISSIONS).delete()
    Permission.objects.bulk_create(
        [Permission(content_type=kind, codename=name, name=f"Can {name}") for name in sorted(ALL_PERMISSIONS)],
        ignore_conflicts=True,
    )
    rows = {row.codename: row for row in ours}
    for role in RECORDED:
        group, _ = Group.objects.get_or_create(name=str(role))
        group.permissions.set(rows[name] for name in PERMISSIONS[role])
        _fill(group)
    return len(RECORDED), len(rows)


def _fill(group: Group) -> None:
    """Let the group hold exactly the active staff of its role, by two statements."""
    belonging = AdminUser.objects.filter(role=group.name, is_active=True)
    members = User.groups.through.objects
    members.filter(group=group).exclude(user__in=belonging.values("user")).delete()
    joins = [User.groups.through(group=group, user_id=pk) for pk in belonging.values_list("user_id", flat=True)]
    members.bulk_create(joins, ignore_conflicts=True)
