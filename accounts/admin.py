"""Loads what the console shows of people: the tables, and the pages on which something is done about them."""

from accounts import people_console, tokens_console

__all__ = ["people_console", "tokens_console"]
