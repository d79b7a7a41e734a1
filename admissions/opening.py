"""Open a cycle: store its rules and commit them, and the secret of the tie-break, before anybody applies."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.actors import Actor
from admissions import rubrics
from admissions.models.cycles import AdmissionCycle
from admissions.selection import PARTS
from audit.log import record
from enigma.errors import Conflict, Malformed

WEIGHTS = "weights"
# What a configuration file may set, beside the weights.
SETTABLE = frozenset(
    {
        "opens_at",
        "closes_at",
        "results_at",
        "rubric_version",
        "tests",
        "gpa_scale",
        "essay_max",
        "achievements_max",
        "judge_policy",
        "attempts_allowed",
        "tie_break",
        "is_demo",
    }
)


def open_cycle(code: str, *, name: str, seats: int, actor: Actor, **rules: Any) -> AdmissionCycle:
    """Make a cycle in the submission phase; raise Conflict when the code is taken, Refused when a rule is wrong.

    A rule may be given as anything that its column takes: 5 or "5" for a decimal. Malformed names the others.
    """
    actor.require("cycle.create")
    cycle = AdmissionCycle(**_as_stored({"code": code, "name": name, "seats": seats, **rules}))
    if AdmissionCycle.objects.filter(code=code).exists():
        raise Conflict(f"There is a cycle {code} already.")
    try:
        with transaction.atomic():
            cycle.save()
            secret = bytes(cycle.tie_secret_sha256).hex()
            cycle.commit("cycle.open", code=code, name=name, rules=cycle.rules(), tie_secret_sha256=secret)
            cycle.commit(
                "rubric.commit",
                version=cycle.rubric_version,
                sha256=rubrics.rubric(cycle.rubric_version).sha256,
            )
            record("cycle.open", actor=actor, entity=("cycle", code), rules=cycle.rules(), is_demo=cycle.is_demo)
    except IntegrityError as fault:
        raise Conflict(f"The database refuses the cycle {code}: {fault.__cause__.diag.message_primary}.") from None
    return cycle


def _as_stored(given: dict[str, Any]) -> dict[str, Any]:
    """Turn values into those that the database would give back; raise Malformed by field."""
    faults, values = [], {}
    for field, value in given.items():
        try:
            values[field] = AdmissionCycle._meta.get_field(field).to_python(value)
        except ValidationError as fault:
            faults.append(f"{field}: {' '.join(fault.messages)}")
    if faults:
        raise Malformed(" ".join(faults))
    return values


def rules_of(config: dict[str, Any]) -> dict[str, Any]:
    """Turn a configuration (``weights`` and the settable fields) into fields of a cycle; raise Malformed by key."""
    if unknown := sorted(config.keys() - SETTABLE - {WEIGHTS}):
        settable = ", ".join(sorted({*SETTABLE, WEIGHTS}))
        raise Malformed(f"The configuration knows no {', '.join(unknown)}; it may set {settable}.")
    rules = {key: value for key, value in config.items() if key != WEIGHTS}
    weights = config.get(WEIGHTS, {})
    if not isinstance(weights, dict):
        raise Malformed('weights must be an object such as {"academic": 0.3, ...}.')
    if unknown := sorted(weights.keys() - set(PARTS)):
        raise Malformed(f"There is no weight for {', '.join(unknown)}, only for {', '.join(PARTS)}.")
    return rules | {f"weight_{part}": weight for part, weight in weights.items()}
