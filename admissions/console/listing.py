"""Lists without Django's own page of an object: rows lead to pages of ours, and more is read for one page at once."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import URLPattern, path

from enigma.console.tables import KeysetList, ReadOnly


class Rows(KeysetList):
    """One page of a list; its admin adds to the rows what stands in other tables."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then what belongs to its rows."""
        super().get_results(request)
        self.model_admin.complete(request, self.result_list)


class Listing(ReadOnly):
    """A list whose rows are led to by a column of its own; filtered by its own filters and by nothing else.

    Django lets a reader filter by any column of the table, shown or not: that would answer what a list keeps back.
    """

    list_display_links = None
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that completes its rows."""
        return Rows

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Add to the rows of one page what stands elsewhere, in a fixed number of queries."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Take the parameters of the list's own filters only."""
        return lookup in {getattr(one, "parameter_name", one) for one in self.list_filter}

    def get_urls(self) -> list[URLPattern]:
        """There is the list, and no page for adding, changing or deleting."""
        meta = self.model._meta
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name=f"{meta.app_label}_{meta.model_name}_changelist")]
