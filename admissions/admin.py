"""What admissions adds to the console: each module registers its tables, pages and panels."""

from admissions.console import blind, copies, decisions, intake, revealing, unreadable, waiting

__all__ = ["blind", "copies", "decisions", "intake", "revealing", "unreadable", "waiting"]
