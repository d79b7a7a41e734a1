"""Rules and figures in words that people know, for the pages that show them."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from admissions.models.cycles import AdmissionCycle
from admissions.rubric_blocks import blocks
from admissions.rubrics import rubric
from admissions.rules import ranges

PART_NAMES: dict[str, Promise] = {
    "academic": _("Grades"),
    "test": _("Admission tests"),
    "achievement": _("Achievements"),
    "essay": _("Essay"),
}
BY_LOT = _("lot")
# What stands in the public log under a receipt.
KIND_NAMES: dict[str, Promise] = {
    "submission": _("Application handed in"),
    "submission.change": _("Application changed"),
    "submission.withdraw": _("Application withdrawn"),
    "decision": _("Decision sealed at publication"),
    "unblind": _("Identity opened"),
    "erasure": _("Identity erased at the person's wish"),
}


def part_names() -> dict[str, Promise]:
    """Return the name of each score part."""
    return PART_NAMES


def tests_of(cycle: AdmissionCycle) -> list[tuple[str, Any, Any]]:
    """Return name, lowest and highest result of each accepted test."""
    return [(name, test.low, test.high) for name, test in sorted(ranges(cycle.tests).items())]


def rubric_of(cycle: AdmissionCycle) -> dict[str, Any]:
    """Return version, digest and blocks of the rubric of a cycle."""
    text = rubric(cycle.rubric_version)
    return {"version": text.version, "sha256": text.sha256, "blocks": blocks(text.text)}


def tie_rule(criteria: list[str]) -> list[Promise]:
    """Return in words what breaks ties, in order; the last is the lot, drawn from a seed."""
    return [PART_NAMES.get(part, BY_LOT) for part in criteria]
