"""Cycles, applications and outcomes: the round of admissions itself."""
