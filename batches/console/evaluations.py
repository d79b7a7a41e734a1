"""What engines said of one blind copy, worker and judge side by side; and the marks that come of it in lists."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from admissions.console.flags import Flag, add_flag
from admissions.models.blind import AnonymizedApplication
from admissions.selection import PARTS
from batches.models import EvaluationRequest, JudgeResult, WorkerResult
from enigma.console.registry import panel


def repeated(among: Collection[UUID] | None = None) -> QuerySet[Any]:
    """Return the copies that were evaluated more than once."""
    rows = WorkerResult.objects.filter(attempt=2)
    return (rows if among is None else rows.filter(anonymized__in=among)).values_list("anonymized", flat=True)


def biased(among: Collection[UUID] | None = None) -> QuerySet[Any]:
    """Return the copies of which a judge found an evaluation biased."""
    rows = JudgeResult.objects.filter(bias_detected=True)
    mine = rows if among is None else rows.filter(worker_result__anonymized__in=among)
    return mine.values_list("worker_result__anonymized", flat=True)


add_flag(Flag("bias", _("Bias found"), "bad", biased))
add_flag(Flag("repeated", _("Several attempts"), "warn", repeated))


@panel("blind", template="console/evaluations.html", needs="blind.view", order=20)
def evaluations_of(request: HttpRequest, copy: AnonymizedApplication) -> dict[str, Any]:
    """Return what each attempt came to, with the judgement of it."""
    workers = list(WorkerResult.objects.filter(anonymized=copy).order_by("attempt"))
    judgements = {one.worker_result_id: one for one in JudgeResult.objects.filter(worker_result__in=workers)}
    return {"attempts": [_attempt(worker, judgements.get(worker.pk)) for worker in workers]}


def _attempt(worker: WorkerResult, judgement: JudgeResult | None) -> dict[str, Any]:
    """One attempt; the two disagree where the judge rejects, and the engine where its sum is not ours."""
    claimed = worker.claimed_total
    return {
        "number": worker.attempt,
        "worker": worker,
        "parts": [(part, getattr(worker, part)) for part in PARTS],
        "judge": judgement,
        "rejected": judgement is not None and judgement.decision == "rejected",
        "miscounted": claimed is not None and claimed != worker.total,
    }


@panel("blind", template="console/requests.html", needs="blind.view", order=60)
def requests_of(request: HttpRequest, copy: AnonymizedApplication) -> dict[str, Any]:
    """Return every question that was asked about the copy, and what became of it."""
    asked = EvaluationRequest.objects.filter(anonymized=copy).order_by("attempt", "-stage", "sample")
    return {"requests": list(asked.only("stage", "attempt", "sample", "state", "failure", "run_id"))}
