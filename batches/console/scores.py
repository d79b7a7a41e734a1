"""The scores of a cycle at a glance: how they are spread, how workers and judges agree, what stands out."""

import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.browser import actor_of
from admissions.distributions import TOTAL, score_histograms
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.phases import Phase
from batches.agreement import BINS, attempts, edges, pairs
from batches.comparisons import Outlier, claims, doubts, judged, moved, surprises
from batches.models import ResultFile
from enigma import plots
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes

SCORED_PHASES = (Phase.PROCESSING, Phase.SCORED, Phase.SELECTION, Phase.PUBLISHED, Phase.COMPLETED)
# Figures that took so long (seconds) are kept for a minute, as long as no file came in and no step was taken; after
# processing no score changes any more.
WORTH_KEEPING, KEPT_FOR, SETTLED_FOR = 0.5, 60, 24 * 3600
PARTS = {
    TOTAL: lazy("Total"),
    "academic": lazy("Academic"),
    "test": lazy("Tests"),
    "achievement": lazy("Achievements"),
    "essay": lazy("Essay"),
}


class ScoredCycles(ConsolePage):
    """Which cycles have scores to look at."""

    needs = {"get": "blind.view"}
    template = "console/batches/scored.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """List them, the newest first."""
        return self.show(_("Scores"), cycles=AdmissionCycle.objects.filter(phase__in=SCORED_PHASES))


class Scores(ConsolePage):
    """The scores of one cycle."""

    needs = {"get": "blind.view"}
    template = "console/batches/scores.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Draw everything."""
        cycle = get_object_or_404(AdmissionCycle, code=code)
        figures = figures_of(cycle)
        selection = cycle.selection_or_none() if may_see_figures(cycle, actor_of(request.user)) else None
        spread = figures["spread"]
        total, *parts = [_spread_plot(part, spread[part]) for part in PARTS]
        cutoff = selection.cutoff if selection else None
        if cutoff is not None:
            total = _spread_plot(TOTAL, spread[TOTAL], cutoff=float(cutoff))
        return self.show(
            _("Scores of %(code)s") % {"code": cycle.code},
            trail=[(_("Scores"), reverse("admin:scored_cycles"))],
            cycle=cycle,
            as_of=figures["as_of"],
            scored=sum(spread[TOTAL]),
            total=total,
            parts=parts,
            attempts=attempts(figures["judged"]),
            pairs=_pairs_plot(pairs(figures["judged"])),
            moved=_moved_plot(figures["moved"]) if any(figures["moved"]) else None,
            outliers=_outliers(figures),
        )


def figures_of(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return all that is counted for the page; of a large cycle at most a minute old."""
    newest = ResultFile.objects.filter(admission_cycle=cycle).order_by("-pk").values_list("pk", flat=True).first()
    key = f"scores/{cycle.pk}/{cycle.phase}/{newest}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is not None:
        return kept
    begun = time.monotonic()
    counted: dict[str, Callable[[AdmissionCycle], Any]] = {
        "judged": judged,
        "moved": moved,
        "claims": claims,
        "doubts": doubts,
        "surprises": surprises,
    }
    figures = {"as_of": timezone.now(), "spread": score_histograms(cycle, bins=BINS)}
    figures |= {name: count(cycle) for name, count in counted.items()}
    if time.monotonic() - begun > WORTH_KEEPING:
        cache.set(key, figures, KEPT_FOR if cycle.phase == Phase.PROCESSING else SETTLED_FOR)
    return figures


def _spread_plot(part: str, counts: list[int], *, cutoff: float | None = None) -> dict[str, Any]:
    caption = _("%(part)s: final scores") % {"part": PARTS[part]}
    marked = {"mark": cutoff, "mark_label": _("cut-off %(score).4f") % {"score": cutoff}} if cutoff is not None else {}
    svg = plots.histogram(counts, low=0, high=100, label=caption, **marked)
    return _plot(svg, caption, [_("Score"), _("Applications")], _binned(counts))


def _pairs_plot(cells: dict[tuple[float, float], int]) -> dict[str, Any]:
    caption = _("Total of the worker (across) and quality in the eyes of the judge (up)")
    svg = plots.bubbles(cells, low=0, high=100, label=caption, axis=_("total of the worker"))
    rows = [(f"{x:g}", f"{y:g}", count) for (x, y), count in sorted(cells.items())]
    return _plot(svg, caption, [_("Total, about"), _("Quality, about"), _("How often")], rows)


def _moved_plot(counts: list[int]) -> dict[str, Any]:
    caption = _("Points by which the total moved from the first attempt to the one that was approved")
    svg = plots.histogram(counts, low=-100, high=100, label=caption, axis=_("points"), mark=0, mark_label=_("equal"))
    return _plot(svg, caption, [_("Points"), _("Applications")], _binned(counts, low=-100))


def _binned(counts: list[int], *, low: float = 0) -> list[tuple[str, int]]:
    spans = [edges(place, low=low) for place in range(len(counts))]
    return [(f"{begin:g} – {end:g}", count) for (begin, end), count in zip(spans, counts, strict=True)]  # noqa: RUF001


def _plot(svg: str, caption: str, columns: list[str], rows: list[Any]) -> dict[str, Any]:
    return {"svg": mark_safe(svg), "caption": caption, "columns": columns, "rows": rows}  # noqa: S308  drawn by us


def _outliers(figures: dict[str, Any]) -> list[dict[str, Any]]:
    told = (
        ("claims", _("Claimed total and sum of the parts"), _("Claimed"), _("Only our own sum counts; none differs.")),
        ("doubts", _("Approved, but of low quality"), _("Quality"), _("Nothing was approved yet.")),
        ("surprises", _("Total and merit"), _("Mean of GPA and tests"), _("There are no final scores yet.")),
    )
    return [
        {
            "id": name,
            "title": title,
            "other": other,
            "empty": empty,
            # A quality and a total measure different things.
            "apart": name != "doubts",
            "rows": [_linked(one) for one in figures[name]],
        }
        for name, title, other, empty in told
    ]


def _linked(one: Outlier) -> tuple[Outlier, str]:
    try:
        return one, reverse("admin:admissions_anonymizedapplication_change", args=[one.anonymized_id])
    except NoReverseMatch:
        return one, ""


add_routes(
    console_path("scores/", ScoredCycles, name="scored_cycles"),
    console_path("scores/<slug:code>/", Scores, name="scores"),
)
add_entry(Entry("Evaluation", lazy("Scores"), "scored_cycles", "blind.view", 50))
