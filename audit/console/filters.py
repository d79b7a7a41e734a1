"""The filters of the internal log; each is a walk along an index, with a million entries as with ten."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from audit.finding import actions, entity_types, first_at
from audit.models import AuditLog

FIRST, LAST = date(1970, 1, 2), date(9998, 12, 31)  # what still is a moment in every zone, with a day added


class NotOk(SimpleListFilter):
    """What went otherwise than well: refused, failed, lies."""

    title, parameter_name = _("outcome"), "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """There is one question."""
        return [("not_ok", _("Not ok"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditLog]) -> QuerySet[AuditLog]:
        """Leave out what is ok, by the index that holds nothing else."""
        return queryset.exclude(outcome="ok") if self.value() == "not_ok" else queryset


class ByAction(SimpleListFilter):
    """One action."""

    title, parameter_name = _("action"), "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return those that the log holds."""
        return [(name, name) for name in actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditLog]) -> QuerySet[AuditLog]:
        """Keep that one."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class ByEntityType(SimpleListFilter):
    """One type of thing that entries are about."""

    title, parameter_name = _("entity"), "entity_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return those that the log holds."""
        return [(name, name) for name in entity_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditLog]) -> QuerySet[AuditLog]:
        """Keep that one."""
        return queryset.filter(entity_type=self.value()) if self.value() else queryset


class ByDay(ListFilter):
    """From a day to a day, both whole, in the zone that the pages show."""

    title = _("days")
    template = "console/audit/days.html"
    names = ("since", "until")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]

    def has_output(self) -> bool:
        """It is always there."""
        return True

    def expected_parameters(self) -> list[str]:
        """Return both names."""
        return list(self.names)

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditLog]) -> QuerySet[AuditLog]:
        """Turn the days into positions; raise IncorrectLookupParameters for what is no day."""
        if since := self._day("since"):
            queryset = queryset.filter(log_id__gte=first_at(since))
        if until := self._day("until"):
            queryset = queryset.filter(log_id__lt=first_at(until + timedelta(days=1)))
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Give the template what was asked, and what else is in the query."""
        others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            for value in values
            if name not in self.names
        ]
        yield {"others": others, "selected": bool(self.used_parameters), **self.used_parameters}

    def _day(self, name: str) -> datetime | None:
        text = self.used_parameters.get(name, "")
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError:  # it looks like one, and is none
            day = None
        if day is None or not FIRST <= day <= LAST:
            raise IncorrectLookupParameters(text)
        return timezone.make_aware(datetime.combine(day, time.min))
