"""Loads what admissions shows in the console; Django's admin finds modules of this name."""

from admissions.console import cycles, downloads, late, letters, rules, steps, tails  # noqa: F401  they register themselves
