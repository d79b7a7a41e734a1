"""Opening a cycle by command: options and a file set its rules, whatever is wrong is named."""

import json
from datetime import UTC, datetime

import pytest

from admissions.models.cycles import AdmissionCycle
from tests.factories import typed

pytestmark = pytest.mark.django_db


def created(*arguments):
    return typed("create_cycle", "fall-2026", "--name", "Fall 2026", "--seats", "120", *arguments)


def test_a_cycle_is_opened_in_one_line():
    assert created() == (0, "opened fall-2026 with 120 seats; it takes applications now\n")
    one = AdmissionCycle.objects.get()
    assert (one.name, one.seats, one.phase, one.is_demo) == ("Fall 2026", 120, "submission", False)


@pytest.mark.parametrize("form", ["json", "toml"])
def test_a_file_and_options_set_the_rules(tmp_path, form):
    config = tmp_path / f"rules.{form}"
    config.write_text(
        {
            "json": '{"weights": {"academic": 0.1, "essay": 0.4}, "tests": {"IELTS": [0, 9.5]}, "gpa_scale": 5}',
            "toml": "gpa_scale = 5\n[weights]\nacademic = 0.1\nessay = 0.4\n[tests]\nIELTS = [0, 9.5]\n",
        }[form]
    )
    code, text = created("--config", config, "--demo", "--opens", "2026-01-01T00:00Z", "--json")
    one, rules = AdmissionCycle.objects.get(), json.loads(text)
    assert (code, rules) == (0, {"code": "fall-2026", "phase": "submission", **one.rules()})
    assert (rules["tests"], rules["gpa_scale"]) == ({"IELTS": ["0", "9.5"]}, "5")
    assert rules["weights"] == {"academic": "0.1000", "test": "0.2500", "achievement": "0.2500", "essay": "0.4000"}
    assert (one.is_demo, one.opens_at) == (True, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_code_that_is_taken_is_a_conflict():
    created()
    assert created() == (4, "There is a cycle fall-2026 already.")


@pytest.mark.parametrize(
    ("arguments", "code", "refusal"),
    [
        (["--seats", "0"], 2, "seats: Ensure this value is greater than or equal to 1."),
        (["--opens", "tomorrow"], 2, "opens_at: “tomorrow” value has an invalid format"),
        (["--opens", "2026-01-01"], 2, "The rules of fall-2026 do not hold: opens_at needs a time zone."),
        (["--actor", "sam@example.org"], 3, "There is no active member of staff with this address."),
        (["--config", "/nowhere.json"], 2, "/nowhere.json cannot be read: "),
    ],
)
def test_create_cycle_refuses(arguments, code, refusal):
    got, text = created(*arguments)
    assert (got, text[: len(refusal)], AdmissionCycle.objects.count()) == (code, refusal, 0)


def test_a_code_must_fit_into_an_address():
    refusal = typed("create_cycle", "Fall 2026", "--name", "Fall 2026", "--seats", "0")
    slug = "code: Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."
    assert refusal == (2, f"{slug} seats: Ensure this value is greater than or equal to 1.")


@pytest.mark.parametrize(
    ("config", "code", "refusal"),
    [
        ("{", 2, "rules.json cannot be read: "),
        ("[]", 2, "rules.json must hold one object."),
        ('{"phase": "scored"}', 2, "The configuration knows no phase; it may set "),
        ('{"weights": {"luck": 1}}', 2, "There is no weight for luck, only for "),
        ('{"weights": {"essay": 0.33333}}', 2, "weight_essay: Ensure that there are no more than 4 decimal places."),
        ('{"weights": {"essay": NaN}}', 2, "weight_essay: “nan” value must be a decimal number."),
        ('{"judge_policy": "some"}', 2, "judge_policy: Value 'some' is not a valid choice."),
        ('{"weights": {"essay": true}}', 2, "weight_essay: true is not a value of this rule."),
        ('{"attempts_allowed": true}', 2, "attempts_allowed: true is not a value of this rule."),
        ('{"gpa_scale": 5, "gpa_scale": 4}', 2, "rules.json cannot be read: gpa_scale stands twice in one object."),
        ('{"tests": {"SAT": [0, 1], "SAT": [0, 2]}}', 2, "rules.json cannot be read: SAT stands twice in one object."),
        pytest.param("[" * 100_000, 2, "rules.json cannot be read: ", id="too deep"),
        ('{"essay_max": 0}', 2, "The rules of fall-2026 do not hold: essay_max must be positive."),
        ('{"achievements_max": 0}', 2, "The rules of fall-2026 do not hold: achievements_max must be positive."),
        ('{"weights": {"essay": 0.5}}', 2, "The rules of fall-2026 do not hold: the four weights "),
        ('{"tie_break": ["luck", "seed"]}', 2, "The rules of fall-2026 do not hold: the tie-break knows no 'luck'."),
        ('{"tests": {"SAT": [1600, 400]}}', 2, "The rules of fall-2026 do not hold: the range of the test 'SAT' is "),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(tmp_path, monkeypatch, config, code, refusal):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.json").write_text(config)
    got, text = created("--config", "rules.json")
    assert (got, text[: len(refusal)], AdmissionCycle.objects.count()) == (code, refusal, 0)
