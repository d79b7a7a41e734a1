"""Take up what a killed worker left behind: the work is known from the statuses, not from the jobs."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from admissions.letters import cycles_with_letters, singles_are_due
from admissions.models.cycles import AdmissionCycle
from admissions.preprocessing import remaining, unfinished_cycles
from admissions.queue import (
    CHUNK,
    PREPROCESS,
    SEND_LETTERS,
    SEND_SINGLES,
    defer_letters,
    defer_preprocessing,
    defer_singles,
)
from admissions.step_runs import take_up

SILENT = timedelta(seconds=30)  # a worker gives a sign of life every ten seconds


def recover(*, at_once: bool = False) -> int:
    """Defer the jobs that are missing for the work that is left; return how many. One too many finds nothing to do.

    A job that failed and is to be tried again later counts as there, unless the work is to be taken up ``at_once``:
    who starts a worker has perhaps mended what it failed by.
    """
    restored = take_up()
    for cycle in unfinished_cycles():
        missing = -(-remaining(cycle) // CHUNK) - _waiting(PREPROCESS, cycle, at_once=at_once)
        if missing > 0:
            with transaction.atomic():
                restored += defer_preprocessing(cycle, missing * CHUNK)
    for cycle in cycles_with_letters():
        if not _waiting(SEND_LETTERS, cycle, at_once=at_once):
            with transaction.atomic():
                defer_letters(cycle)
            restored += 1
    return restored + _restore_singles(at_once=at_once)


def _restore_singles(*, at_once: bool) -> int:
    jobs = ProcrastinateJob.objects.filter(task_name=SEND_SINGLES)
    if not singles_are_due() or _counted(jobs, at_once=at_once):
        return 0
    defer_singles(although_one_waits=True)
    return 1


def left_over() -> int:
    """Count the applications without blind copy at which no other worker is now, over all unfinished cycles."""
    return sum(max(0, remaining(cycle) - CHUNK * _in_work(cycle)) for cycle in unfinished_cycles())


def _jobs(task: str, cycle: AdmissionCycle) -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(task_name=task, args__cycle_id=cycle.pk)


def _waiting(task: str, cycle: AdmissionCycle, *, at_once: bool) -> int:
    return _counted(_jobs(task, cycle), at_once=at_once)


def _counted(jobs: QuerySet[ProcrastinateJob], *, at_once: bool) -> int:
    waiting = jobs.filter(status="todo")
    if at_once:
        waiting = waiting.filter(Q(scheduled_at=None) | Q(scheduled_at__lte=timezone.now()))
    return waiting.count()


def _in_work(cycle: AdmissionCycle) -> int:
    alive = {"worker__last_heartbeat__gt": timezone.now() - SILENT}
    return _jobs(PREPROCESS, cycle).filter(status="doing", **alive).count()
