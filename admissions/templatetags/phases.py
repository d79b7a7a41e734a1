"""The name of a phase as pages write it, the same everywhere."""

from typing import Any

from django import template

from admissions.console import words

register = template.Library()


@register.filter
def phase_name(phase: str) -> Any:
    """Return what the console calls a phase."""
    return words.PHASES.get(phase, phase)
