"""What the console shows of this app; Django's admin finds modules of this name."""

from admissions.console import letters  # noqa: F401  registers itself
