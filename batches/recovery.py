"""Take up the exports that workers were to finish and no longer do: their job met its fault too often."""

from django.db.models import QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from batches.asking import PHASES
from batches.models import BatchRun
from batches.queue import EXPORT, defer_export


def take_up() -> int:
    """Queue them anew, and return how many there were.

    An export that was begun by a command has no job and is left to it: it has a folder to write to. Where the cycle has
    gone on without the export, nothing can finish it any more.
    """
    open_runs = BatchRun.objects.filter(state=BatchRun.State.EXPORTING).select_related("admission_cycle")
    lost = [run for run in open_runs if run.admission_cycle.phase in PHASES[run.stage] and _is_given_up(run)]
    for run in lost:
        defer_export(run)
    return len(lost)


def _is_given_up(run: BatchRun) -> bool:
    return _jobs(run, "failed").exists() and not _jobs(run, "todo", "doing").exists()


def _jobs(run: BatchRun, *statuses: str) -> QuerySet[ProcrastinateJob]:
    return ProcrastinateJob.objects.filter(task_name=EXPORT, args__run_id=run.pk, status__in=statuses)
