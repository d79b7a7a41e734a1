"""Loads the models and re-exports nothing, so that an import says which side of the blind line it takes from."""

from admissions.models import (  # noqa: F401  Django finds models only here
    applications,
    blind,
    cycles,
    drafts,
    late_access,
    letters,
    reviews,
    runs,
)
