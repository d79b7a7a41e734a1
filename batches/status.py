"""The figures of a cycle: applications, blind copies, requests, scores, letters; derived, never stored."""

from typing import Any

from admissions.figures import counted, figures_of
from admissions.models.cycles import AdmissionCycle
from batches.models import BatchRun, EvaluationRequest, ImportIssue


def status_of(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return where a cycle stands, as JSON values."""
    requests = EvaluationRequest.objects.filter(admission_cycle=cycle)
    return {
        **figures_of(cycle),
        "requests": {stage: counted(requests.filter(stage=stage), "state") for stage in ("worker", "judge")},
        "runs": counted(BatchRun.objects.filter(admission_cycle=cycle), "state"),
        "import_issues": counted(ImportIssue.objects.filter(file__admission_cycle=cycle), "code"),
    }
