"""The lists of blind copies: all of them by their random id, and the scored ones of a cycle by rank."""

import re
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from admissions.console.filters import (
    NOT_YET,
    SCORING,
    CycleFilter,
    FlagFilter,
    OneCycleFilter,
    ScoringFilter,
    TotalFilter,
)
from admissions.console.flags import flags_of
from admissions.console.listing import Listing
from admissions.models.blind import AnonymizedApplication, FinalScore

SHORT = 8
TONES = {FinalScore.Status.SCORED: "good", FinalScore.Status.WAITING: "warn", FinalScore.Status.SET_ASIDE: "bad"}


def short(anonymized_id: UUID) -> str:
    """Return the beginning of an id, which is enough to tell the copies of a page apart."""
    return anonymized_id.hex[:SHORT]


def link_to(anonymized_id: UUID) -> SafeString:
    """Return a link to the page of a blind copy, by the beginning of its id."""
    place = reverse("admin:blind_copy", args=[anonymized_id])
    return format_html('<a class="hash" href="{}" title="{}">{}</a>', place, anonymized_id.hex, short(anonymized_id))


def tag_of(status: str) -> SafeString:
    """Return the tag of a state of scoring."""
    return format_html('<span class="tag {}">{}</span>', TONES.get(status, ""), SCORING[status])


def by_beginning(queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Find blind ids by their beginning, as a range of the primary key; dashes and capitals do not matter."""
    digits = term.strip().replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{1,32}", digits):
        return queryset.none()
    return queryset.filter(pk__gte=UUID(digits.ljust(32, "0")), pk__lte=UUID(digits.ljust(32, "f")))


class Copies(Listing):
    """What both lists share: they are searched by id, and show scores and marks."""

    section = "Admissions"
    search_fields = ("pk",)
    search_help_text = _("The id of a blind copy, or its beginning")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find copies by the beginning of the id."""
        return by_beginning(queryset, term)

    @admin.display(description=_("blind id"))
    def blind_id(self, row: Any) -> SafeString:
        """Lead to the page of the copy."""
        return link_to(row.pk)

    @admin.display(description=_("cycle"))
    def cycle(self, row: Any) -> str:
        """Return the code of the cycle."""
        return str(row.admission_cycle.code)

    @admin.display(description=_("flags"))
    def flags(self, row: Any) -> SafeString:
        """Return the marks that it bears."""
        marks = ((flag.tone, flag.label) for flag in row.borne)
        return format_html_join(" ", '<span class="tag {}">{}</span>', marks)


@admin.register(AnonymizedApplication)
class BlindCopies(Copies):
    """All blind copies, in the order of their random ids."""

    needs = "blind.view"
    nav_order = 20
    keyset = ("pk",)
    intro = _("Blind copies: what evaluators see. Nothing here names a person, and the order is random.")
    empty = _("No blind copies yet. They are made while a cycle is in preprocessing.")
    list_display = ("blind_id", "cycle", "scoring", "total", "flags", "academic", "test", "achievement", "essay")
    list_filter = (CycleFilter, ScoringFilter, FlagFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AnonymizedApplication]:
        """Leave the texts where they are."""
        rows = super().get_queryset(request).select_related("admission_cycle")
        return rows.only("pk", "admission_cycle__code")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read scores and marks of the page."""
        ids = [row.pk for row in rows]
        scores = FinalScore.objects.in_bulk(ids)
        borne = flags_of(ids)
        for row in rows:
            row.final, row.borne = scores.get(row.pk), borne.get(row.pk, [])

    @admin.display(description=_("scoring"))
    def scoring(self, row: Any) -> SafeString:
        """Say how far the scoring has come."""
        return tag_of(row.final.status if row.final else NOT_YET)

    @admin.display(description=_("total"))
    def total(self, row: Any) -> Any:
        """Return the total, if there is one."""
        return row.final and row.final.total

    @admin.display(description=_("academic"))
    def academic(self, row: Any) -> Any:
        """Return the part."""
        return row.final and row.final.academic

    @admin.display(description=_("test"))
    def test(self, row: Any) -> Any:
        """Return the part."""
        return row.final and row.final.test

    @admin.display(description=_("achievement"))
    def achievement(self, row: Any) -> Any:
        """Return the part."""
        return row.final and row.final.achievement

    @admin.display(description=_("essay"))
    def essay(self, row: Any) -> Any:
        """Return the part."""
        return row.final and row.final.essay


@admin.register(FinalScore)
class ScoresByRank(Copies):
    """The scored copies of a cycle, best first: with the seats this tells the cut-off, so whoever selects sees it."""

    needs = "cycle.perform_selection"
    nav_order = 25
    keyset = ("-total", "pk")
    intro = _("The scores of one cycle, best first. Equal totals stand in random order here: selection breaks ties.")
    empty = _("No scores yet. They appear when results are imported, or when a person decides.")
    list_display = ("blind_id", "cycle", "total", "flags", "academic", "test", "achievement", "essay", "engine")
    list_filter = (OneCycleFilter, TotalFilter, FlagFilter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FinalScore]:
        """Only what has a total; the explanations stay where they are."""
        rows = super().get_queryset(request).filter(total__isnull=False).select_related("admission_cycle")
        return rows.only("total", "academic", "test", "achievement", "essay", "engine", "admission_cycle__code")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read the marks of the page."""
        borne = flags_of([row.pk for row in rows])
        for row in rows:
            row.borne = borne.get(row.pk, [])
