"""The rules of a cycle: their defaults, and what is wrong with a set of them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from admissions import rubrics, selection
from admissions.metrics import Range
from enigma.errors import Malformed

POSITIVE = ("seats", "attempts_allowed", "gpa_scale", "essay_max", "achievements_max")
TIMES = ("opens_at", "closes_at", "results_at")


def default_tests() -> dict[str, list[int]]:
    """The tests that a cycle accepts unless told otherwise, with the ends of their scales."""
    return {"SAT": [400, 1600], "ACT": [1, 36]}


def default_tie_break() -> list[str]:
    """How ties are broken unless told otherwise."""
    return list(selection.DEFAULT_TIE_BREAK)


class JudgePolicy(StrEnum):
    """Which evaluations a judge sees before they count."""

    EVERY = "every"
    NONE = "none"


def ranges(tests: Mapping[str, Any]) -> dict[str, Range]:
    """Read ``{"SAT": [400, 1600]}`` as exact ranges; raise ValueError for anything else."""
    return {name: _range(name, ends) for name, ends in tests.items()}


def _range(name: str, ends: Any) -> Range:
    try:
        if isinstance(ends, str):  # two characters would pass for two numbers
            raise TypeError
        low, high = (Decimal(str(end)) for end in ends)
    except (TypeError, ValueError, InvalidOperation):
        raise ValueError(f"the test {name!r} needs a lowest and a highest score") from None
    if not (low.is_finite() and high.is_finite() and low < high):
        raise ValueError(f"the range of the test {name!r} is empty")
    return Range(low, high)


class WrongRules(Malformed):
    """Rules that no cycle can have; ``faults`` holds pairs of a field (or ``weights``) and what is wrong with it."""

    def __init__(self, told: str, faults: Iterable[tuple[str, str]]) -> None:
        super().__init__(told)
        self.faults = tuple(faults)


def rule_faults(cycle: Any) -> list[str]:
    """Say in sentences what is wrong with the rules of a cycle (anything with a cycle's attributes)."""
    return [fault for _, fault in named_faults(cycle)]


def named_faults(cycle: Any) -> list[tuple[str, str]]:
    """Return the same, each sentence beside the field that it is about; the four weights are one, ``weights``."""
    return list(_faults(cycle))


def _faults(cycle: Any) -> Iterator[tuple[str, str]]:
    if sum(cycle.weights.values()) != 1 or min(cycle.weights.values()) < 0:
        yield "weights", "the four weights must not be negative and must sum to 1"
    yield from ((name, f"{name} must be positive") for name in POSITIVE if getattr(cycle, name) <= 0)
    if not cycle.name.isprintable():
        yield "name", "the name must be one line of printable characters"
    if cycle.rubric_version not in rubrics.VERSIONS:
        yield "rubric_version", f"there is no rubric {cycle.rubric_version!r}"
    if cycle.judge_policy not in set(JudgePolicy):
        yield "judge_policy", f"there is no judge policy {cycle.judge_policy!r}"
    yield from (("tests", fault) for fault in _test_faults(cycle.tests))
    yield from _time_faults(cycle)
    yield from (("tie_break", fault) for fault in selection.tie_break_faults(cycle.tie_break))


def _test_faults(tests: object) -> Iterator[str]:
    if not isinstance(tests, dict) or not tests:
        yield "at least one test must be accepted"
        return
    # The rules are committed as EJ1, which has ASCII keys only.
    yield from (f"the name {name!r} of a test is not plain ASCII" for name in tests if not _is_plain(name))
    try:
        ranges(tests)
    except ValueError as fault:
        yield str(fault)


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable() and name.strip() == name != ""


def _time_faults(cycle: Any) -> Iterator[tuple[str, str]]:
    times = {name: getattr(cycle, name) for name in TIMES}
    faults = [(name, fault) for name, time in times.items() if time and (fault := _time_fault(name, time))]
    yield from faults
    if not faults and cycle.opens_at and cycle.closes_at and cycle.closes_at <= cycle.opens_at:
        yield "closes_at", "the cycle must close after it opens"


def _time_fault(name: str, time: datetime) -> str:
    if time.tzinfo is None:
        return f"{name} needs a time zone"
    try:
        time.astimezone(UTC)
    except OverflowError:  # the first hour of the year 1 east of Greenwich
        return f"{name} lies outside the calendar"
    return ""
