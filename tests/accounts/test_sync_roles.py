"""Django's groups mirror the table of roles, however often and whenever they are written."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.models import AdminUser, User
from accounts.roles import ALL_PERMISSIONS, PERMISSIONS, RECORDED, Role
from tests.factories import omar, tables, typed

pytestmark = pytest.mark.django_db

TABLES = ("auth_group", "auth_permission", "auth_group_permissions", "accounts_user_groups")


def test_groups_hold_what_the_roles_include_and_who_has_them():
    omar(Role.AUDITOR)
    User.groups.through.objects.all().delete()
    assert typed("sync_roles") == (0, f"5 groups with {len(ALL_PERMISSIONS)} permissions\n")
    held = {group.name: {one.codename for one in group.permissions.all()} for group in Group.objects.all()}
    assert held == {str(role): set(PERMISSIONS[role]) for role in RECORDED}
    assert [user.email for user in Group.objects.get(name="auditor").user_set.all()] == ["omar@example.org"]


def test_again_changes_nothing():
    omar()
    typed("sync_roles")
    before = tables(*TABLES)
    typed("sync_roles")
    assert tables(*TABLES) == before


def test_what_is_gone_is_removed():
    kind = ContentType.objects.get_for_model(AdminUser)
    Permission.objects.create(content_type=kind, codename="essays.read_aloud", name="x")
    omar(Role.AUDITOR)
    AdminUser.objects.update(role=Role.REVIEWER)
    typed("sync_roles")
    assert not Permission.objects.filter(codename="essays.read_aloud").exists()
    assert [group.name for group in User.objects.get().groups.all()] == ["reviewer"]


def test_permissions_of_django_itself_stay():
    before = set(Permission.objects.exclude(codename__contains=".").values_list("pk", flat=True))
    typed("sync_roles")
    assert set(Permission.objects.exclude(codename__contains=".").values_list("pk", flat=True)) == before


def test_before_the_tables_are_there_it_says_so(monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert typed("sync_roles") == (0, "the tables are not there yet: run migrate, then this again\n")


def test_a_permission_of_a_group_gives_nothing():
    user = User.objects.create_user("sam@example.org")
    typed("sync_roles")
    user.groups.add(Group.objects.get(name="super_admin"))
    assert not User.objects.get().has_perm("accounts.people.manage")
