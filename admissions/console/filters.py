"""The filters of the lists of applications and scores; each is answered by an index."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.browser import actor_of
from admissions.console import words
from admissions.console.flags import flags
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.phases import Phase, Status
from enigma.console.tables import AFTER, BEFORE, opened

NOT_YET = "none"
SCORING: dict[Any, Any] = {
    NOT_YET: _("Not scored yet"),
    FinalScore.Status.WAITING: _("Waiting for a person"),
    FinalScore.Status.SCORED: _("Scored"),
    FinalScore.Status.SET_ASIDE: _("Set aside"),
}
# Only here can a blind copy be without a final score.
UNSCORED_PHASES = (Phase.PREPROCESSING, Phase.BATCH_PREP, Phase.PROCESSING)
OUTCOMES = (Status.SELECTED, Status.NOT_SELECTED)
BAND = 10


class Choice(SimpleListFilter):
    """A filter that refuses values which it does not offer."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """Restrict the list, if something is chosen."""
        value = self.value()
        if value is None:
            return None
        if value not in {str(code) for code, _ in self.lookup_choices}:
            raise IncorrectLookupParameters(self.parameter_name)
        return self.chosen(queryset, value)

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows that a value stands for."""
        raise NotImplementedError


class CycleFilter(Choice):
    """One cycle, by its code."""

    title, parameter_name = _("cycle"), "cycle"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all cycles, the newest first."""
        self.pks = dict(AdmissionCycle.objects.order_by("-pk").values_list("code", "pk"))
        return [(code, code) for code in self.pks]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows of the cycle."""
        return queryset.filter(admission_cycle=self.pks[value])


class CycleByArrivalFilter(CycleFilter):
    """One cycle, of a list in the order of arrival.

    As a range and not as an equality: PostgreSQL would else take the order for that of the primary key alone, believe
    that the cycles are mixed in it, and walk over all newer cycles.
    """

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows of the cycle."""
        return queryset.filter(admission_cycle__gte=self.pks[value], admission_cycle__lte=self.pks[value])


class OneCycleFilter(CycleFilter):
    """Always one cycle: the newest until another is chosen."""

    def value(self) -> str | None:
        """Return what is chosen, or the newest."""
        return super().value() or next(iter(self.pks), None)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Offer no «all»."""
        every = super().choices(changelist)
        next(every)
        yield from every


class ScoringFilter(Choice):
    """How far the scoring of a blind copy has come."""

    title, parameter_name = _("scoring"), "scoring"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer all states."""
        return list(SCORING.items())

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the blind copies in that state."""
        if value == NOT_YET:
            open_cycles = AdmissionCycle.objects.filter(phase__in=UNSCORED_PHASES).values_list("pk", flat=True)
            score = _behind_the_place(self.request).filter(pk=OuterRef("pk"))
            return queryset.filter(~Exists(score), admission_cycle__in=list(open_cycles))
        return queryset.filter(pk__in=_behind_the_place(self.request).filter(status=value).values("pk"))


def _behind_the_place(request: HttpRequest) -> QuerySet[FinalScore]:
    """The scores from the place on where the page of a list begins: else a deep page walks over all before it."""
    scores = FinalScore.objects.all()
    for name, way in ((AFTER, "pk__gte"), (BEFORE, "pk__lte")):
        if place := request.GET.get(name):
            try:
                scores = scores.filter(**{way: opened(place, 1)[0]})
            except ValidationError:
                raise IncorrectLookupParameters(name) from None
    return scores


class FlagFilter(Choice):
    """What a blind copy is marked with."""

    title, parameter_name = _("flag"), "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the marks that the apps have added."""
        return [(flag.code, flag.label) for flag in flags()]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return what bears the mark."""
        (flag,) = (one for one in flags() if one.code == value)
        return queryset.filter(pk__in=flag.ids())


class TotalFilter(Choice):
    """A range of totals, in bands of ten; any other by the address, as ``total=62.5-70``."""

    title, parameter_name = _("total"), "total"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the bands, best first, and the range that the address names."""
        bands = [f"{low}-{low + BAND}" for low in range(100 - BAND, -1, -BAND)]
        value = self.value()
        offered = [value, *bands] if value and value not in bands else bands
        return [(band, band) for band in offered]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the scores of the range; the lower end belongs to it, the upper only at 100."""
        low, dash, high = value.partition("-")
        try:
            least, most = Decimal(low), Decimal(high)
            whole = bool(dash) and 0 <= least <= most <= 100
        except InvalidOperation:
            whole = False
        if not whole:
            raise IncorrectLookupParameters(self.parameter_name)
        return queryset.filter(total__gte=least, **({"total__lte": most} if most == 100 else {"total__lt": most}))


class StatusFilter(Choice):
    """Where an application stands; what tells an outcome is offered only to whom the embargo does not bind."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the statuses."""
        self.actor = actor_of(request.user)
        return [(status.value, words.STATUSES[status]) for status in Status]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the applications; outcomes of those cycles only whose outcomes the reader may see."""
        if value in OUTCOMES:
            cycles = AdmissionCycle.objects.filter(phase=Phase.SELECTION)
            seen = [one.pk for one in cycles if may_see_figures(one, self.actor)]
            queryset = queryset.filter(admission_cycle__in=seen)
        return queryset.filter(status=value)
