"""What all eight steps share: lock, compare, check, act, count heads, save, write it down."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from admissions.models.applications import Application
from admissions.phases import STATUSES_OF, Phase, PhaseError
from audit.log import record
from enigma.errors import Refused

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

Facts = dict[str, Any]


class DryRun(Exception):
    """Carries the facts of a rehearsed step out of the transaction that is rolled back."""

    def __init__(self, facts: Facts) -> None:
        super().__init__("dry run")
        self.facts = facts


def moves(source: Phase, target: Phase) -> Callable[..., Callable[..., Facts]]:
    """Make a method of AdmissionCycle the step from ``source`` to ``target``.

    The step runs in one transaction with the cycle's row locked; it returns facts (counts, digests) for the audit
    entry. With ``dry_run=True`` everything happens and nothing stays. Raises PhaseError, or Denied by role.
    """

    def decorator(step: Callable[..., Facts]) -> Callable[..., Facts]:
        @wraps(step)
        def wrapper(cycle: "AdmissionCycle", *, actor: Actor, reason: str = "", dry_run: bool = False) -> Facts:
            actor.require(f"cycle.{step.__name__}")
            cycle.actor = actor
            before = {name: getattr(cycle, name) for name in cycle.changed_by_steps}
            try:
                with transaction.atomic():
                    facts = _take(cycle, step, source, target)
                    _write_down(cycle, step.__name__, actor=actor, reason=reason, facts=facts)
                    if dry_run:
                        raise DryRun(facts)
            except DryRun as rehearsed:
                cycle.refresh_from_db()
                return rehearsed.facts
            except Refused:
                cycle.refresh_from_db()  # somebody else may have been faster: the row says where the cycle is
                raise
            except BaseException:
                cycle.__dict__.update(before)
                raise
            return facts

        wrapper.source, wrapper.target = source, target  # type: ignore[attr-defined]
        return wrapper

    return decorator


def demand_source(cycle: "AdmissionCycle", step: str) -> None:
    """Raise PhaseError unless the cycle, as it was read, is where the step starts."""
    source = getattr(type(cycle), step).source
    if cycle.phase != source:
        raise PhaseError(f"{step} needs the phase {source}, but {cycle.code} is in {cycle.phase}.")


def _take(cycle: "AdmissionCycle", step: Callable[..., Facts], source: Phase, target: Phase) -> Facts:
    cycle.refresh_from_db(from_queryset=type(cycle).objects.select_for_update())
    demand_source(cycle, step.__name__)
    before = Application.objects.of(cycle).heads()
    facts = step(cycle)
    after = Application.objects.of(cycle).heads()
    _reconcile(step.__name__, before, after, target)
    cycle.phase, cycle.phase_since = target, timezone.now()
    cycle.save(update_fields=[*cycle.changed_by_steps])
    return {"from": str(source), "to": str(target), "heads_before": before, "heads_after": after, **facts}


def _reconcile(step: str, before: dict[str, int], after: dict[str, int], target: Phase) -> None:
    if sum(before.values()) != sum(after.values()):
        raise PhaseError(f"{step} would turn {sum(before.values())} applications into {sum(after.values())}.")
    if strays := {status: count for status, count in after.items() if status not in STATUSES_OF[target]}:
        listed = ", ".join(f"{count} {status}" for status, count in strays.items())
        raise PhaseError(f"{step} would leave applications behind: {listed}.")


def _write_down(cycle: "AdmissionCycle", step: str, *, actor: Actor, reason: str, facts: Facts) -> None:
    # The audit entry comes last: the log's own lock is then held for a moment only.
    record(f"cycle.{step}", actor=actor, entity=("cycle", cycle.code), reason=reason or None, **facts)
