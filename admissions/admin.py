"""What admissions adds to the console: each module registers its tables, pages and panels."""

from admissions.console import (  # noqa: F401  they register themselves
    alarms,
    blind,
    copies,
    cycles,
    dashboard,
    decisions,
    downloads,
    intake,
    late,
    letters,
    revealing,
    reviews,
    rules,
    selections,
    steps,
    tails,
    unreadable,
    waiting,
)
