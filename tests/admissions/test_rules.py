"""The rules of a cycle: what is wrong with them is said in sentences."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest

from admissions.metrics import Range
from admissions.rules import JudgePolicy, default_tests, default_tie_break, named_faults, ranges, rule_faults

WEIGHTS = {"academic": "0.30", "test": "0.25", "achievement": "0.25", "essay": "0.20"}


def rules(**changes):
    """The default rules of a cycle, with changes."""
    given = {
        "name": "Fall 2026",
        "weights": weights(),
        "tests": default_tests(),
        "seats": 1,
        "attempts_allowed": 3,
        "gpa_scale": Decimal(4),
        "essay_max": 20_000,
        "achievements_max": 10_000,
        "rubric_version": "2026-1",
        "judge_policy": JudgePolicy.EVERY,
        "opens_at": None,
        "closes_at": None,
        "results_at": None,
        "tie_break": default_tie_break(),
    }
    return SimpleNamespace(**given | changes)


def weights(**changes):
    return {part: Decimal(weight) for part, weight in {**WEIGHTS, **changes}.items()}


def test_the_default_rules_hold():
    assert rule_faults(rules()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"weights": weights(essay="0.21")}, "the four weights must not be negative and must sum to 1"),
        ({"weights": weights(essay="-0.1", test="0.55")}, "the four weights must not be negative and must sum to 1"),
        ({"name": "Fall\n2026"}, "the name must be one line of printable characters"),
        ({"tests": {}}, "at least one test must be accepted"),
        ({"tests": ["SAT"]}, "at least one test must be accepted"),
        ({"tests": {"SAT": [400]}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": [1, 2, 3]}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": 1600}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": ["low", "high"]}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": "19"}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": [True, 2]}}, "the test 'SAT' needs a lowest and a highest score"),
        ({"tests": {"SAT": [1600, 400]}}, "the range of the test 'SAT' is empty"),
        ({"tests": {"SAT": [400, 400]}}, "the range of the test 'SAT' is empty"),
        ({"tests": {"SAT": [0, float("inf")]}}, "the range of the test 'SAT' is empty"),
        ({"tests": {"SAT": [float("nan"), 1]}}, "the range of the test 'SAT' is empty"),
        ({"tests": {"": [0, 1]}}, "the name '' of a test is not plain ASCII"),
        ({"tests": {"Тест": [0, 1]}}, "the name 'Тест' of a test is not plain ASCII"),
        ({"tests": {"SAT ": [0, 1]}}, "the name 'SAT ' of a test is not plain ASCII"),
        ({"seats": 0}, "seats must be positive"),
        ({"attempts_allowed": 0}, "attempts_allowed must be positive"),
        ({"gpa_scale": Decimal(0)}, "gpa_scale must be positive"),
        ({"essay_max": 0}, "essay_max must be positive"),
        ({"achievements_max": 0}, "achievements_max must be positive"),
        ({"rubric_version": "1999-1"}, "there is no rubric '1999-1'"),
        ({"judge_policy": "some"}, "there is no judge policy 'some'"),
        ({"tie_break": ["essay"]}, "the tie-break must be a list that ends with «seed», or ties could stay unbroken"),
    ],
)
def test_each_wrong_rule_is_named(changes, fault):
    assert rule_faults(rules(**changes)) == [fault]


@pytest.mark.parametrize("closes", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)])
def test_a_cycle_closes_after_it_opens(closes):
    opens = datetime(2026, 1, 1, tzinfo=UTC)
    assert rule_faults(rules(opens_at=opens, closes_at=closes)) == ["the cycle must close after it opens"]


@pytest.mark.parametrize("field", ["opens_at", "closes_at", "results_at"])
def test_a_time_without_a_zone_means_nothing(field):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  the point of the test
    zoned = {"opens_at": datetime(2025, 1, 1, tzinfo=UTC), "closes_at": datetime(2027, 1, 1, tzinfo=UTC)}
    assert rule_faults(rules(**zoned | {field: naive})) == [f"{field} needs a time zone"]


def test_a_time_that_is_in_no_calendar_of_utc_is_refused():
    early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert rule_faults(rules(opens_at=early)) == ["opens_at lies outside the calendar"]


def test_all_faults_are_told_at_once_each_beside_its_field():
    named = named_faults(rules(seats=0, weights=weights(essay="0.21"), tests={}, tie_break=[], name="\n"))
    assert [field for field, _ in named] == ["weights", "seats", "name", "tests", "tie_break"]


def test_ranges_are_exact():
    assert ranges({"IELTS": [0.1, "9.0"]}) == {"IELTS": Range(Decimal("0.1"), Decimal("9.0"))}


def test_defaults_are_not_shared():
    default_tests()["SAT"].append(0)
    default_tie_break().clear()
    assert (default_tests()["SAT"], len(default_tie_break())) == ([400, 1600], 4)
