"""What the console shows of batches: each subject registers itself."""

from batches.console import exports, panels, results, runs, scores

__all__ = ["exports", "panels", "results", "runs", "scores"]
