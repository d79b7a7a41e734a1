"""Notes who was refused a change: one entry of the audit log, and of the same actor so many in an hour at most."""

from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.throttles import count
from audit.log import record

MOST, WINDOW = 60, 3600  # entries, seconds: whoever is refused all day cannot fill the log


def note(view: Any, request: Request, response: Response) -> None:
    """Write down what a signed-in actor was refused: which route, never what stood in the address."""
    actor: Actor = request.auth
    if not actor.id:
        return
    method, match = str(request.method), request.resolver_match
    with transaction.atomic():
        tally = count("refusal", f"{actor.kind}:{actor.id}", seconds=WINDOW)
        if tally.count > MOST:
            return
        record(
            "access.refused",
            actor=actor,
            entity=("route", str(match.url_name if match else "")),
            outcome="denied",
            method=method,
            needed=view.needs.get(method.lower(), ""),
            last_of_this_hour=tally.count == MOST,
        )
