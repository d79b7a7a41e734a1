"""Strict reading of answers: what is accepted, what a fault is called, and that no text leaks."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.answers import (
    FAILURES,
    Action,
    Failure,
    JudgeAnswer,
    WorkerAnswer,
    parse_answer,
    response_schema,
)
from batches.scoring import Scores

WORKER = {
    "explanation": "Steady work over three years.",
    "reasoning": "Band four in each.",
    "academic_score": 88,
    "test_score": 70.5,
    "achievement_score": 0,
    "essay_score": 100,
    "rubric_adherence": "full",
    "strengths": ["maths", "patience"],
    "areas_for_improvement": "detail",
}
JUDGE = {
    "reasoning": "Checked each band.",
    "decision": "approved",
    "bias_detected": False,
    "quality_score": 91.5,
    "feedback": "",
}
SCORES = ["academic_score", "test_score", "achievement_score", "essay_score"]


def worker(**changes):
    return parse_answer("worker", json.dumps(WORKER | changes))


def judge(**changes):
    return parse_answer("judge", json.dumps(JUDGE | changes))


def with_score(text):
    """A worker answer whose essay score is written exactly so."""
    return parse_answer("worker", json.dumps(WORKER | {"essay_score": 12321}).replace("12321", text))


def test_a_worker_answer_is_read_whole():
    assert worker(custom_id="c1", total_score=64.6) == WorkerAnswer(
        explanation="Steady work over three years.",
        reasoning="Band four in each.",
        academic_score=Decimal("88.0000"),
        test_score=Decimal("70.5000"),
        achievement_score=Decimal("0.0000"),
        essay_score=Decimal("100.0000"),
        rubric_adherence="full",
        strengths=("maths", "patience"),
        areas_for_improvement=("detail",),
        total_score=Decimal("64.6000"),
        custom_id="c1",
    )


def test_a_judge_answer_is_read_whole():
    assert judge(model="m") == JudgeAnswer(
        reasoning="Checked each band.",
        decision="approved",
        bias_detected=False,
        quality_score=Decimal("91.5000"),
        feedback="",
        model="m",
    )


def test_the_four_scores_come_out_for_adding_up():
    assert worker().scores == Scores(
        academic=Decimal(88), test=Decimal("70.5"), achievement=Decimal(0), essay=Decimal(100)
    )


TRAPS = [  # what parsers of JSON are known to disagree about, and what answers are known to come wrapped in
    ('{"academic_score": NaN}', "bad_number"),
    ('{"academic_score": Infinity}', "bad_number"),
    ('{"academic_score": -Infinity}', "bad_number"),
    ('{"academic_score": 1e999}', "bad_number"),
    ('{"academic_score": 1e99999999999999999999}', "bad_number"),
    ('{"academic_score": 9007199254740993}', "bad_number"),
    ('{"academic_score": ' + "9" * 5000 + "}", "bad_number"),
    ('{"academic_score": 1.' + "0" * 5000 + "}", "bad_number"),
    ('{"academic_score": 1, "academic_score": 2}', "duplicate_key"),
    ('{"strengths": {"a": 1, "a": 1}}', "duplicate_key"),
    ('{"model": "text", "model": null}', "duplicate_key"),
    ("[" * 100_000, "bad_type"),
    ('{"a":' * 9 + "1" + "}" * 9, "bad_type"),
    (r'{"explanation": "\ud800"}', "bad_text"),
    (r'{"explanation": "a\u0000b"}', "bad_text"),
    (r'{"\u0000": 1}', "bad_text"),
    ('{"explanation": "a\x00b"}', "not_json"),
    ("\ufeff{}", "not_json"),
    (b"\xff{}", "not_utf8"),
    ("", "empty"),
    (" \n\t", "empty"),
    ("null", "bad_type"),
    ("[]", "bad_type"),
    ("{'a': 1}", "not_json"),
    ('{"a": 1,}', "not_json"),
    ('{"a": 01}', "not_json"),
    ('{"a": 1} // done', "not_json"),
    ("Here it is: {}", "not_json"),
    ('{"a": 1}{"b": 2}', "several_objects"),
    ('{"a": 1}\n{"b": 2}', "several_objects"),
    ('<think>{"a": 1}</think>{"b": 2}', "several_objects"),
    ("```json\n{}\n```\n```json\n{}\n```", "several_objects"),
    ("```\n{}\n```", "not_json"),
    ("```json\n{}", "not_json"),
]


@pytest.mark.parametrize(("text", "cls"), TRAPS, ids=[f"{str(text)[:30]!r}" for text, _ in TRAPS])
def test_a_trap_is_named(text, cls):
    outcome = parse_answer("worker", text)
    assert (type(outcome), outcome.cls) == (Failure, cls)


def test_half_a_surrogate_pair_in_a_str_is_bad_text():
    assert parse_answer("judge", '{"reasoning": "\ud800"}').cls == "bad_text"


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```json \r\n{}\r\n```", "  \n```json\n{}```\n"])
def test_one_fence_around_the_whole_is_taken_off(fence):
    assert parse_answer("judge", fence.replace("{}", json.dumps(JUDGE))) == judge()


def test_a_dict_gets_the_same_checks_as_text():
    assert parse_answer("judge", dict(JUDGE)) == judge()
    assert parse_answer("judge", JUDGE | {"feedback": "\x00"}).cls == "bad_text"
    assert parse_answer("judge", JUDGE | {"quality_score": float("inf")}).cls == "bad_number"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0", "0.0000"),
        ("-0.0", "0.0000"),
        ("100", "100.0000"),
        ("1e2", "100.0000"),
        ("77.7", "77.7000"),
        ("0.00005", "0.0000"),
        ("0.00015", "0.0002"),
        ("70.00005000000000000001", "70.0001"),  # as a double it would go down to the even 70.0000
        ("1e-400", "0.0000"),
        ("1e-999999999999999999", "0.0000"),
    ],
)
def test_a_score_is_kept_as_written_and_rounded_half_even(written, kept):
    assert str(with_score(written).essay_score) == kept


@pytest.mark.parametrize(
    ("written", "cls"),
    [
        ("100.0000000001", "out_of_range"),
        ("-0.0000000001", "out_of_range"),
        ("9999", "out_of_range"),
        ("-5", "out_of_range"),
        ("1e300", "out_of_range"),
        ("true", "bad_type"),
        ('"88"', "bad_type"),
        ("null", "bad_type"),
        ("[88]", "bad_type"),
        ('{"value": 88}', "bad_type"),
    ],
)
def test_a_score_that_is_no_number_from_0_to_100_is_named(written, cls):
    outcome = with_score(written)
    assert (outcome.cls, outcome.field) == (cls, "essay_score")


def test_a_bad_score_is_shown_as_the_number_it_is():
    assert worker(test_score=105) == Failure("out_of_range", "test_score is 105, outside 0 to 100", "test_score")


@pytest.mark.parametrize("field", WORKER)
def test_every_worker_field_is_required_and_never_null(field):
    missing = parse_answer("worker", json.dumps({key: WORKER[key] for key in WORKER if key != field}))
    null = worker(**{field: None})
    assert missing == Failure("missing_field", f"{field} is missing", field)
    assert (null.cls, null.field) == ("bad_type", field)


@pytest.mark.parametrize("field", JUDGE)
def test_every_judge_field_is_required_and_never_null(field):
    missing = parse_answer("judge", json.dumps({key: JUDGE[key] for key in JUDGE if key != field}))
    null = judge(**{field: None})
    assert missing == Failure("missing_field", f"{field} is missing", field)
    assert (null.cls, null.field) == ("bad_type", field)


@pytest.mark.parametrize("field", ["explanation", "reasoning"])
def test_a_blank_reason_is_a_missing_one(field):
    assert worker(**{field: " \n"}) == Failure("missing_field", f"{field} is blank", field)


@pytest.mark.parametrize(
    ("given", "kept"), [("full", "full"), (0.9, "0.9"), (4, "4"), (True, "bad_type"), ([], "bad_type")]
)
def test_rubric_adherence_is_text_or_a_number(given, kept):
    outcome = worker(rubric_adherence=given)
    assert (outcome.cls if isinstance(outcome, Failure) else outcome.rubric_adherence) == kept


@pytest.mark.parametrize("field", ["strengths", "areas_for_improvement"])
def test_points_are_texts_and_nothing_else(field):
    kept = [getattr(worker(**{field: value}), field) for value in ("one", ["one", "two"], "  ", [])]
    refused = [worker(**{field: value}).cls for value in (3, ["one", 2], {"one": "two"})]
    assert kept == [("one",), ("one", "two"), (), ()]
    assert refused == ["bad_type"] * 3


def test_an_unknown_field_is_refused_by_where_it_stands():
    assert worker(overall=3) == Failure("unknown_field", "member 10 is not in the schema")


def test_a_claimed_total_may_be_absent_or_null_but_not_out_of_range():
    assert worker().total_score is worker(total_score=None).total_score is None
    assert worker(total_score=400).cls == "out_of_range"


def test_an_approval_that_finds_bias_contradicts_itself():
    assert judge(bias_detected=True).cls == "contradiction"


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_rejection_without_feedback_is_not_one(blank):
    outcome = judge(decision="rejected", feedback=blank)
    assert (outcome.cls, outcome.field) == ("missing_field", "feedback")


@pytest.mark.parametrize("bias", [True, False])
def test_a_rejection_with_feedback_stands(bias):
    assert judge(decision="rejected", feedback="Look again.", bias_detected=bias).bias_detected is bias


@pytest.mark.parametrize("decision", ["Approved", "accept", "", True])
def test_a_decision_is_one_of_two_words(decision):
    assert (judge(decision=decision).cls, judge(decision=decision).field) == ("bad_type", "decision")


@pytest.mark.parametrize("not_boolean", ["false", 0, 1, "no"])
def test_bias_is_true_or_false(not_boolean):
    assert judge(bias_detected=not_boolean).cls == "bad_type"


NAME = "Amina Farooqi"


@pytest.mark.parametrize(
    "text",
    [
        NAME,
        f'{{"{NAME}": 1}}',
        f'{{"{NAME}": 1, "{NAME}": 2}}',
        json.dumps(WORKER | {NAME: 1}),
        json.dumps(WORKER | {"essay_score": NAME}),
        json.dumps(WORKER | {"strengths": [NAME, 1]}),
        json.dumps(WORKER) + NAME,
        json.dumps(WORKER)[:-1] + f', "model": {NAME}',
        f'{{"explanation": "{NAME}\\q"}}',
    ],
)
def test_a_failure_never_quotes_the_answer(text):
    outcome = parse_answer("worker", text)
    assert isinstance(outcome, Failure)
    assert "Amina" not in f"{outcome.detail} {outcome.field}"


@given(st.binary() | st.text())
def test_no_bytes_and_no_text_make_it_raise(content):
    assert isinstance(parse_answer("worker", content), Failure)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(list(WORKER)), json_values)
@settings(max_examples=300)
def test_any_value_in_any_field_gives_an_answer_or_a_known_failure(field, value):
    outcome = worker(**{field: value})
    assert isinstance(outcome, WorkerAnswer) or outcome.cls in FAILURES


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
prose = texts.filter(str.strip)
numbers = st.decimals(min_value=0, max_value=100, places=4)


@given(prose, prose, st.lists(numbers, min_size=4, max_size=4), st.lists(texts), st.booleans())
def test_a_valid_answer_survives_the_round_trip(explanation, reasoning, scores, points, escaped):
    fields = WORKER | {"explanation": explanation, "reasoning": reasoning, "strengths": points}
    text = json.dumps(fields | dict.fromkeys(SCORES, "@"), ensure_ascii=escaped)
    for number in scores:
        text = text.replace('_score": "@"', f'_score": {number}', 1)
    outcome = parse_answer("worker", text.encode())
    assert outcome == WorkerAnswer(**fields | dict(zip(SCORES, scores, strict=True)))


def test_an_object_of_very_many_keys_is_refused_quickly():
    text = "{" + ",".join(f'"k{number}":1' for number in range(100_000)) + ',"k99999":1}'
    assert parse_answer("worker", text) == Failure("duplicate_key", "a key stands twice in one object")


@pytest.mark.parametrize(
    ("cls", "action"),
    [
        ("absent", Action("transport", 5)),
        ("bad_line", Action("transport", 5)),
        ("truncated", Action("truncated", 1)),
        ("not_json", Action("format", 2)),
        ("several_objects", Action("format", 2, suspicious=True)),
        ("refusal", Action("person", 0)),
        ("http_error", Action("person", 0)),
    ],
)
def test_a_failure_says_what_to_do_about_it(cls, action):
    assert Failure(cls, "").action == action


@pytest.mark.parametrize(("stage", "example"), [("worker", WORKER), ("judge", JUDGE)])
def test_the_schema_asks_for_exactly_what_is_read(stage, example):
    schema = response_schema(stage)
    assert sorted(schema["properties"]) == sorted(schema["required"]) == sorted(example)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("stage", ["worker", "judge"])
def test_the_schema_asks_for_reasons_before_scores_and_sets_no_bounds(stage):
    names = list(response_schema(stage)["properties"])
    first_score = next(names.index(name) for name in names if name.endswith("_score"))
    assert names.index("reasoning") < first_score
    assert [word for word in ("minimum", "maximum", "pattern") if word in str(response_schema(stage))] == []


def test_a_schema_can_be_changed_without_changing_the_next_one():
    response_schema("worker")["properties"]["explanation"]["type"] = "number"
    assert response_schema("worker")["properties"]["explanation"]["type"] == "string"
