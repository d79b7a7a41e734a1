"""Holds every route of the API to the permission that it names; a route or method that names none answers nobody."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.roles import Role, permits


class NamedPermission(BasePermission):
    """Asks the actor's role, as the database names it now, for what ``view.needs`` says of the method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the actor may; raise NotAuthenticated where signing in could help."""
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        needed = getattr(view, "needs", {}).get(method)
        if needed is None:
            # A method that does not exist is answered by 405, after this; one that does and names nothing, by nobody.
            return method not in view.http_method_names or not hasattr(view, method)
        actor: Actor = request.auth
        if permits(actor.role, needed):
            return True
        if actor.role == Role.NOBODY:
            raise NotAuthenticated
        return False
