"""How far the work on a cycle is: from counts that the tables have anyway, and a rate from two looks at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from admissions.figures import counted
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.phases import Phase, Status

DAY = 24 * 3600
SOON, LATER = 2, 10  # seconds until the next look, at what our workers do, and at what waits for others


@dataclass(frozen=True, slots=True)
class Work:
    """Something that is counted up to a total; ``is_ours``: our own workers do it, without anybody's help."""

    name: str
    label: Any
    done: int
    total: int
    failed: int = 0
    is_ours: bool = True

    @property
    def is_running(self) -> bool:
        """Whether something is left to be done."""
        return self.done < self.total


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a work goes since the page was opened: both None where two looks tell nothing yet."""

    per_minute: float | None
    seconds_left: float | None


def work_of(cycle: AdmissionCycle) -> Work | None:
    """Return the work of the phase that a cycle is in, or None where the phase has none."""
    made = _WORKS.get(cycle.phase)
    return made(cycle) if made else None


def pace(work: Work, query: Mapping[str, str], now: float) -> Pace:
    """Compare with the earlier look that the query carries; one that cannot have been made tells nothing."""
    earlier = _earlier(work, query, now)
    if earlier is None or work.done == earlier[0]:
        return Pace(None, None)
    per_second = (work.done - earlier[0]) / (now - earlier[1])
    return Pace(per_second * 60, (work.total - work.done) / per_second)


def look(work: Work, query: Mapping[str, str], now: float) -> str:
    """Return the query of the next look: the earlier one where it holds, or else this one."""
    done, at = _earlier(work, query, now) or (work.done, int(now))
    return urlencode({"work": work.name, "done": done, "at": at})


def _earlier(work: Work, query: Mapping[str, str], now: float) -> tuple[int, int] | None:
    try:
        done, at = int(query.get("done", "")), int(query.get("at", ""))
    except ValueError:
        return None
    holds = query.get("work") == work.name and 0 <= done <= work.done and now - DAY < at < now
    return (done, at) if holds else None


def _preprocessing(cycle: AdmissionCycle) -> Work:
    heads = Application.objects.of(cycle).heads()
    failed = heads.get(Status.FAILED, 0)
    done = heads.get(Status.BATCH_READY, 0) + failed
    total = done + heads.get(Status.PREPROCESSING, 0)
    return Work("preprocessing", _("Taking the person out of the texts"), done, total, failed)


def _exports(cycle: AdmissionCycle) -> Work:
    blind = AnonymizedApplication.objects.of(cycle)
    total, left = blind.count(), blind.unexported().count()
    return Work("exports", _("Blind copies in an export"), total - left, total, is_ours=False)


def _evaluation(cycle: AdmissionCycle) -> Work:
    blind = AnonymizedApplication.objects.of(cycle)
    total, left = blind.count(), blind.undecided().count()
    return Work("evaluation", _("Blind copies with a final score"), total - left, total, is_ours=False)


def _letters(cycle: AdmissionCycle) -> Work:
    states = counted(Letter.objects.outcomes().filter(admission_cycle=cycle), "state")
    total, queued = sum(states.values()), states.get(Letter.State.QUEUED, 0)
    failed = states.get(Letter.State.FAILED, 0) + states.get(Letter.State.BOUNCED, 0)
    return Work("letters", _("Letters about the outcome"), total - queued, total, failed)


_WORKS = {
    Phase.PREPROCESSING: _preprocessing,
    Phase.BATCH_PREP: _exports,
    Phase.PROCESSING: _evaluation,
    Phase.PUBLISHED: _letters,
    Phase.COMPLETED: _letters,
}
