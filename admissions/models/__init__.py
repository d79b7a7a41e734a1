"""Loads the models and re-exports nothing, so that an import says which side of the blind line it takes from."""

from admissions.models import applications, blind, cycles, reviews, runs  # noqa: F401  Django finds models only here
