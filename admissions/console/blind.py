"""The page of a blind copy: what the evaluators saw, its numbers, its score and what people did to it."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from admissions.console.copies import short, tag_of
from admissions.console.filters import NOT_YET
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics, FinalScore, Texts, text_reader
from admissions.phases import Phase
from admissions.reveal import may_be_revealed
from admissions.scrubbing.values import TYPES
from admissions.selection import PARTS
from audit.models import AuditLog
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes, panels_of
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused

_PLACEHOLDER = re.compile(r"(\[(?:" + "|".join(TYPES) + r")\])")


def marked(text: str) -> SafeString:
    """Return a text with its placeholders marked; everything else is escaped."""
    pieces = _PLACEHOLDER.split(text)
    return mark_safe(  # noqa: S308  every piece goes through format_html
        "".join(format_html("<mark>{}</mark>" if place % 2 else "{}", piece) for place, piece in enumerate(pieces))
    )


def about(copy: AnonymizedApplication, request: HttpRequest) -> dict[str, Any]:
    """Return what a page says of a blind copy, panels of other apps included."""
    final = FinalScore.objects.filter(pk=copy.pk).first()
    return {
        "copy": copy,
        "cycle": copy.admission_cycle,
        "final": final,
        "scoring": tag_of(final.status if final else NOT_YET),
        "waits": final is not None and final.status == FinalScore.Status.WAITING,
        "evidence": bytes(final.evidence_sha256).hex() if final and final.evidence_sha256 else "",
        "weights": [(part, 100 * weight) for part, weight in copy.admission_cycle.weights.items()],
        "parts": _parts(copy, final),
        "texts": _texts(copy),
        "metrics": DeterministicMetrics.objects.filter(pk=copy.pk).first(),
        "tests": sorted(copy.test_scores.items()),
        "panels": panels_of("blind", request, copy),
    }


def _parts(copy: AnonymizedApplication, final: FinalScore | None) -> list[dict[str, Any]]:
    """Each part with its weight, its score and what it adds to the total; nothing where there is no score."""
    if final is None or final.total is None:
        return []
    weights = copy.admission_cycle.weights
    scores = {part: getattr(final, part) for part in PARTS}
    return [
        {"part": part, "weight": 100 * weights[part], "score": scores[part], "adds": scores[part] * weights[part]}
        for part in PARTS
    ]


def _texts(copy: AnonymizedApplication) -> dict[str, SafeString] | None:
    """Return essay and achievements with their placeholders marked, or None where they do not open."""
    try:
        texts: Texts = text_reader(copy.admission_cycle)(copy.pk, copy.sealed_texts)
    except (Refused, UnreadableRecord):
        return None
    return {"essay": marked(texts.essay), "achievements": marked(texts.achievements)}


class BlindCopyPage(ConsolePage):
    """One blind copy."""

    needs = {"get": "blind.view"}
    template = "console/blind_copy.html"

    def get(self, request: HttpRequest, anonymized_id: UUID) -> HttpResponse:
        """Show it."""
        copies = AnonymizedApplication.objects.select_related("admission_cycle")
        copy = get_object_or_404(copies, pk=anonymized_id)
        said = about(copy, request)
        trail = [(_("Applications"), reverse("admin:admissions_anonymizedapplication_changelist"))]
        return self.show(
            _("Blind copy %(id)s") % {"id": short(copy.pk)},
            trail=trail,
            history=self._history(copy),
            may_decide=self.may("scores.decide") and copy.admission_cycle.phase == Phase.PROCESSING,
            may_reveal=self.may("identity.view") and may_be_revealed(copy.admission_cycle),
            **said,
        )

    def _history(self, copy: AnonymizedApplication) -> list[AuditLog]:
        """What people did to it; that it was opened, and when, is for those who read the log: times join lists."""
        entries = AuditLog.objects.filter(entity_type="blind", entity_id=copy.pk.hex).order_by("log_id")
        if not self.may("audit.view"):
            entries = entries.filter(action__startswith="scores.")
        return list(entries.only("timestamp", "action", "actor_id", "role"))


add_routes(console_path("admissions/anonymizedapplication/<uuid:anonymized_id>/", BlindCopyPage, name="blind_copy"))
