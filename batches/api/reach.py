"""How far a caller sees: staff over all cycles, a machine over the one of its token, and only for its one verb."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle


def in_reach(actor: Actor, rows: QuerySet[Any], *, by: str) -> QuerySet[Any]:
    """Keep the rows that the actor may know of; ``by`` is the column with the code of their cycle."""
    return rows if actor.scope is None else rows.filter(**{by: actor.scope[1]})


def mine(actor: Actor, permission: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Keep the rows that the actor may use for ``permission``; raise Denied to a machine that is here for another."""
    actor.require(permission, cycle=actor.scope[1] if actor.scope else "")
    return in_reach(actor, rows, by="admission_cycle__code")


def cycle_of(actor: Actor, code: str) -> AdmissionCycle:
    """Return the cycle that a request names; raise ValidationError when the actor may know of none by that code."""
    cycle: AdmissionCycle | None = in_reach(actor, AdmissionCycle.objects.filter(code=code), by="code").first()
    if cycle is None:
        raise ValidationError({"cycle": ["There is no such cycle."]}, code="unknown")
    return cycle
