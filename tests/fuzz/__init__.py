"""Asks a running server everything that its schema allows and forbids, as every role: ``make fuzz``."""
