"""Lets people in by what allauth checks, and gives them the permissions of their staff record and no others."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import AdminUser
from accounts.roles import PERMISSIONS


class RoleBackend(AuthenticationBackend):
    """Permissions come from the role in ``admin_users``, asked for anew on every request; groups only mirror them."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions as Django spells them: ``accounts.cycle.freeze``."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_role_permissions"):  # the user object lives as long as the request
            role = AdminUser.objects.filter(user_id=user_obj.pk, is_active=True).values_list("role", flat=True).first()
            user_obj._role_permissions = {f"accounts.{name}" for name in PERMISSIONS.get(role or "", frozenset())}
        permissions: set[str] = user_obj._role_permissions
        return permissions

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the role includes the permission; being a «superuser» of Django's counts for nothing."""
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether the role includes anything of the app."""
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))
