"""Loads what admissions shows in the console."""

from admissions.console import alarms  # noqa: F401  registers itself
