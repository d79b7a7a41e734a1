"""The list of applications by reference, for the office. No name, no merit, no blind id: nothing joins it to a copy."""

import re
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.browser import actor_of
from admissions.console import words
from admissions.console.filters import OUTCOMES, CycleByArrivalFilter, StatusFilter
from admissions.console.listing import Listing
from admissions.models.applications import Application
from admissions.models.outcomes import may_see_figures
from admissions.phases import Status

SOURCES = {True: _("Sent by the applicant"), False: _("Imported")}
TONES = {Status.FAILED: "bad", Status.WITHDRAWN: "warn", Status.PUBLISHED: "good"}
KEPT_BACK = _("Decided")


@admin.register(Application)
class Intake(Listing):
    """Applications in the order in which they came in.

    GPA and test scores stand in the blind copies too, so they are not shown here: they would join the two lists. Nor is
    the rank, which the list of scores gives away.
    """

    needs = "applications.view"
    section, nav_order = "Admissions", 15
    keyset = ("-admission_cycle_id", "-pk")
    intro = _("What was handed in, by reference. Names are sealed; merits and scores stand with the blind copies only.")
    empty = _("No applications yet. Applicants hand them in while a cycle is open; the office can import a file.")
    search_fields = ("pk",)
    search_help_text = _("The whole reference, as 7K3M-9Q2X-4TBH, or the whole receipt")
    list_display = ("code", "cycle", "standing", "source", "submitted_at")
    list_filter = (CycleByArrivalFilter, StatusFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        """Read what is shown and nothing else."""
        rows = super().get_queryset(request).select_related("admission_cycle")
        shown = ("reference", "status", "applicant_id", "submitted_at")
        return rows.only(*shown, "admission_cycle__code", "admission_cycle__phase")

    def find(self, queryset: QuerySet[Application], term: str) -> QuerySet[Application]:
        """Find one by its reference, or by its receipt."""
        plain = term.strip().replace("-", "")
        if re.fullmatch("[0-9a-fA-F]{32}", plain):
            return queryset.filter(receipt_ref=UUID(plain))
        grouped = plain.upper()
        return queryset.filter(reference=f"{grouped[:4]}-{grouped[4:8]}-{grouped[8:]}")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Keep back what tells an outcome under embargo."""
        actor = actor_of(request.user)
        for row in rows:
            row.kept_back = row.status in OUTCOMES and not may_see_figures(row.admission_cycle, actor)

    @admin.display(description=_("reference"))
    def code(self, row: Application) -> SafeString:
        """Return the reference."""
        return format_html('<span class="code">{}</span>', row.reference)

    @admin.display(description=_("cycle"))
    def cycle(self, row: Application) -> str:
        """Return the code of the cycle."""
        return str(row.admission_cycle.code)

    @admin.display(description=_("status"))
    def standing(self, row: Any) -> SafeString:
        """Say where it stands, as far as the reader may know."""
        told = KEPT_BACK if row.kept_back else words.STATUSES[row.status]
        return format_html('<span class="tag {}">{}</span>', TONES.get(row.status, ""), told)

    @admin.display(description=_("source"))
    def source(self, row: Application) -> Any:
        """Say how it came in."""
        return SOURCES[row.applicant_id is not None]
