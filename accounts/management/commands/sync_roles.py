"""Mirror the table of roles in Django's groups; safe at any time, also before the tables are there."""

from typing import Any

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.groups import sync
from accounts.models import AdminUser
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Mirror the roles and their permissions in Django's groups"

    def operate(self, **options: Any) -> None:
        """Write the groups, or say that there is nothing to write to yet."""
        needed = {model._meta.db_table for model in (Group, ContentType, AdminUser)}
        if not needed <= set(connection.introspection.table_names()):
            self.stdout.write("the tables are not there yet: run migrate, then this again")
            return
        groups, permissions = sync()
        self.stdout.write(f"{groups} groups with {permissions} permissions")
