"""Every run of selection: what was asked, what came of it, and how anybody can recompute it."""

import tempfile
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.browser import actor_of
from admissions.disclosure import export_ranking
from admissions.models.cycles import SelectionLog
from admissions.models.outcomes import may_see_figures, may_see_result
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.console.tables import KeysetList, ReadOnly
from enigma.errors import Denied, Refused

EMBARGO = lazy("under embargo")


class SelectionList(KeysetList):
    """A page of selections; each knows whether its figures may be shown to the reader."""

    def get_results(self, request: HttpRequest) -> None:
        """Ask for the reader's role once, and hold it against the phase of each cycle."""
        super().get_results(request)
        actor = actor_of(request.user)
        for log in self.result_list:
            log.is_shown = may_see_figures(log.admission_cycle, actor)


@admin.register(SelectionLog)
class Selections(ReadOnly):
    """The runs of selection, the newest first."""

    needs = "cycle.view"
    section, nav_order = "Trust", 30
    label = lazy("Selection logs")
    list_display = (
        *("cycle", "cut_off", "chosen", "not_chosen", "left_out", "ties"),
        *("digest", "actor_id", "created_at"),
    )
    list_select_related = ("admission_cycle",)
    empty = lazy("No selection yet. One appears when a scored cycle takes its step perform_selection.")
    change_form_template = "console/selections/selection.html"
    fields = readonly_fields = ("actor_type", "actor_id", "created_at")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows the embargo."""
        return SelectionList

    def get_queryset(self, request: HttpRequest) -> Any:
        """Ask for the cycle along with the selection."""
        return super().get_queryset(request).select_related("admission_cycle")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one selection, its figures to whom they are open."""
        log = self.get_object(request, object_id)
        if log is None or not self.has_view_permission(request):  # which Django's own answer tells
            return super().change_view(request, object_id, form_url, extra_context)
        return super().change_view(request, object_id, form_url, {**_facts(request, log), **(extra_context or {})})

    @admin.display(description=lazy("cycle"))
    def cycle(self, log: SelectionLog) -> str:
        """Return the code of its cycle."""
        return log.admission_cycle.code

    @admin.display(description=lazy("cut-off"))
    def cut_off(self, log: Any) -> Any:
        """Return the lowest total that was selected."""
        return _open(log, "–" if log.cutoff is None else log.cutoff)  # noqa: RUF001  a dash for nothing

    @admin.display(description=lazy("selected"))
    def chosen(self, log: Any) -> Any:
        """Count the selected."""
        return _open(log, log.selected)

    @admin.display(description=lazy("not selected"))
    def not_chosen(self, log: Any) -> Any:
        """Count the others."""
        return _open(log, log.not_selected)

    @admin.display(description=lazy("excluded"))
    def left_out(self, log: Any) -> Any:
        """Count who was set aside or withdrew."""
        return _open(log, log.excluded)

    @admin.display(description=lazy("at the cut-off"))
    def ties(self, log: Any) -> Any:
        """Count who holds the cut-off score."""
        return _open(log, log.tied_at_cutoff)

    @admin.display(description=lazy("ranking, SHA-256"))
    def digest(self, log: Any) -> Any:
        """Return the beginning of the digest."""
        return _open(log, _short(log.ranking_sha256))


class Ranking(ConsolePage):
    """The ranking of a published cycle as a file; who takes it is noted, so it is asked for by POST."""

    needs = {"post": "cycle.view"}

    def post(self, request: HttpRequest, selection_id: int) -> HttpResponseBase:
        """Answer the bytes whose digest stands in the selection log."""
        log = get_object_or_404(SelectionLog.objects.select_related("admission_cycle"), pk=selection_id)
        stream = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        try:
            export_ranking(log.admission_cycle, stream, actor=actor_of(request.user))
        except Denied:
            raise
        except Refused as refusal:
            stream.close()
            messages.error(request, str(refusal))
            return redirect("admin:admissions_selectionlog_change", selection_id)
        stream.seek(0)
        name = f"{log.admission_cycle.code}-ranking.csv"
        return FileResponse(stream, as_attachment=True, filename=name, content_type="text/csv")


add_routes(console_path("selections/<int:selection_id>/ranking/", Ranking, name="selection_ranking"))


def _open(log: Any, figure: Any) -> Any:
    return figure if log.is_shown else EMBARGO


def _short(digest: str) -> SafeString:
    return format_html('<span class="hash">{}…</span>', digest[:16])


def _facts(request: HttpRequest, log: SelectionLog) -> dict[str, Any]:
    cycle = log.admission_cycle
    is_public = may_see_result(cycle)
    return {
        "is_shown": may_see_figures(cycle, actor_of(request.user)),
        "is_public": is_public,
        "tie_break": ", ".join(log.criteria["tie_break"]),
        "tie_secret": cycle.tie_secret().hex() if is_public else "",
        "title": _("Selection of %(code)s") % {"code": cycle.code},
    }
