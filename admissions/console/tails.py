"""What has lately been done to a cycle: its last audit entries for who may read the log, its steps for everybody."""

from typing import Any

from django.http import HttpRequest

from accounts.roles import STEPS
from admissions.console import words
from admissions.models.cycles import AdmissionCycle
from audit.models import AuditLog
from enigma.console.registry import panel

LAST = 10


@panel("cycle", template="console/cycles/tail.html", needs="cycle.view", order=90)
def tail(request: HttpRequest, cycle: AdmissionCycle) -> dict[str, Any]:
    """Return the last entries about a cycle; without details, as those may tell figures under embargo."""
    entries = AuditLog.objects.filter(entity_type="cycle", entity_id=cycle.code).order_by("-log_id")
    reads_log = request.user.has_perm("accounts.audit.view")
    if not reads_log:
        entries = entries.filter(action__in=[f"cycle.{step}" for step in STEPS])
    rows = [{"entry": entry, "label": _label(entry.action), "reason": _reason(entry)} for entry in entries[:LAST]]
    return {"rows": rows, "reads_log": reads_log}


def _label(action: str) -> Any:
    step = words.STEPS.get(action.removeprefix("cycle."))
    return step.name if step else ""


def _reason(entry: AuditLog) -> str:
    return str(entry.details.get("reason") or "")
