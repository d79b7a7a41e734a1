"""The panel on top of the dashboard: what wants a person now. Watches the service itself; apps add theirs."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from enigma.console.registry import Alarm, Level, alarm, alarms_for, panel
from enigma.health import checks

ANSWERS = ("readyz",)
# What is wrong with the service, by part: the sentence, and what to do.
FAULTS: dict[str, tuple[Level, Any, Any]] = {
    "migrations": (
        Level.BAD,
        _("The database lacks changes that this program needs: manage.py migrate makes them."),
        _("See what answers"),
    ),
    "worker": (
        Level.BAD,
        _("No worker was heard of for a minute: nothing is scrubbed, sent or logged. manage.py run_worker starts one."),
        _("See what answers"),
    ),
    "sequencer": (
        Level.BAD,
        _("Entries have waited for a minute to be put into the logs: the worker's own log says why."),
        _("See what answers"),
    ),
}


@alarm(needs="staff.session")
def service(request: HttpRequest) -> Iterator[Alarm]:
    """Say what is wrong with worker, sequencer and schema; what cannot be known is not said twice."""
    found = checks()
    for part, (level, text, action) in FAULTS.items():
        if found[part] not in {"ok", "unknown"}:
            yield Alarm(level, text, action, ANSWERS)


@panel("dashboard", template="console/alarms.html", needs="staff.session", order=0)
def show(request: HttpRequest) -> dict[str, Any]:
    """Return the alarms; without any the panel is one line."""
    return {"alarms": alarms_for(request)}
