"""A moment as people read it, with its zone; inside a sentence, so that a translation may put it where it belongs."""

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def moment(at: datetime | None, form: str = "j F Y, H:i T") -> SafeString | str:
    """Return a moment in the reader's zone and language, and for programs in UTC; "" for none."""
    if not at:
        return ""
    shown = date_format(timezone.localtime(at), form)
    return format_html(
        '<time dir="auto" datetime="{}">{}</time>', at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), shown
    )
