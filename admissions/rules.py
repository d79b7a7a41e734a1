"""The rules of a cycle: their defaults, and what is wrong with a set of them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from admissions import rubrics, selection
from admissions.metrics import Range


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


def rule_faults(cycle: Any) -> list[str]:
    """Say in sentences what is wrong with the rules of a cycle (anything with a cycle's attributes)."""
    return list(_faults(cycle))


def _faults(cycle: Any) -> Iterator[str]:
    if sum(cycle.weights.values()) != 1 or min(cycle.weights.values()) < 0:
        yield "the four weights must not be negative and must sum to 1"
    if cycle.seats < 1 or cycle.attempts_allowed < 1 or cycle.gpa_scale <= 0:
        yield "seats, attempts and the GPA scale must be positive"
    if not cycle.name.isprintable():
        yield "the name must be one line of printable characters"
    if cycle.rubric_version not in rubrics.VERSIONS:
        yield f"there is no rubric {cycle.rubric_version!r}"
    if cycle.judge_policy not in set(JudgePolicy):
        yield f"there is no judge policy {cycle.judge_policy!r}"
    yield from _test_faults(cycle.tests)
    yield from _time_faults(cycle)
    yield from selection.tie_break_faults(cycle.tie_break)


def _test_faults(tests: object) -> Iterator[str]:
    if not isinstance(tests, dict) or not tests:
        yield "at least one test must be accepted"
        return
    try:
        ranges(tests)
    except ValueError as fault:
        yield str(fault)


def _time_faults(cycle: Any) -> Iterator[str]:
    times = {name: getattr(cycle, name) for name in ("opens_at", "closes_at", "results_at")}
    if zoneless := [name for name, time in times.items() if time and time.tzinfo is None]:
        yield from (f"{name} needs a time zone" for name in zoneless)
    elif cycle.opens_at and cycle.closes_at and cycle.closes_at <= cycle.opens_at:
        yield "the cycle must close after it opens"
