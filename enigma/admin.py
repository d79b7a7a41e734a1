"""Loads what the console shows of the service itself."""

from enigma.console import alarms

__all__ = ["alarms"]
