"""Plain results: the meaning of every line, and whose it is even when it is refused."""

from dataclasses import replace

import pytest

from batches.answers import Failure, JudgeAnswer, WorkerAnswer
from batches.formats import Parsed, plain
from batches.formats.base import dumps

ID = "Qm4x-7_tLr"
WORKER = {
    "explanation": "Steady work.",
    "reasoning": "Band four.",
    "academic_score": 88,
    "test_score": 70.5,
    "achievement_score": 61,
    "essay_score": 77,
    "rubric_adherence": "full",
    "strengths": [],
    "areas_for_improvement": [],
}
JUDGE = {
    "reasoning": "Checked.",
    "decision": "approved",
    "bias_detected": False,
    "quality_score": 90,
    "feedback": "",
}
ANSWER = WorkerAnswer(**WORKER)


def plain_result(**changes):
    return plain.parse(dumps({"anonymized_id": "anon-1", "custom_id": ID} | WORKER | changes), "worker")


def test_a_plain_answer_is_read_whole():
    expected = replace(ANSWER, custom_id=ID, anonymized_id="anon-1", model="engine-1")
    assert plain_result(model="engine-1") == Parsed(ID, "anon-1", expected, model="engine-1")


def test_a_plain_judgement_is_read_by_its_stage():
    line = dumps({"anonymized_id": "anon-1", "custom_id": ID} | JUDGE)
    assert isinstance(plain.parse(line, "judge").outcome, JudgeAnswer)
    assert plain.parse(line, "worker").outcome.cls == "missing_field"


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        ({"code": "rate_limit_exceeded", "message": "Amina"}, "rate_limited"),
        ({"code": "refusal", "message": "Amina"}, "refusal"),
        ({"code": "something_new", "message": "Amina"}, "server_error"),
        ({"code": ["x"]}, "server_error"),
        ("Amina broke it", "server_error"),
    ],
)
def test_a_plain_error_is_named_without_its_message(error, cls):
    line = dumps({"anonymized_id": "anon-1", "custom_id": ID, "error": error})
    parsed = plain.parse(line, "worker")
    assert (parsed.custom_id, parsed.anonymized_id, parsed.outcome.cls) == (ID, "anon-1", cls)
    assert "Amina" not in parsed.outcome.detail


@pytest.mark.parametrize(
    ("changes", "ids", "fault"),
    [
        ({"custom_id": "no spaces"}, (None, "anon-1"), ("bad_type", "custom_id")),
        ({"custom_id": "x" * 65}, (None, "anon-1"), ("bad_type", "custom_id")),
        ({"custom_id": 7}, (None, "anon-1"), ("bad_type", "custom_id")),
        ({"anonymized_id": None}, (ID, None), ("bad_type", "anonymized_id")),
        ({"anonymized_id": "a\nb"}, (ID, None), ("bad_type", "anonymized_id")),
    ],
)
def test_an_id_that_cannot_be_ours_is_no_id(changes, ids, fault):
    parsed = plain_result(**changes)
    assert (parsed.custom_id, parsed.anonymized_id) == ids
    assert (parsed.outcome.cls, parsed.outcome.field) == fault


@pytest.mark.parametrize("field", ["custom_id", "anonymized_id"])
def test_a_plain_answer_needs_both_ids(field):
    tree = {"anonymized_id": "anon-1", "custom_id": ID} | WORKER
    del tree[field]
    assert plain.parse(dumps(tree), "worker").outcome == Failure("missing_field", f"{field} is missing", field)


@pytest.mark.parametrize(
    ("rest", "cls"),
    [
        ('"essay_score":1,"essay_score":2}', "duplicate_key"),
        ('"essay_score":NaN}', "bad_number"),
        (r'"explanation":"\u0000"}', "bad_text"),
        ('"strengths":[[[[[[[[[1]]]]]]]]]}', "bad_type"),
    ],
)
def test_a_refused_plain_line_still_says_whose_it_is(rest, cls):
    parsed = plain.parse(f'{{"custom_id":"{ID}","anonymized_id":"anon-1",{rest}'.encode(), "worker")
    assert (parsed.custom_id, parsed.anonymized_id, parsed.outcome.cls) == (ID, "anon-1", cls)


def test_a_line_with_two_custom_ids_is_nobodys():
    parsed = plain.parse(f'{{"custom_id":"{ID}","custom_id":"other"}}'.encode(), "worker")
    assert (parsed.custom_id, parsed.outcome.field) == (None, "custom_id")
