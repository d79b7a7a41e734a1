"""Which questions are open, and what an export claims of them: set-based SQL, under the lock of the cycle."""

from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.db.models import Count

from admissions.models.blind import AnonymizedApplication
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError
from batches.formats.base import MOST_TOKENS
from batches.models import BatchRun, EvaluationRequest

# gen_random_uuid() is 122 random bits; without its hyphens it fits every engine's pattern for ids.
NEW_ID = "replace(gen_random_uuid()::text, '-', '')"

# In which phases a stage may be exported: the first questions are written before processing starts.
PHASES: dict[str, tuple[Phase, ...]] = {
    "worker": (Phase.BATCH_PREP, Phase.PROCESSING),
    "judge": (Phase.PROCESSING,),
}

# The first question about every blind copy that was never asked about; it needs no row before it is claimed. In the
# order of the random ids, so that the ids of the requests do not repeat in which order the copies were made.
_FIRST = f"""
    INSERT INTO evaluation_requests (custom_id, admission_cycle_id, anonymized_id, run_id, stage, attempt, sample,
                                     most_tokens, state, failure)
    SELECT {NEW_ID}, blind.admission_cycle_id, blind.anonymized_id, %s, 'worker', 1, 0, {MOST_TOKENS}, 'asked', ''
      FROM anonymized_applications AS blind
     WHERE blind.admission_cycle_id = %s
       AND NOT EXISTS (SELECT 1 FROM evaluation_requests AS request WHERE request.anonymized_id = blind.anonymized_id)
     ORDER BY blind.anonymized_id
"""  # noqa: S608  constants of this project
_CLAIM = """
    UPDATE evaluation_requests SET run_id = %s, state = 'asked'
     WHERE admission_cycle_id = %s AND stage = %s AND run_id IS NULL
"""


def hold(cycle: AdmissionCycle, phases: tuple[Phase, ...], *, deed: str) -> None:
    """Lock the cycle until the transaction ends: steps, imports and exports wait for each other.

    Reading stays free. Raises PhaseError, naming the ``deed``, when the cycle is in none of the phases.
    """
    cycle.refresh_from_db(from_queryset=AdmissionCycle.objects.select_for_update(no_key=True))
    if cycle.phase not in phases:
        raise PhaseError(f"{deed} needs the phase {' or '.join(phases)}; {cycle.code} is in {cycle.phase}.")


def claim(run: BatchRun) -> int:
    """Give every open request of the run's cycle and stage to the run; return how many, and note it in the run."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [run.pk, run.admission_cycle_id, run.stage])
        claimed: int = cursor.rowcount
        if run.stage == "worker":
            cursor.execute(_FIRST, [run.pk, run.admission_cycle_id])
            claimed += cursor.rowcount
    run.requests = claimed
    run.save(update_fields=["requests"])
    return claimed


def unfinished(cycle: AdmissionCycle, stage: str) -> BatchRun | None:
    """Return the run of an export that was begun and not finished, if there is one."""
    return BatchRun.objects.filter(admission_cycle=cycle, stage=stage, state=BatchRun.State.EXPORTING).first()


def is_open(cycle: AdmissionCycle, stage: str) -> bool:
    """Say whether an export of a stage would find something that no finished export holds."""
    if stage == "worker" and AnonymizedApplication.objects.of(cycle).unexported().exists():
        return True
    wanted = EvaluationRequest.objects.filter(admission_cycle=cycle, stage=stage, run=None)
    return wanted.exists() or unfinished(cycle, stage) is not None


def open_counts(cycles: Iterable[AdmissionCycle]) -> Counter[tuple[int, str]]:
    """Count by cycle and stage what an export would claim now, beside what an unfinished one holds already."""
    known = [cycle.pk for cycle in cycles]
    wanted = EvaluationRequest.objects.filter(admission_cycle__in=known, run=None).order_by()
    rows = wanted.values_list("admission_cycle", "stage").annotate(count=Count("*"))
    counts = Counter({(cycle, stage): count for cycle, stage, count in rows})
    # An unfinished worker export has claimed every copy that was never asked about, and has not marked it yet.
    claimed = BatchRun.objects.filter(admission_cycle__in=known, stage="worker", state=BatchRun.State.EXPORTING)
    fresh = AnonymizedApplication.objects.filter(admission_cycle__in=known).unexported().order_by()
    fresh = fresh.exclude(admission_cycle__in=claimed.values("admission_cycle"))
    for cycle, count in fresh.values_list("admission_cycle").annotate(count=Count("*")):
        counts[cycle, "worker"] += count
    return counts
