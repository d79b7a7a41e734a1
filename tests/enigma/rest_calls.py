"""How the tests of enigma.rest ask a view: without an address, as an actor that they name."""

from typing import Any

from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.actors import Actor
from accounts.roles import Role
from enigma.rest.views import ApiView

OMAR = Actor(kind="staff", id="user:1", role=Role.ADMIN)


def view(**members: Any) -> type[ApiView]:
    """A route without limits; what it does is given."""
    return type("Route", (ApiView,), {"throttle_classes": (), **members})


def ask(route: type[ApiView], method: str = "get", path: str = "/", *, actor: Actor = OMAR, **options: Any) -> Any:
    """Send a request; return the rendered response."""
    request = getattr(APIRequestFactory(), method)(path, **options)
    force_authenticate(request, token=actor)
    answer = route.as_view()(request)
    return answer.render() if hasattr(answer, "render") else answer
