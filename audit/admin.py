"""Loads what the console shows of both logs."""

from audit.console import alarms, entries, panels, proofs

__all__ = ["alarms", "entries", "panels", "proofs"]
