"""Tables of the console: only deeds write them, and lists stay fast with millions of rows.

A page begins after the last row of the one before, and nothing is counted.
"""

import base64
import json
from typing import Any

from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model, Q, QuerySet
from django.forms import Media
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

AFTER, BEFORE = "after", "before"


class KeysetList(ChangeList):
    """A list in the one order of its admin's ``keyset``, read on from a row and not from a number of rows."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Take the places out of the query first: what remains are filters."""
        if any("\0" in value for values in self.filter_params.values() for value in values):
            raise IncorrectLookupParameters("NUL")
        for place in (AFTER, BEFORE):
            if place in self.params:
                setattr(self, place, self.params.pop(place))
                del self.filter_params[place]
        return super().get_filters(request)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """There is one order."""
        return list(self.model_admin.keyset)

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, to know whether there is another."""
        after, before = getattr(self, AFTER, ""), getattr(self, BEFORE, "")
        keyset, size = self.model_admin.keyset, self.list_per_page
        order = _reversed(keyset) if before else list(keyset)
        rows = self.queryset.order_by(*order)
        try:
            if place := before or after:
                rows = rows.filter(beyond(order, opened(place, len(order))))
            page = list(rows[: size + 1])
        except (ValueError, TypeError, ValidationError, DataError):  # values that no page has given
            raise IncorrectLookupParameters from None
        more, page = len(page) > size, page[:size]
        if before:
            page.reverse()
        self.result_list = page
        has_next, has_previous = (bool(before) or more, more if before else bool(after))
        self.next_page = self._at(AFTER, page[-1]) if page and has_next else ""
        self.previous_page = self._at(BEFORE, page[0]) if page and has_previous else ""
        self.first_page = self.get_query_string() if after or before else ""
        self.result_count, self.full_result_count = len(page), None
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = bool(page)
        self.paginator = None

    def _at(self, place: str, row: Model) -> str:
        return self.get_query_string({place: sealed(row, self.model_admin.keyset)})


def sealed(row: Model, keyset: tuple[str, ...]) -> str:
    """Write down where a row stands: the values of its key, to be read by ``opened``."""
    values = [_value(row, name.lstrip("-")) for name in keyset]
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def opened(place: str, length: int) -> list[Any]:
    """Return the values of a place; raise IncorrectLookupParameters for what ``sealed`` did not write."""
    try:
        values = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
    except ValueError:
        values = None
    if not isinstance(values, list) or len(values) != length or any(isinstance(one, list | dict) for one in values):
        raise IncorrectLookupParameters(place)
    return values


def beyond(order: list[str], values: list[Any]) -> Q:
    """Return the condition of standing behind ``values`` in ``order``.

    The first column bounds the walk through its index by itself; the rest parts those that are equal in it.
    """
    names = [name.lstrip("-") for name in order]
    ways = ["lt" if name.startswith("-") else "gt" for name in order]
    condition = Q()
    for place, (name, way) in enumerate(zip(names, ways, strict=True)):
        equal = {earlier: values[i] for i, earlier in enumerate(names[:place])}
        condition |= Q(**equal, **{f"{name}__{way}": values[place]})
    return condition & Q(**{f"{names[0]}__{ways[0]}e": values[0]})


def _reversed(keyset: tuple[str, ...]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in keyset]


def _parameters(one: Any) -> tuple[str, ...]:
    """The names in the query of a filter: a column, or a class that names one or several."""
    return (one,) if isinstance(one, str) else getattr(one, "names", ()) or (one.parameter_name,)


def _value(row: Model, name: str) -> Any:
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    return value.pk if isinstance(value, Model) else value


class ReadOnly(ModelAdmin):
    """A table that only deeds write. ``needs`` is the permission to see it; an action names its own.

    ``section`` is where the navigation shows it, by its ``label`` or else the name of its model; ``empty`` says what an
    empty list means and what to do about it.
    ``keyset`` is the order of the list: columns that are never empty, the last one unique, best with an index.
    """

    needs = ""
    section = ""
    nav_order = 50
    label: Any = ""
    empty: Any = _("Nothing here yet.")
    intro = ""
    keyset: tuple[str, ...] = ("-pk",)
    list_per_page = 50
    sortable_by = ()
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    preserve_filters = False

    @property
    def media(self) -> Media:
        """No scripts and sheets of Django's admin: the pages need none."""
        return Media()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that reads on from a row."""
        return KeysetList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Filter by what the list offers; Django would take any column of the table, shown or not."""
        names = [name for one in self.list_filter for name in _parameters(one)]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in names)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """Search by ``find``, where the table has a search at all."""
        return (self.find(queryset, search_term) if search_term else queryset), False

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the rows that a search is for; a table with ``search_fields`` says how, by an index."""
        raise NotImplementedError

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the role."""
        return bool(request.user.has_perm(f"accounts.{self.needs}"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in the index to whoever may see it."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False
