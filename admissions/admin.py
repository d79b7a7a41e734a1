"""Loads what admissions shows in the console."""

from admissions.console import cycles, downloads, late, rules, steps, tails  # noqa: F401  they register themselves
