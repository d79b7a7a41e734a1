"""What batches adds to the console: each module registers its tables, pages and panels."""

from batches.console import evaluations, exports, panels, results, runs, scores

__all__ = ["evaluations", "exports", "panels", "results", "runs", "scores"]
