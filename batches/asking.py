"""Which questions are open: the first for every blind copy, and what export claims of them. Set-based SQL."""

from django.db import connection

from admissions.models.cycles import AdmissionCycle
from batches.formats.base import MOST_TOKENS
from batches.models import BatchRun, EvaluationRequest

# gen_random_uuid() is 122 random bits; without its hyphens it fits every engine's pattern for ids.
NEW_ID = "replace(gen_random_uuid()::text, '-', '')"

_FIRST = f"""
    INSERT INTO evaluation_requests (custom_id, admission_cycle_id, anonymized_id, stage, attempt, sample,
                                     most_tokens, state, failure)
    SELECT {NEW_ID}, blind.admission_cycle_id, blind.anonymized_id, 'worker', 1, 0, {MOST_TOKENS}, 'wanted', ''
      FROM anonymized_applications AS blind
     WHERE blind.admission_cycle_id = %s
       AND NOT EXISTS (SELECT 1 FROM evaluation_requests AS request WHERE request.anonymized_id = blind.anonymized_id)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  a constant of this module

_CLAIM = """
    UPDATE evaluation_requests SET run_id = %s, state = 'asked'
     WHERE admission_cycle_id = %s AND stage = %s AND state = 'wanted'
"""


def want_first_evaluations(cycle: AdmissionCycle) -> int:
    """Want a first evaluation of every blind copy that was never asked about; return how many were added."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [cycle.pk])
        added: int = cursor.rowcount
    return added


def claim(run: BatchRun) -> int:
    """Give every wanted request of the run's cycle and stage to the run; return how many, and note it in the run."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [run.pk, run.admission_cycle_id, run.stage])
        claimed: int = cursor.rowcount
    run.requests = claimed
    run.save(update_fields=["requests"])
    return claimed


def wanted(cycle: AdmissionCycle, stage: str) -> int:
    """Count the requests of a stage that no export holds yet."""
    return EvaluationRequest.objects.filter(
        admission_cycle=cycle, stage=stage, state=EvaluationRequest.State.WANTED
    ).count()
