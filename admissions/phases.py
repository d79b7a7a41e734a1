"""The nine phases, the eight steps between them, and which application statuses each phase may hold."""

from enum import StrEnum

from enigma.errors import Refused


class PhaseError(Refused):
    """The cycle is not where the step starts, or a check of the step says no."""


class Phase(StrEnum):
    """Where a cycle stands."""

    SUBMISSION = "submission"
    FROZEN = "frozen"
    PREPROCESSING = "preprocessing"
    BATCH_PREP = "batch_prep"
    PROCESSING = "processing"
    SCORED = "scored"
    SELECTION = "selection"
    PUBLISHED = "published"
    COMPLETED = "completed"


class Status(StrEnum):
    """Where one application stands."""

    SUBMITTED = "submitted"
    FINALIZED = "finalized"
    PREPROCESSING = "preprocessing"
    BATCH_READY = "batch_ready"
    PROCESSING = "processing"
    SCORED = "scored"
    SELECTED = "selected"
    NOT_SELECTED = "not_selected"
    PUBLISHED = "published"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What selection decided; it outlives the status, which moves on to «published»."""

    SELECTED = "selected"
    NOT_SELECTED = "not_selected"


_OUT = {Status.FAILED, Status.WITHDRAWN}

# After a step, no application may stand anywhere else: whoever does was forgotten by the step.
STATUSES_OF: dict[str, set[Status]] = {
    Phase.SUBMISSION: {Status.SUBMITTED, Status.WITHDRAWN},
    Phase.FROZEN: {Status.FINALIZED, Status.WITHDRAWN},
    Phase.PREPROCESSING: {Status.PREPROCESSING, Status.BATCH_READY} | _OUT,
    Phase.BATCH_PREP: {Status.BATCH_READY} | _OUT,
    Phase.PROCESSING: {Status.PROCESSING} | _OUT,
    Phase.SCORED: {Status.SCORED} | _OUT,
    Phase.SELECTION: {Status.SELECTED, Status.NOT_SELECTED} | _OUT,
    Phase.PUBLISHED: {Status.PUBLISHED} | _OUT,
    Phase.COMPLETED: {Status.PUBLISHED} | _OUT,
}


def has_reached(phase: str, target: Phase) -> bool:
    """Whether a cycle in ``phase`` stands at ``target`` or beyond it."""
    order = list(Phase)
    return order.index(Phase(phase)) >= order.index(target)
