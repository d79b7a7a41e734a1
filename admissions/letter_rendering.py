"""What one reader gets: subject, plain text and HTML; and the same for an invented person, to look at beforehand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import override

from accounts.actors import Actor
from admissions.letter_templates import WrongText, text_for
from admissions.letter_texts import (
    LANGUAGES,
    OUTCOMES,
    PLACEHOLDERS,
    LetterText,
    direction,
    faults_of,
    fill,
    supported,
    tidied,
)
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.phases import Status
from enigma.mail import site_url

LAYOUT = "admissions/letters/layout.html"
# Where a cycle has no closing date.
OPEN_END = {"en": "further notice", "ur": "تا اطلاعِ ثانی", "ar": "إشعار آخر"}
NOT_ASSESSED = OUTCOMES[-1]

_INVENTED = {
    "name": {"en": "Amina Qureshi-Holt", "ur": "آمنہ قریشی", "ar": "أمينة قريشي"},
    "reference": "7K3M-9Q2X-4TBH",
    "receipt": "0123456789abcdef" * 2,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter as it goes out, and its paragraphs alone, for a page of ours; all values in it are escaped."""

    subject: str
    text: str
    html: str
    paragraphs: SafeString


def render(text: LetterText, values: dict[str, str], *, language: str) -> Rendered:
    """Fill a text in and put it into the layout."""
    filled = fill(text, values, language=language, site=site_url())
    paragraphs = mark_safe(filled.paragraphs)  # noqa: S308  escaped piece by piece in letter_texts
    frame = {"language": language, "direction": direction(language), "subject": filled.subject}
    html = render_to_string(LAYOUT, {**frame, "paragraphs": paragraphs})
    return Rendered(filled.subject, filled.text, html, paragraphs)


def values_for(
    variant: str, cycle: AdmissionCycle, *, language: str, until: datetime | None = None, **of_person: str
) -> dict[str, str]:
    """Return what may be named in a letter: the cycle's own, beside name, reference and receipt where there are any."""
    return {
        "cycle": cycle.name,
        "seats": str(cycle.seats),
        "link": f"{site_url()}{_path(variant, cycle, of_person.get('reference', ''))}",
        "until": _moment(until or cycle.closes_at, language),
        **of_person,
    }


def _path(variant: str, cycle: AdmissionCycle, reference: str) -> str:
    """Return the page that a letter leads to; whoever is not signed in is led to the door first."""
    if "receipt" in PLACEHOLDERS[variant]:
        return reverse("receipt", args=[reference])
    if variant == "late_access":
        return reverse("apply", args=[cycle.code])
    return reverse("decision", args=[reference])


def _moment(at: datetime | None, language: str) -> str:
    if at is None:
        return OPEN_END[language]
    with override(language):
        return date_format(timezone.localtime(at), "j F Y, H:i T")


def preview(
    variant: str, cycle: AdmissionCycle | None, language: str, subject: str | None = None, body: str | None = None
) -> Rendered:
    """Return a letter to an invented person, never a real one; with another subject or body to try it before it counts.

    Without a cycle an invented one is named. Raises WrongText for what could not be kept either.
    """
    kept = text_for(variant, language, cycle)
    text = tidied(LetterText(kept.subject if subject is None else subject, kept.body if body is None else body))
    if faults := list(faults_of(variant, text)):
        raise WrongText(faults)
    shown = cycle or AdmissionCycle(code="fall-2026", name="Fall 2026", seats=100)
    until = shown.closes_at or datetime.now(UTC).replace(hour=23, minute=59) + timedelta(days=14)
    invented = {**_INVENTED, "name": _INVENTED["name"][language]}  # type: ignore[index]
    return render(text, values_for(variant, shown, language=language, until=until, **invented), language=language)


def samples(cycle: AdmissionCycle, *, actor: Actor, language: str | None = None) -> list[dict[str, Any]]:
    """Return the three letters of a publication, each with the number of people who get it, or None for the number.

    The numbers are figures of a selection under embargo: only who may see those is told, and only once there is one.
    """
    told = language or supported(settings.LANGUAGE_CODE)
    counts = _counts(cycle) if may_see_figures(cycle, actor) and cycle.selection_or_none() else None
    return [
        {
            "variant": variant,
            "count": counts.get(variant, 0) if counts is not None else None,
            "letter": preview(variant, cycle, told),
        }
        for variant in OUTCOMES
    ]


def _counts(cycle: AdmissionCycle) -> dict[str, int]:
    mine = Application.objects.of(cycle).exclude(status=Status.WITHDRAWN).order_by()
    counted = mine.values_list("outcome").annotate(count=Count("*"))
    return {outcome or NOT_ASSESSED: count for outcome, count in counted}


def is_known(variant: str, language: str) -> bool:
    """Tell whether there is such a letter."""
    return variant in PLACEHOLDERS and language in LANGUAGES
