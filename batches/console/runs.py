"""The list of batches, and the page of one: what went out, how far it has come, what failed, what to do next."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from batches.asking import PHASES, open_counts
from batches.models import BatchRun
from batches.pace import Pace, pace
from batches.progress import arrivals_of, progress_of
from batches.standin import jobs_of
from enigma import plots
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.console.tables import KeysetList, ReadOnly

State = BatchRun.State
STATES = {
    State.EXPORTING: ("lead", lazy("Exporting")),
    State.EXPORTED: ("", lazy("With engines")),
    State.NEEDS_ATTENTION: ("warn", lazy("Needs attention")),
    State.IMPORTED: ("good", lazy("Answered")),
}


def state_tag(run: BatchRun) -> SafeString:
    """Return the state of a run as a tag."""
    kind, label = STATES[State(run.state)]
    return format_html('<span class="tag {}">{}</span>', kind, label)


def ways(request: HttpRequest) -> dict[str, bool]:
    """Tell what the reader may do above the lists."""
    return {f"may_{way}": request.user.has_perm(f"accounts.batches.{way}") for way in ("export", "import")}


class RunList(KeysetList):
    """A page of runs, with how far each is by one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Count the requests of the runs on this page."""
        super().get_results(request)
        known = progress_of(self.result_list)
        for run in self.result_list:
            run.progress = known[run.pk]


@admin.register(BatchRun)
class Runs(ReadOnly):
    """Every export, the newest first."""

    needs = "batches.view"
    section, nav_order = "Evaluation", 10
    label = lazy("Batch runs")
    list_display = (
        *("number", "cycle", "stage", "format", "model", "requests", "tag"),
        *("answered", "failed", "waiting", "created_at"),
    )
    list_display_links = ("number",)
    list_filter = ("admission_cycle", "stage", "state")
    list_select_related = ("admission_cycle",)
    empty = lazy("No batches yet. One appears when you make an export, once the batches of a cycle are prepared.")
    change_list_template = "console/batches/runs.html"
    change_form_template = "console/batches/run.html"
    fields = readonly_fields = ("stage", "format", "model", "requests", "state", "created_at", "exported_at")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that counts."""
        return RunList

    def get_queryset(self, request: HttpRequest) -> Any:
        """Ask for the cycle along with the run."""
        return super().get_queryset(request).select_related("admission_cycle")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and the ways out and in above it."""
        return super().changelist_view(request, {**ways(request), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page of a run."""
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request):  # which Django's own answer tells
            return super().change_view(request, object_id, form_url, extra_context)
        return super().change_view(request, object_id, form_url, {**whole_page(request, run), **(extra_context or {})})

    @admin.display(description=lazy("run"))
    def number(self, run: BatchRun) -> int:
        """Return its number."""
        return run.pk

    @admin.display(description=lazy("cycle"))
    def cycle(self, run: BatchRun) -> str:
        """Return the code of its cycle."""
        return run.admission_cycle.code

    @admin.display(description=lazy("state"))
    def tag(self, run: BatchRun) -> SafeString:
        """Return its state."""
        return state_tag(run)

    @admin.display(description=lazy("answered"))
    def answered(self, run: Any) -> int:
        """Count its answers."""
        return run.progress.answered

    @admin.display(description=lazy("failed"))
    def failed(self, run: Any) -> int:
        """Count its failures."""
        return run.progress.failed

    @admin.display(description=lazy("open"))
    def waiting(self, run: Any) -> int:
        """Count what is open."""
        return run.progress.open


class RunProgress(ConsolePage):
    """The part of a run's page that renews itself while a worker is busy with the run."""

    needs = {"get": "batches.view"}

    def get(self, request: HttpRequest, run_id: int) -> HttpResponseBase:
        """Answer the part; when the worker is done, let the browser load the whole page."""
        run = get_object_or_404(BatchRun.objects.select_related("admission_cycle"), pk=run_id)
        if "HX-Request" not in request.headers:
            return redirect("admin:batches_batchrun_change", run_id)
        part = progress_part(run)
        about = {} if part["busy"] else {"HX-Refresh": "true"}
        return TemplateResponse(request, "console/batches/progress.html", part, headers=about)


add_routes(console_path("batches/run/<int:run_id>/progress/", RunProgress, name="batch_progress"))


def progress_part(run: BatchRun) -> dict[str, Any]:
    """Return what the renewing part shows: how far the run is, and with what a worker is busy."""
    progress = progress_of([run])[run.pk]
    busy = ""
    if run.state == State.EXPORTING:
        busy = _("A worker is writing down what goes out.")
    elif jobs_of(run).exists():
        busy = _("A worker lets the stand-in answer.")
    done = progress.answered + progress.failed
    return {"run": run, "progress": progress, "done": done, "tag": state_tag(run), "busy": busy}


def whole_page(request: HttpRequest, run: BatchRun) -> dict[str, Any]:
    """Return all that the page of a run shows; buttons for those who may press them."""
    part = progress_part(run)
    arrivals, progress = arrivals_of(run), part["progress"]
    speed = pace(run.exported_at, [(one.at, one.answers) for one in arrivals]) if run.exported_at else None
    cycle = run.admission_cycle
    in_phase = cycle.phase in PHASES[run.stage]
    return {
        **part,
        "arrivals": arrivals,
        "pace": speed,
        "plot": _pace_plot(speed) if speed else None,
        "left": speed.seconds_left(progress.open) if speed and progress.open else None,
        "shards": run.manifest["shards"] if run.manifest else [],
        "reasons": sorted(progress.reasons.items()),
        "wanted": open_counts([cycle])[cycle.pk, run.stage] if in_phase else 0,
        **ways(request),
        "may_reexport": in_phase and not part["busy"],
        "may_answer": cycle.phase == "processing" and progress.open and not part["busy"] and run.manifest,
    }


def _pace_plot(speed: Pace) -> dict[str, Any]:
    caption = _("Answers a minute since the export")
    svg = plots.line(speed.points, label=caption, axis=_("minutes since the export"))
    rows = [(f"{at:.1f}", f"{count:.1f}") for at, count in speed.points]
    return {"svg": mark_safe(svg), "caption": caption, "columns": [_("Minutes"), _("Answers a minute")], "rows": rows}  # noqa: S308  drawn by us
