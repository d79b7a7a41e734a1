"""Recompute the milestones that the public log holds of a cycle: freeze, scrub, score and selection."""

import hashlib
from collections.abc import Iterator
from typing import Any

from admissions import selection
from admissions.models.cycles import AdmissionCycle
from admissions.models.digests import score_facts, scrub_facts
from admissions.models.leaves import is_committed
from admissions.phases import Phase, has_reached
from admissions.rules import rule_faults
from audit.models import AuditLog
from enigma.encryption import UnreadableRecord

FREEZE_FACTS = ("applications", "log_head", "tie_secret_sha256")


def milestone_faults(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    """Yield kind and reason for each milestone behind the cycle that is not what the records give now."""
    checks = {
        "freeze": (Phase.FROZEN, _freeze_faults),
        "scrub": (Phase.BATCH_PREP, _scrub_faults),
        "score": (Phase.SCORED, _score_faults),
        "selection": (Phase.SELECTION, _selection_faults),
    }
    for kind, (phase, faults) in checks.items():
        if has_reached(cycle.phase, phase):
            yield from ((kind, reason) for reason in faults(cycle))


def _freeze_faults(cycle: AdmissionCycle) -> Iterator[str]:
    """The leaf holds the rules, and the facts that the audit entry of the freeze tells; they give the seed."""
    if faults := rule_faults(cycle):
        yield f"the sealed rules do not hold: {'; '.join(faults)}"
        return
    facts = _told(cycle)
    if facts is None:
        yield "the audit log holds no entry of the freeze"
    elif not is_committed(cycle, "freeze", {"rules": cycle.rules(), **facts}):
        yield "rules and facts are not those that were sealed"
    elif not _seed_follows(cycle, facts):
        yield "the seed of the tie-break is not what its secret and the log give"


def _told(cycle: AdmissionCycle) -> dict[str, Any] | None:
    entry = AuditLog.objects.filter(entity_type="cycle", entity_id=cycle.code, action="cycle.freeze").last()
    return {name: entry.details.get(name) for name in FREEZE_FACTS} if entry else None


def _seed_follows(cycle: AdmissionCycle, facts: dict[str, Any]) -> bool:
    try:
        secret = cycle.tie_secret()
    except UnreadableRecord:
        return False
    committed = {facts["tie_secret_sha256"], bytes(cycle.tie_secret_sha256).hex()}
    seed = selection.seed(secret, log_head=bytes.fromhex(facts["log_head"]))
    return committed == {hashlib.sha256(secret).hexdigest()} and seed == bytes(cycle.tie_seed)


def _scrub_faults(cycle: AdmissionCycle) -> Iterator[str]:
    if not is_committed(cycle, "scrub", scrub_facts(cycle)):
        yield "the blind copies, or who stands behind them, are not those that were committed"


def _score_faults(cycle: AdmissionCycle) -> Iterator[str]:
    if not is_committed(cycle, "score", score_facts(cycle)):
        yield "the scores are not those that were committed"


def _selection_faults(cycle: AdmissionCycle) -> Iterator[str]:
    logged = cycle.selection_or_none()
    if logged is None:
        yield "the run of selection is gone"
    elif not is_committed(cycle, "selection", logged.facts()):
        yield "the run of selection is not the one that was committed"
