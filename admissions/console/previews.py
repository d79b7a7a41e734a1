"""What a step will come to, before it is taken: the ranking around the cut, and the letters. All of it only reads."""

from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from admissions.letter_rendering import samples
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.ranking import Ahead, Ranked, look_ahead
from admissions.phases import Status
from admissions.selection import parted_by

AROUND = 10
LETTERS = {"selected": _("Selected"), "not_selected": _("Not selected"), "not_assessed": _("Could not be assessed")}


def selection_ahead(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return what the selection would give: counts, cut-off, the places around it, and what a seat would change."""
    ahead = look_ahead(cycle, around=AROUND)
    places = ahead.places
    return {
        "ahead": ahead,
        "places": [
            {"place": place, "is_in": place.rank <= cycle.seats, "by": _by(cycle, place, following)}
            for place, following in zip_longest(places, places[1:])
        ],
        "parts": list(cycle.tie_break[:-1]),
        "more": _at(ahead, cycle.seats + 1),
        "fewer": _at(ahead, cycle.seats),
        "before": _at(ahead, cycle.seats - 1),
        "tie": _tie(cycle, ahead),
    }


def publication_ahead(cycle: AdmissionCycle, actor: Actor) -> dict[str, Any]:
    """Return how many letters go out, and each kind as an invented person gets it, with a count for who may see it."""
    mine = Application.objects.of(cycle)
    return {
        "letters": mine.exclude(status=Status.WITHDRAWN).count(),
        "withdrawn": mine.filter(status=Status.WITHDRAWN).count(),
        "samples": [{**sample, "label": LETTERS[sample["variant"]]} for sample in samples(cycle, actor=actor)],
    }


def _at(ahead: Ahead, rank: int) -> Ranked | None:
    return next((place for place in ahead.places if place.rank == rank), None)


def _by(cycle: AdmissionCycle, place: Ranked, following: Ranked | None) -> str:
    return parted_by(place.scored, following.scored, tie_break=cycle.tie_break) if following else ""


def _tie(cycle: AdmissionCycle, ahead: Ahead) -> dict[str, Any] | None:
    """Say by what the last seat was won, where the next in line has the same total."""
    last, following = _at(ahead, cycle.seats), _at(ahead, cycle.seats + 1)
    if not last or not following or last.scored.total != following.scored.total:
        return None
    by = _by(cycle, last, following)
    return {"by": by, "last": getattr(last.scored, by, None), "following": getattr(following.scored, by, None)}
