"""Result files: hand one in, see what its lines came to, take along those that were not accepted."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.actors import Actor
from accounts.browser import actor_of
from admissions.disclosure import inert
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from batches.console.runs import ways
from batches.ingest import Imported, ImportRun, Issue, WrongFile
from batches.models import ImportIssue, ResultFile
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes
from enigma.console.tables import ReadOnly
from enigma.errors import Denied, Malformed, Refused
from enigma.rest.parsers import UPLOAD_MAX

FIRST, PAGE, CHUNK = 20, 100, 2_000
COLUMNS = ("line", "code", "field", "detail")


class UploadForm(forms.Form):
    """A result file, and the cycle whose requests it answers."""

    cycle = forms.ModelChoiceField(
        AdmissionCycle.objects.none(),
        to_field_name="code",
        label=lazy("Cycle"),
        empty_label=None,
        help_text=lazy("A file that answers another cycle is refused"),
    )
    file = forms.FileField(
        label=lazy("Result file"), allow_empty_file=True, help_text=lazy("JSON lines, as the engine wrote them")
    )
    dry_run = forms.BooleanField(required=False, label=lazy("Only try: tell what would happen, keep nothing"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cycle"].queryset = AdmissionCycle.objects.filter(phase=Phase.PROCESSING)


# The body is read only after the permission and its length were asked for; then the token in it is checked.
@method_decorator(csrf_exempt, name="dispatch")
class Upload(ConsolePage):
    """The page on which a result file is handed in: streamed to disk, taken whole or not at all."""

    needs = {"get": "batches.import", "post": "batches.import"}
    template = "console/batches/upload.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for the file."""
        return self._page(UploadForm(initial={"cycle": request.GET.get("cycle", "")}))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Import the file, unless it is larger than any that could be taken."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > UPLOAD_MAX:
            messages.error(request, _("A file takes at most %(most)d GB.") % {"most": UPLOAD_MAX // 10**9})
            return self._page(UploadForm(), status=413)
        return self._import(request)

    @method_decorator(csrf_protect)
    def _import(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            taken, first = take(**form.cleaned_data, actor=actor_of(request.user))
        except Denied:
            raise
        except Malformed as fault:
            form.add_error("file", str(fault))
            return self._page(form, status=422, issues=fault.issues if isinstance(fault, WrongFile) else [])
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return self._page(form, status=409)
        if form.cleaned_data["dry_run"]:
            return self._page(form, tried=taken, issues=first)
        return self._lead_on(request, taken)

    def _lead_on(self, request: HttpRequest, taken: Imported) -> HttpResponse:
        if taken.file is None:
            messages.info(request, _("The file holds no line: there was nothing to take."))
            return redirect("admin:batches_resultfile_changelist")
        if not taken.is_new:
            messages.warning(request, _("The same file was taken before.") + " " + told(taken))
        else:
            messages.success(request, told(taken))
        return redirect("admin:batches_resultfile_change", taken.file.pk)

    def _page(self, form: UploadForm, *, status: int = 200, **context: Any) -> HttpResponse:
        trail = [(_("Result files"), reverse("admin:batches_resultfile_changelist"))]
        is_possible = form.fields["cycle"].queryset.exists()
        title = _("Upload results")
        return self.show(title, status=status, form=form, trail=trail, is_possible=is_possible, **context)


def take(cycle: AdmissionCycle, file: UploadedFile, *, dry_run: bool, actor: Actor) -> tuple[Imported, list[Issue]]:
    """Import an uploaded file; return what it came to and the first of its lines that were not taken."""
    with transaction.atomic():
        importing = ImportRun(file.file, _("The file"), actor=actor, cycle=cycle)
        taken = importing.run()
        first = list(importing.issues(FIRST))
        transaction.set_rollback(dry_run)
    return taken, first


def told(taken: Imported) -> str:
    """Say what a file came to."""
    return _(
        "Of %(lines)d lines %(imported)d were taken now, %(unchanged)d are nothing new, %(rejected)d were rejected."
    ) % {name: getattr(taken, name) for name in ("lines", "imported", "unchanged", "rejected")}


@admin.register(ResultFile)
class ResultFiles(ReadOnly):
    """Every result file that was taken, the newest first."""

    needs = "batches.view"
    section, nav_order = "Evaluation", 30
    label = lazy("Result files")
    list_display = ("number", "cycle", "lines", "imported", "unchanged", "rejected", "size", "imported_at")
    list_display_links = ("number",)
    list_filter = ("admission_cycle",)
    list_select_related = ("admission_cycle",)
    search_fields = ("sha256",)
    search_help_text = lazy("The whole SHA-256 of a file")
    empty = lazy("No result files yet. Upload what an engine wrote about one of the batches.")
    change_list_template = "console/batches/results.html"
    change_form_template = "console/batches/result.html"
    fields = readonly_fields = ("sha256", "size", "imported_at")

    def find(self, queryset: QuerySet[ResultFile], term: str) -> QuerySet[ResultFile]:
        """Find a file by its hash."""
        return queryset.filter(sha256=term.strip().lower())

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResultFile]:
        """Ask for the cycle along with the file."""
        return super().get_queryset(request).select_related("admission_cycle")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and the ways out and in above it."""
        return super().changelist_view(request, {**ways(request), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a file with the lines that were not taken, a hundred at a time."""
        file = self.get_object(request, object_id)
        if file is None or not self.has_view_permission(request):  # which Django's own answer tells
            return super().change_view(request, object_id, form_url, extra_context)
        return super().change_view(request, object_id, form_url, {**_lines_of(request, file), **(extra_context or {})})

    @admin.display(description=lazy("file"))
    def number(self, file: ResultFile) -> str:
        """Return the beginning of its hash."""
        return file.sha256[:12]

    @admin.display(description=lazy("cycle"))
    def cycle(self, file: ResultFile) -> str:
        """Return the code of its cycle."""
        return file.admission_cycle.code

    @admin.display(description=lazy("lines"))
    def lines(self, file: ResultFile) -> int:
        """Count its lines."""
        return int(file.counts["lines"])

    @admin.display(description=lazy("taken"))
    def imported(self, file: ResultFile) -> int:
        """Count what was taken."""
        return int(file.counts["imported"])

    @admin.display(description=lazy("nothing new"))
    def unchanged(self, file: ResultFile) -> int:
        """Count what was there before."""
        return int(file.counts["unchanged"])

    @admin.display(description=lazy("rejected"))
    def rejected(self, file: ResultFile) -> int:
        """Count what was not taken."""
        return int(file.counts["rejected"])


class RejectedLines(ConsolePage):
    """All lines of a file that were not taken, as a file; nothing of the lines themselves is in it."""

    needs = {"get": "batches.view"}

    def get(self, request: HttpRequest, file_id: int, format: str) -> HttpResponseBase:
        """Stream the list."""
        if format not in FORMS:
            raise Http404
        file = get_object_or_404(ResultFile, pk=file_id)
        rows = ImportIssue.objects.filter(file=file).order_by("line").values_list(*COLUMNS)
        write, kind = FORMS[format]
        about = {"Content-Disposition": f'attachment; filename="rejected-{file.sha256[:12]}.{format}"'}
        content = (write(row) for row in _headed(rows.iterator(chunk_size=CHUNK), format))
        return StreamingHttpResponse(content, content_type=kind, headers=about)


def _headed(rows: Iterator[Any], format: str) -> Iterator[Any]:
    if format == "csv":
        yield COLUMNS
    yield from rows


def _as_csv(row: tuple[Any, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([inert(cell) for cell in row])
    return text.getvalue().encode()


def _as_json(row: tuple[Any, ...]) -> bytes:
    return json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False).encode() + b"\n"


Writer = Callable[[tuple[Any, ...]], bytes]
FORMS: dict[str, tuple[Writer, str]] = {
    "csv": (_as_csv, "text/csv; charset=utf-8"),
    "jsonl": (_as_json, "application/x-ndjson"),
}


def _lines_of(request: HttpRequest, file: ResultFile) -> dict[str, Any]:
    after = request.GET.get("after", "")
    beyond = int(after) if after.isdecimal() and len(after) < 10 else 0
    rows = list(ImportIssue.objects.filter(file=file, line__gt=beyond).order_by("line")[: PAGE + 1])
    return {
        "issues": rows[:PAGE],
        "next_line": rows[PAGE - 1].line if len(rows) > PAGE else None,
        "is_first": not beyond,
        "reasons": sorted(file.counts["reasons"].items()),
    }


add_routes(
    console_path("batches/upload/", Upload, name="results_upload"),
    console_path("batches/results/<int:file_id>/rejected/<str:format>/", RejectedLines, name="results_rejected"),
)
add_entry(Entry("Evaluation", lazy("Upload results"), "results_upload", "batches.import", 40))
