"""What the console shows of this app; Django's admin finds modules of this name."""

from admissions.console import (  # noqa: F401  they register themselves
    cycles,
    dashboard,
    downloads,
    late,
    letters,
    rules,
    steps,
    tails,
)
