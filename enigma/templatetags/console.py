"""What templates of the console need beside Django's own tags."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import ngettext

register = template.Library()


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    """Return an entry of a mapping, or nothing."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def hexadecimal(value: bytes) -> str:
    """Write the bytes of a hash as digits."""
    return bytes(value).hex()


@register.filter
def in_words(name: Any) -> str:
    """Write a code as words: ``batch_prep`` as «Batch prep»."""
    return str(name).replace("_", " ").replace(".", " ").strip().capitalize()


@register.filter
def percent_of(part: Any, whole: Any) -> int:
    """Return a part in whole percent, rounded down, 0 of nothing: 100 is all, and only all."""
    return int(100 * part / whole) if whole else 0


@register.filter
def lasting(seconds: float | timedelta) -> str:
    """Write how long something takes: «40 seconds», «12 minutes», «3 hours»."""
    whole = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if whole < 90:
        return ngettext("%(n)d second", "%(n)d seconds", round(whole)) % {"n": round(whole)}
    if whole < 5400:
        return ngettext("%(n)d minute", "%(n)d minutes", round(whole / 60)) % {"n": round(whole / 60)}
    return ngettext("%(n)d hour", "%(n)d hours", round(whole / 3600)) % {"n": round(whole / 3600)}


@register.filter
def may(user: Any, permission: str) -> bool:
    """Tell whether somebody holds a permission."""
    return bool(user.has_perm(f"accounts.{permission}"))


@register.filter
def as_percent(share: Decimal) -> str:
    """Write a share of 1 in percent, with as many digits as it has: 0.305 as «30.5»."""
    return format((share * 100).normalize(), "f")
