"""Where apps put what the console shows: pages with their place in the navigation, and panels of shared pages.

Lower apps own shared pages (the dashboard, the page of a cycle) and never know which upper app adds a panel.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.translation import gettext_lazy as _

# In the order of the navigation.
SECTIONS = {
    "Overview": _("Overview"),
    "Admissions": _("Admissions"),
    "Evaluation": _("Evaluation"),
    "Letters": _("Letters"),
    "Trust": _("Trust"),
    "People": _("People"),
}

Context = dict[str, Any]
Filler = Callable[..., Context | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; ``name`` is the name of a route without arguments, in the namespace ``admin``."""

    section: str
    label: Any
    name: str
    needs: str
    order: int = 50


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a shared page: its template is rendered with what ``fill`` returns, and left out for None."""

    place: str
    template: str
    needs: str
    order: int
    fill: Filler


class Level(IntEnum):
    """How much an alarm matters; the worst comes first."""

    BAD = 0
    WARN = 1


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that wants a person, in a sentence, and what to do next: a label, and the name of a route with what
    it takes. The link is left out where there is no such page."""

    level: Level
    text: Any
    action: Any
    route: tuple[Any, ...] = ()

    @property
    def url(self) -> str:
        """Return where the next action is, or nothing."""
        try:
            return reverse(self.route[0], args=self.route[1:]) if self.route else ""
        except NoReverseMatch:
            return ""


Watch = Callable[[HttpRequest], Iterable[Alarm]]

_alarms: list[tuple[str, Watch]] = []
_entries: list[Entry] = []
_panels: list[Panel] = []
_routes: list[URLPattern] = []


def add_entry(entry: Entry) -> None:
    """Put a line into the navigation; raise ValueError for a section that does not exist."""
    if entry.section not in SECTIONS:
        raise ValueError(entry.section)
    _entries.append(entry)


def add_routes(*routes: URLPattern) -> None:
    """Put pages below the address of the console; each is a ``ConsolePage``."""
    _routes.extend(routes)


def panel(place: str, *, template: str, needs: str, order: int) -> Callable[[Filler], Filler]:
    """Make a function the filler of a panel of ``place``; it takes the request and what the place is about."""

    def decorator(fill: Filler) -> Filler:
        _panels.append(Panel(place, template, needs, order, fill))
        return fill

    return decorator


def alarm(*, needs: str) -> Callable[[Watch], Watch]:
    """Make a function that takes the request a watch, which yields the alarms there are, for whoever may know them."""

    def decorator(watch: Watch) -> Watch:
        _alarms.append((needs, watch))
        return watch

    return decorator


def alarms_for(request: HttpRequest) -> list[Alarm]:
    """Return all alarms that the reader may know of, the worst first."""
    mine = [watch for needs, watch in _alarms if request.user.has_perm(f"accounts.{needs}")]
    return sorted((one for watch in mine for one in watch(request)), key=lambda one: one.level)


def routes() -> list[URLPattern]:
    """Return the routes that were added."""
    return list(_routes)


def entries() -> list[Entry]:
    """Return the lines of the navigation, in its order."""
    order = list(SECTIONS)
    return sorted(_entries, key=lambda one: (order.index(one.section), one.order, str(one.label)))


def panels_of(place: str, request: HttpRequest, *about: Any) -> list[Context]:
    """Return the panels of a place that the reader may see, each as its template and its context."""
    shown = []
    for one in sorted(_panels, key=lambda one: one.order):
        if one.place == place and request.user.has_perm(f"accounts.{one.needs}"):
            context = one.fill(request, *about)
            if context is not None:
                shown.append({"template": one.template, "context": context})
    return shown
