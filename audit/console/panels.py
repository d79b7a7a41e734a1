"""What the dashboard shows of both logs: where they stand, and what was noted last."""

from typing import Any

from django.http import HttpRequest

from audit import verifications
from audit.models import AuditLog, LogHead
from enigma.console.registry import panel

LAST = 8


@panel("dashboard", template="console/audit/logs_panel.html", needs="audit.verify", order=65)
def logs(request: HttpRequest) -> dict[str, Any]:
    """Return heads and the last verdict."""
    return {"ends": LogHead.objects.first(), "last": verifications.latest()}


@panel("dashboard", template="console/audit/entries_panel.html", needs="audit.view", order=70)
def last_entries(request: HttpRequest) -> dict[str, Any]:
    """Return the last entries of the internal log."""
    return {"entries": AuditLog.objects.order_by("-log_id").defer("details", "body")[:LAST]}
