"""When a cycle came to each phase, and that as a way in plain words: the same for everybody who applied to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.roles import STEPS
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, has_reached
from audit.models import AuditLog

TO_PHASE = {f"cycle.{step}": getattr(AdmissionCycle, step).target for step in STEPS}


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the way: it begins with a phase; ``name`` is a short title, ``meaning`` what goes on then."""

    phase: Phase
    name: Promise
    meaning: Promise


STAGES = (
    Stage(
        Phase.SUBMISSION,
        _("Applications are open"),
        _("You can still withdraw. Nobody reads an application before the closing date."),
    ),
    Stage(
        Phase.FROZEN,
        _("Applications are closed"),
        _("The rules are sealed, and nobody can apply, change an application or withdraw any more."),
    ),
    Stage(
        Phase.PREPROCESSING,
        _("Names are taken out"),
        _("A program takes names, addresses and contacts out of every application. Only that version goes on."),
    ),
    Stage(
        Phase.PROCESSING,
        _("Blind evaluation"),
        _("Language models score each application by the published rubric, and people look at doubtful cases."),
    ),
    Stage(
        Phase.SCORED,
        _("Scores are complete"),
        _("All scores are sealed in the public log. The places are given by the published rule."),
    ),
    Stage(
        Phase.PUBLISHED,
        _("Results are published"),
        _("Everybody can read their own result, with scores and reasons."),
    ),
)


@dataclass(frozen=True, slots=True)
class Point:
    """A stage as one cycle has gone through it; ``state`` is done, now or ahead."""

    stage: Stage
    state: str
    at: datetime | None
    expected: datetime | None


def phase_times(cycles: Iterable[AdmissionCycle]) -> dict[int, dict[str, datetime]]:
    """Return, by cycle and phase, when it was reached, as the audit log has it: one query for any number of cycles.

    The row of the cycle names the time of its present phase, so that this one is there before the log has it.
    """
    cycles = list(cycles)
    by_code = {cycle.code: cycle.pk for cycle in cycles}
    times: dict[int, dict[str, datetime]] = {cycle.pk: {} for cycle in cycles}
    entries = AuditLog.objects.filter(entity_type="cycle", entity_id__in=list(by_code), action__in=list(TO_PHASE))
    for code, action, at in entries.values_list("entity_id", "action", "timestamp"):
        times[by_code[code]][TO_PHASE[action]] = at
    for cycle in cycles:
        times[cycle.pk][cycle.phase] = cycle.phase_since
    return times


def way_of(cycle: AdmissionCycle, times: dict[str, datetime]) -> list[Point]:
    """Return the stages of a cycle from its phase, its dates and those of its phases, and from nothing else."""
    reached = [stage for stage in STAGES if has_reached(cycle.phase, stage.phase)]
    now, ended = reached[-1], has_reached(cycle.phase, Phase.PUBLISHED)
    expected = {Phase.FROZEN: cycle.closes_at, Phase.PUBLISHED: cycle.results_at}
    points = []
    for stage in STAGES:
        state = "ahead" if stage not in reached else "now" if stage is now and not ended else "done"
        at = cycle.opens_at if stage.phase == Phase.SUBMISSION else times.get(stage.phase)
        points.append(Point(stage, state, at, None if at else expected.get(stage.phase)))
    return points


def now_of(points: list[Point]) -> Point:
    """Return the stage at which a cycle is, or the last one when it has gone through all."""
    return next((one for one in points if one.state == "now"), points[-1])


def dated(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return way and present stage of one cycle, for a page."""
    points = way_of(cycle, phase_times([cycle])[cycle.pk])
    return {"way": points, "now": now_of(points)}
