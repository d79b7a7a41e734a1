"""What must hold before each step, as data: the step refuses by it, and the console shows it. No rule is told twice."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from admissions import selection
from admissions.models import sealing
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.models.faults import ranking_faults, score_faults
from admissions.models.leaves import waiting
from admissions.phases import PhaseError, Status
from admissions.rules import rule_faults

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

REHEARSAL = "rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition of a step: what must hold, what to do where it does not, and the sentence that then says no.

    ``label`` and ``advice`` are translated when they are shown; the sentence of a refusal is English everywhere.
    ``fault`` is quick enough for every look at a page. ``late`` reads all rows of a cycle or a whole log, and is asked
    only when the step is taken; it is given what the step has worked out by then.
    """

    label: Any
    advice: Any = ""
    fault: "Callable[[AdmissionCycle], str | None] | None" = None
    late: "Callable[[AdmissionCycle, Any], str | None] | None" = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A check as it stands now: ``is_met`` is None for one that is asked only when the step is taken."""

    label: Any
    is_met: bool | None
    reason: str
    advice: Any


def demand(step: str, cycle: "AdmissionCycle") -> None:
    """Raise PhaseError with the first quick check of a step that does not hold."""
    for check in CHECKS[step]:
        if check.fault and (fault := check.fault(cycle)):
            raise PhaseError(fault)


def demand_late(step: str, cycle: "AdmissionCycle", found: Any = None) -> None:
    """Raise PhaseError with the first late check of a step that does not hold, given what the step has found."""
    for check in CHECKS[step]:
        if check.late and (fault := check.late(cycle, found)):
            raise PhaseError(fault)


def seen(step: str, cycle: "AdmissionCycle") -> list[Seen]:
    """Return all checks of a step: the quick ones as they stand now, the late ones as still open."""
    return list(_seen(step, cycle))


def _seen(step: str, cycle: "AdmissionCycle") -> Iterator[Seen]:
    for check in CHECKS[step]:
        fault = check.fault(cycle) if check.fault else None
        yield Seen(check.label, None if check.late else fault is None, fault or "", check.advice if fault else "")


def broken_rules(cycle: "AdmissionCycle") -> str | None:
    """Say when the rules of a cycle are none that a cycle can have."""
    faults = rule_faults(cycle)
    return f"The rules of {cycle.code} do not hold: {'; '.join(faults)}." if faults else None


def rehearsed(cycle: "AdmissionCycle") -> int:
    """Count the final scores that come from the stand-in engine."""
    return FinalScore.objects.filter(admission_cycle=cycle, engine__startswith=REHEARSAL).count()


def _unlogged(cycle: "AdmissionCycle") -> str | None:
    count = waiting(cycle)
    return f"{count} entries of {cycle.code} are not in the log yet: run a worker or sequence_log." if count else None


def _nobody(cycle: "AdmissionCycle") -> str | None:
    somebody = Application.objects.of(cycle).filter(status=Status.SUBMITTED).exists()
    return None if somebody else f"{cycle.code} has no application to freeze."


def _intake(cycle: "AdmissionCycle", found: Any) -> str | None:
    return next(sealing.intake_faults(cycle), None)


def _let_in_late(cycle: "AdmissionCycle") -> str | None:
    return next(sealing.late_access_faults(cycle), None)


def _outside(cycle: "AdmissionCycle", found: Any) -> str | None:
    return next(sealing.rule_breakers(cycle), None)


def _unscrubbed(cycle: "AdmissionCycle") -> str | None:
    left = Application.objects.of(cycle).filter(status=Status.PREPROCESSING).count()
    return f"{left} applications of {cycle.code} are not scrubbed yet: is a worker running?" if left else None


def _unread(cycle: "AdmissionCycle") -> str | None:
    failed = Application.objects.of(cycle).unacknowledged_failures().count()
    return (
        f"{failed} applications of {cycle.code} could not be read; set them aside or restore them." if failed else None
    )


def _uncopied(cycle: "AdmissionCycle") -> str | None:
    ready = Application.objects.of(cycle).filter(status=Status.BATCH_READY).count()
    blind = AnonymizedApplication.objects.of(cycle).count()
    if ready == blind:
        return None
    return f"{ready} applications of {cycle.code} are ready, but there are {blind} blind copies."


def _without_application(cycle: "AdmissionCycle", found: Any) -> str | None:
    blind = AnonymizedApplication.objects.of(cycle).count()
    if found["blind_copies"] == blind:
        return None
    return f"Of {blind} blind copies of {cycle.code}, {found['blind_copies']} have an application."


def _unexported(cycle: "AdmissionCycle") -> str | None:
    left = AnonymizedApplication.objects.of(cycle).unexported().count()
    return f"{left} blind copies of {cycle.code} are in no export yet." if left else None


def _undecided(cycle: "AdmissionCycle") -> str | None:
    undecided = AnonymizedApplication.objects.of(cycle).undecided().count()
    if not undecided:
        return None
    stuck = FinalScore.objects.filter(admission_cycle=cycle, status=FinalScore.Status.WAITING).count()
    return f"{undecided} blind copies of {cycle.code} have no final score; {stuck} of them wait for a person."


def _criteria(cycle: "AdmissionCycle") -> str | None:
    faults = selection.tie_break_faults(cycle.tie_break)
    return f"The criteria of {cycle.code} are not valid: {'; '.join(faults)}." if faults else None


def _scores(cycle: "AdmissionCycle", found: Any) -> str | None:
    fault = next(score_faults(cycle), None)
    return f"{cycle.code} cannot be ranked: {fault}." if fault else None


def _without_outcome(cycle: "AdmissionCycle") -> str | None:
    left = Application.objects.of(cycle).filter(status=Status.SCORED).count()
    return f"{left} applications of {cycle.code} have no outcome." if left else None


def _rehearsed(cycle: "AdmissionCycle") -> str | None:
    if cycle.is_demo or not (count := rehearsed(cycle)):
        return None
    return f"{count} scores of {cycle.code} are rehearsal answers; only a demo may publish them."


def _outcomes(cycle: "AdmissionCycle", found: Any) -> str | None:
    fault = next(ranking_faults(cycle), None) or next(score_faults(cycle), None)
    return f"The outcomes of {cycle.code} cannot be published: {fault}." if fault else None


def _logs(cycle: "AdmissionCycle", found: Any) -> str | None:
    return None if found.ok else f"The audit log does not verify: {found.fault}."


_LOGGED = Check(
    label=_("Every entry of this cycle stands in the log"),
    advice=_("A running worker brings the log up to date within a minute; wait a little and look again."),
    fault=_unlogged,
)

# In the order in which a step asks, the quick ones first: the first that does not hold refuses it.
CHECKS: dict[str, tuple[Check, ...]] = {
    "freeze": (
        Check(
            label=_("The rules hold"),
            advice=_("Change the rules of this cycle; afterwards they are sealed."),
            fault=broken_rules,
        ),
        _LOGGED,
        Check(
            label=_("Nobody who was let in late may still hand in"),
            advice=_("Wait until their time is over, or end their late access."),
            fault=_let_in_late,
        ),
        Check(label=_("Submissions and withdrawals are those that the log holds"), late=_intake),
        Check(label=_("Every application lies within the rules"), late=_outside),
        Check(
            label=_("There is an application"),
            advice=_("Wait for the first application, or import a file of them."),
            fault=_nobody,
        ),
    ),
    "start_preprocessing": (),
    "start_batch_prep": (
        Check(
            label=_("Every application is scrubbed"),
            advice=_("Workers do this. Should the number stand still, start one: manage.py run_worker."),
            fault=_unscrubbed,
        ),
        Check(
            label=_("Every application could be read, or a person has set it aside"),
            advice=_("Decide about each: try it again, or set it aside with a reason."),
            fault=_unread,
        ),
        Check(
            label=_("Every application has its blind copy"),
            advice=_("An application and its copy do not fit together. Look into the audit log before you go on."),
            fault=_uncopied,
        ),
        Check(label=_("Every blind copy has its application"), late=_without_application),
    ),
    "start_processing": (
        Check(
            label=_("Every blind copy is in an export"),
            advice=_("Make an export of the worker batch; it takes up what no export holds yet."),
            fault=_unexported,
        ),
    ),
    "mark_scored": (
        Check(
            label=_("Every blind copy has a final score, or a person has set it aside"),
            advice=_("Import the answers that are still out, and decide about those that wait for a person."),
            fault=_undecided,
        ),
    ),
    "perform_selection": (
        Check(
            label=_("The criteria are valid"),
            advice=_("Sealed rules cannot have become wrong by themselves. Look into the audit log."),
            fault=_criteria,
        ),
        Check(label=_("Scores and evidence are those that were committed to the log"), late=_scores),
    ),
    "publish_results": (
        Check(
            label=_("Every application has an outcome"),
            advice=_("An application was left out of the selection. Look into the audit log before you go on."),
            fault=_without_outcome,
        ),
        Check(
            label=_("No score comes from the rehearsal engine, or this is a demo"),
            advice=_("This cycle was evaluated by the stand-in for trials, and cannot be published."),
            fault=_rehearsed,
        ),
        Check(label=_("Ranks, outcomes and scores are those of the selection"), late=_outcomes),
    ),
    "complete": (
        _LOGGED,
        Check(label=_("Both logs verify from the first entry to the last"), late=_logs),
    ),
}
