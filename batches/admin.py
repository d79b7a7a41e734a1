"""What batches adds to the console: each module registers its tables, pages and panels."""

from batches.console import evaluations

__all__ = ["evaluations"]
