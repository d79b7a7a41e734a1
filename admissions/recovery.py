"""Take up what a killed worker left behind: the work is known from the statuses, not from the jobs."""

from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from admissions.letters import cycles_with_letters
from admissions.models.cycles import AdmissionCycle
from admissions.preprocessing import remaining, unfinished_cycles
from admissions.queue import CHUNK, PREPROCESS, SEND_LETTERS, defer_letters, defer_preprocessing


def recover() -> int:
    """Defer the jobs that are missing for the work that is left; return how many. One too many finds nothing to do."""
    restored = 0
    for cycle in unfinished_cycles():
        missing = -(-remaining(cycle) // CHUNK) - _waiting(PREPROCESS, cycle)
        if missing > 0:
            with transaction.atomic():
                restored += defer_preprocessing(cycle, missing * CHUNK)
    for cycle in cycles_with_letters():
        if not _waiting(SEND_LETTERS, cycle):
            with transaction.atomic():
                defer_letters(cycle)
            restored += 1
    return restored


def _waiting(task: str, cycle: AdmissionCycle) -> int:
    return ProcrastinateJob.objects.filter(task_name=task, status="todo", args__cycle_id=cycle.pk).count()
