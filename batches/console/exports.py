"""Make an export, take its files, ask again what failed, let the stand-in answer: what goes out, by the console."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from accounts.browser import actor_of
from admissions.models.cycles import AdmissionCycle
from batches.api.serializers import MOST_LINES
from batches.asking import PHASES, open_counts
from batches.downloads import download, place_of
from batches.export import AT_ONCE, MODEL_LENGTH, order_batch
from batches.formats import FORMATS
from batches.ingest import Imported
from batches.models import BatchRun
from batches.shards import SHARD_LINES, manifest_bytes
from batches.standin import stand_in
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes
from enigma.errors import Denied, Malformed, Refused

STAGES = (("worker", lazy("Worker: score the blind copies")), ("judge", lazy("Judge: check the scores")))
ANY_PHASE = sorted({phase for phases in PHASES.values() for phase in phases})
TRAIL = "admin:batches_batchrun_changelist"


class OrderForm(forms.Form):
    """What an export is to be."""

    cycle = forms.ModelChoiceField(
        AdmissionCycle.objects.none(), to_field_name="code", label=lazy("Cycle"), empty_label=None
    )
    stage = forms.ChoiceField(choices=STAGES, label=lazy("Stage"))
    format = forms.ChoiceField(
        choices=[(name, name) for name in sorted(FORMATS)],
        label=lazy("Format"),
        help_text=lazy("plain is our own; openai-chat is what the OpenAI Batch API, Azure, vLLM and others read"),
    )
    model = forms.CharField(
        max_length=MODEL_LENGTH, label=lazy("Model"), help_text=lazy("The name of the model that will be asked")
    )
    shard_lines = forms.IntegerField(
        min_value=1,
        max_value=MOST_LINES,
        initial=SHARD_LINES,
        label=lazy("Lines in a file"),
        help_text=lazy("A file also ends at 90 MB"),
    )
    reask = forms.BooleanField(required=False, label=lazy("Also ask again what went out before and was never answered"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cycle"].queryset = AdmissionCycle.objects.filter(phase__in=ANY_PHASE)


class MakeExport(ConsolePage):
    """The page on which an export is ordered."""

    needs = {"get": "batches.export", "post": "batches.export"}
    template = "console/batches/export.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what is open, and ask what the export is to be."""
        wanted = {name: request.GET[name] for name in ("cycle", "stage") if name in request.GET}
        last = BatchRun.objects.filter(admission_cycle__code=wanted.get("cycle", "")).first()
        known = {"model": last.model, "format": last.format, "shard_lines": last.shard_lines} if last else {}
        return self._page(OrderForm(initial={**known, **wanted}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Order the export, and lead to its page."""
        form = OrderForm(request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        order = dict(form.cleaned_data)
        cycle, again = order.pop("cycle"), order.pop("reask")
        try:
            run = order_batch(cycle, again=again, actor=actor_of(request.user), **order)
        except Denied:
            raise
        except Malformed as fault:
            form.add_error("model", str(fault))
            return self._page(form, status=422)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return self._page(form, status=409)
        messages.success(request, ordered(run))
        return redirect("admin:batches_batchrun_change", run.pk)

    def _page(self, form: OrderForm, *, status: int = 200) -> HttpResponse:
        cycles = list(form.fields["cycle"].queryset)
        counts = open_counts(cycles)
        rows = [(one, counts[one.pk, "worker"], counts[one.pk, "judge"]) for one in cycles]
        trail = [(_("Batches"), reverse(TRAIL))]
        return self.show(_("Make an export"), status=status, form=form, rows=rows, trail=trail, at_once=AT_ONCE)


class RunPage(ConsolePage):
    """What is done with one run; after it the page of a run is shown."""

    def run_of(self, run_id: int) -> BatchRun:
        """Return the run, or answer 404."""
        run: BatchRun = get_object_or_404(BatchRun.objects.select_related("admission_cycle"), pk=run_id)
        return run


class Reexport(RunPage):
    """Ask again what failed, as the run asked it."""

    needs = {"post": "batches.export"}

    def post(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Order an export of what is open in the stage of this run."""
        run = self.run_of(run_id)
        order = {name: getattr(run, name) for name in ("stage", "format", "model", "shard_lines")}
        again, made = "reask" in request.POST, [run]
        actor = actor_of(request.user)
        if self.tried(
            lambda: made.append(order_batch(run.admission_cycle, again=again, actor=actor, **order)),
            done=lambda _: ordered(made[-1]),
        ):
            run = made[-1]
        return redirect("admin:batches_batchrun_change", run.pk)


class Shard(RunPage):
    """One file of a run; a download is noted, so it is asked for by POST."""

    needs = {"post": "batches.export"}

    def post(self, request: HttpRequest, run_id: int, name: str) -> HttpResponseBase:
        """Stream the file."""
        run = self.run_of(run_id)
        place = place_of(run, name)
        if place is None:
            raise Http404
        about = {
            "Content-Length": str(place.shard.bytes),
            "Content-Disposition": f'attachment; filename="{place.shard.name}"',
        }
        content = download(run, place, actor=actor_of(request.user))
        return StreamingHttpResponse(content, content_type="application/x-ndjson", headers=about)


class Manifest(RunPage):
    """The manifest of a run, which names nobody and no text."""

    needs = {"get": "batches.view"}

    def get(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Answer the bytes whose hash is in both logs."""
        run = self.run_of(run_id)
        if run.manifest is None:
            raise Http404
        name = f"{run.admission_cycle.code}-{run.stage}-run{run.pk}.manifest.json"
        about = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(manifest_bytes(run.manifest), content_type="application/json", headers=about)


class LetStandInAnswer(RunPage):
    """For demo cycles: answers without an engine."""

    needs = {"post": "batches.import"}

    def post(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Let the stand-in answer, now or by a worker."""
        run = self.run_of(run_id)
        self.tried(lambda: stand_in(run, actor=actor_of(request.user)), done=answered)
        return redirect("admin:batches_batchrun_change", run_id)


def ordered(run: BatchRun) -> str:
    """Say what an order came to."""
    told = ngettext("%(n)d request", "%(n)d requests", run.requests) % {"n": run.requests}
    if run.state == BatchRun.State.EXPORTING:
        return _("Run %(run)s has claimed %(requests)s; a worker writes them down.") % {"run": run.pk, "requests": told}
    return _("Run %(run)s is exported: %(requests)s. Download its files below.") % {"run": run.pk, "requests": told}


def answered(files: list[Imported] | None) -> str:
    """Say what the stand-in came to."""
    if files is None:
        return _("A worker lets the stand-in answer; this page shows how far it is.")
    taken, told = sum(one.imported for one in files), sum(one.lines for one in files)
    return _("The stand-in has answered: %(taken)d of %(told)d lines were taken.") % {"taken": taken, "told": told}


add_routes(
    console_path("batches/export/", MakeExport, name="batch_export"),
    console_path("batches/run/<int:run_id>/again/", Reexport, name="batch_again"),
    console_path("batches/run/<int:run_id>/manifest/", Manifest, name="batch_manifest"),
    console_path("batches/run/<int:run_id>/stand-in/", LetStandInAnswer, name="batch_stand_in"),
    console_path("batches/run/<int:run_id>/shard/<str:name>/", Shard, name="batch_shard"),
)
add_entry(Entry("Evaluation", lazy("Make an export"), "batch_export", "batches.export", 20))
