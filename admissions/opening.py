"""Open a cycle: store its rules and commit them, and the tie-break's secret; change them until they are sealed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from accounts.actors import Actor
from admissions import rubrics
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError
from admissions.rules import WrongRules, named_faults
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
# What may change until the freeze: all but the code, by which everybody names the cycle.
AMENDABLE = SETTABLE | {"name", "seats"} | {f"weight_{part}" for part in PARTS}


def open_cycle(code: str, *, name: str, seats: int, actor: Actor, **rules: Any) -> AdmissionCycle:
    """Make a cycle in the submission phase; raise Conflict when the code is taken, WrongRules by field.

    A rule may be given as anything that its column takes: 5 or "5" for a decimal.
    """
    actor.require("cycle.create")
    cycle = AdmissionCycle(**_as_stored({"code": code, "name": name, "seats": seats, **rules}))
    _hold(cycle)
    if AdmissionCycle.objects.filter(code=code).exists():
        raise Conflict(f"There is a cycle {code} already.")
    with _in_the_words_of_a_rule(code), transaction.atomic():
        cycle.save()
        secret = bytes(cycle.tie_secret_sha256).hex()
        cycle.commit("cycle.open", code=code, name=name, rules=cycle.rules(), tie_secret_sha256=secret)
        cycle.commit(
            "rubric.commit",
            version=cycle.rubric_version,
            sha256=rubrics.rubric(cycle.rubric_version).sha256,
        )
        record("cycle.open", actor=actor, entity=("cycle", code), rules=cycle.rules(), is_demo=cycle.is_demo)
    return cycle


def amend_cycle(
    cycle: AdmissionCycle, changes: Mapping[str, Any], *, actor: Actor, version: Callable[[AdmissionCycle], None]
) -> AdmissionCycle:
    """Change rules before the freeze, and return the cycle as it is stored now; raise PhaseError once they are sealed.

    ``changes`` are fields as ``rules_of`` gives them, and ``name`` and ``seats``. ``version`` is called with the locked
    row and raises where that is not what the actor has read. A change gets no leaf of its own in the public log: what
    binds is the leaf of the freeze, which commits the rules that count before anything is evaluated, beside the leaf of
    the opening; the way between the two is in the internal log, which the freeze anchors.
    """
    actor.require("cycle.change")
    if unknown := sorted(changes.keys() - AMENDABLE):
        raise Malformed(f"A change of a cycle knows no {', '.join(unknown)}.")
    with _in_the_words_of_a_rule(cycle.code), transaction.atomic():
        current = AdmissionCycle.objects.select_for_update().get(pk=cycle.pk)
        version(current)
        if current.phase != Phase.SUBMISSION:
            raise PhaseError(f"{current.code} is sealed since the freeze: its rules cannot change.")
        before = _told(current)
        for field, value in _as_stored(changes).items():
            setattr(current, field, value)
        _hold(current)
        if changed := _changed(before, _told(current)):
            current.save()
            record("cycle.change", actor=actor, entity=("cycle", current.code), changed=changed)
    return current


def _told(cycle: AdmissionCycle) -> dict[str, Any]:
    return {"name": cycle.name, **cycle.rules()}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: {"from": before[name], "to": after[name]} for name in before if before[name] != after[name]}


def _hold(cycle: AdmissionCycle) -> None:
    if faults := named_faults(cycle):
        told = "; ".join(fault for _, fault in faults)
        raise WrongRules(f"The rules of {cycle.code} do not hold: {told}.", faults)


@contextmanager
def _in_the_words_of_a_rule(code: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as fault:
        raise Conflict(f"The database refuses the cycle {code}: {fault.__cause__.diag.message_primary}.") from None


def _as_stored(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn values into those that the database would give back; raise WrongRules by field."""
    faults, values = [], {}
    for name, value in given.items():
        try:
            values[name] = _clean(AdmissionCycle._meta.get_field(name), value)
        except ValidationError as fault:
            faults.append((name, " ".join(fault.messages)))
    if faults:
        raise WrongRules(" ".join(f"{name}: {fault}" for name, fault in faults), faults)
    return values


def _clean(column: Any, value: Any) -> Any:
    if isinstance(column, models.JSONField):
        return value  # what may stand in it, the rules say
    if isinstance(value, bool) and not isinstance(column, models.BooleanField):
        raise ValidationError(f"{str(value).lower()} is not a value of this rule.")
    return column.clean(value, None)


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
