"""Every line of a result file gets a row: what it answers, what it says, or why it cannot be taken."""

import hashlib
import io
import json
from decimal import Decimal

import pytest
from django.db import connection

from batches import staging
from batches.staging import cycle_of, stage_file
from tests.batches.engines import (
    EVALUATION,
    chat,
    encoded,
    evaluated,
    evaluation,
    export,
    failure,
    judgement,
    prepared,
    processing,
    requests_of,
)
from tests.factories import cycle

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    return processing(2)


@pytest.fixture
def request_(one):
    return requests_of(one)[0]


def staged(one, *lines):
    """Stage these lines; return (line, code, field, whether a request was found)."""
    stage_file(io.BytesIO(encoded(*lines)), one)
    return rows("line, code, field, request_id IS NOT NULL")


def rows(columns):
    with connection.cursor() as cursor:
        return cursor.execute(f"SELECT {columns} FROM staged ORDER BY line").fetchall()


def code(one, line):
    """The code, field and whether a request was found, of one line."""
    [(_, code, field, found)] = staged(one, line)
    return code, field, found


# -- good answers -------------------------------------------------------------------------------


def test_an_evaluation_is_staged_with_all_it_says(one, request_):
    line = json.dumps(evaluation(request_, total_score=99, strengths=["a", "é"], model="engine-7")).encode()
    stage_file(io.BytesIO(line + b"\r\n"), one)
    [row] = rows(
        "line, custom_id, code, detail, line_sha256, model, academic, test, achievement, essay, total, claimed_total,"
        " explanation, reasoning, rubric_adherence, strengths::text, areas_for_improvement::text, decision, feedback"
    )
    assert (row[:4], bytes(row[4])) == ((1, request_["custom_id"], "", ""), hashlib.sha256(line).digest())
    numbers = (80, Decimal("70.5"), 60, 90, Decimal("74.625"), 99)
    words = ("Strong in physics.", "Second of 61.", "full", '["a", "é"]', "[]", None, None)
    assert row[5:] == ("engine-7", *numbers, *words)


def test_a_judgement_is_staged_with_all_it_says(one):
    evaluated(one)
    export(one, "judge")
    request = requests_of(one, "judge")[0]
    stage_file(io.BytesIO(encoded(judgement(request, quality_score=61.25))), one)
    columns = "code, academic, total, reasoning, decision, bias_detected, quality_score, feedback, model"
    said = ("", None, None, "Each score rests on the text.", "approved", False, Decimal("61.25"), "", "model-1")
    assert rows(columns) == [said]


def test_the_total_is_ours_by_the_weights_of_the_cycle():
    weights = {"weight_academic": 1, "weight_test": 0, "weight_achievement": 0, "weight_essay": 0}
    one = processing(1, **weights)
    stage_file(io.BytesIO(encoded(evaluation(requests_of(one)[0], total_score=1))), one)
    assert rows("total, claimed_total") == [(80, 1)]


def test_the_model_is_the_one_that_the_line_reports_or_else_the_one_that_was_asked(one):
    first, second = requests_of(one)
    staged(one, evaluation(first), chat(second["custom_id"], EVALUATION))
    assert rows("model, code") == [("model-1", ""), ("engine-7", "")]


# -- what a file may look like ------------------------------------------------------------------


def test_a_byte_order_mark_crlf_and_blank_lines_do_not_matter(one):
    first, second = (json.dumps(evaluation(request)).encode() for request in requests_of(one))
    content = b"\xef\xbb\xbf" + first + b"\r\n\r\n  \n" + second  # and no line end after the last
    assert stage_file(io.BytesIO(content), one) == 2
    assert rows("line, code") == [(1, ""), (4, "")]


def test_each_line_is_read_in_its_own_format(one):
    first, second = requests_of(one)
    noise = {"custom_id": "abc"}  # looks plain, though the file is not
    assert [row[1] for row in staged(one, noise, chat(first["custom_id"], EVALUATION), evaluation(second))] == [
        "unknown_id",
        "",
        "",
    ]


@pytest.mark.parametrize("limit", [("CHUNK", 1), ("CHUNK_BYTES", 10), ("CHUNK", 2)])
def test_chunks_change_nothing(one, monkeypatch, limit):
    monkeypatch.setattr(staging, *limit)
    first, second = requests_of(one)
    lines = [evaluation(first), b"rubbish\n", failure(second), evaluation(second)]
    assert [row[:2] for row in staged(one, *lines)] == [(1, ""), (2, "bad_line"), (3, "expired"), (4, "")]


def test_a_file_may_be_staged_after_another(one):
    first, second = requests_of(one)
    staged(one, evaluation(first))
    assert staged(one, evaluation(second), evaluation(first)) == [(1, "", "", True), (2, "", "", True)]


# -- lines that are not taken -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code_and_field"),
    [
        ({"essay_score": 9999}, ("out_of_range", "essay_score")),
        ({"essay_score": -5}, ("out_of_range", "essay_score")),
        ({"academic_score": 100.0001}, ("out_of_range", "academic_score")),
        ({"test_score": float("nan")}, ("bad_number", "")),
        ({"test_score": float("inf")}, ("bad_number", "")),
        ({"test_score": float("-inf")}, ("bad_number", "")),
        ({"test_score": True}, ("bad_type", "test_score")),
        ({"test_score": "88"}, ("bad_type", "test_score")),
        ({"test_score": [88]}, ("bad_type", "test_score")),
        ({"total_score": 9999}, ("out_of_range", "total_score")),
        ({"test_score": None}, ("missing_field", "test_score")),
        ({"explanation": None}, ("missing_field", "explanation")),
        ({"reasoning": "  "}, ("missing_field", "reasoning")),
        ({"verdict": "best"}, ("unknown_field", "")),
        ({"explanation": "a\0b"}, ("bad_text", "")),
        ({"explanation": "\ud800"}, ("bad_text", "")),
        ({"strengths": {"a": 1}}, ("bad_type", "strengths")),
        ({"anonymized_id": None}, ("missing_field", "anonymized_id")),
        ({"anonymized_id": "00000000-0000-4000-8000-000000000000"}, ("id_mismatch", "anonymized_id")),
        ({"anonymized_id": "-"}, ("id_mismatch", "anonymized_id")),
    ],
)
def test_a_bad_answer_is_named_and_counts_against_its_request(one, request_, changes, code_and_field):
    assert code(one, evaluation(request_, **changes)) == (*code_and_field, True)


@pytest.mark.parametrize("form", [str.upper, lambda text: text.replace("-", "")])
def test_the_id_of_the_blind_copy_may_be_written_otherwise(one, request_, form):
    assert code(one, evaluation(request_, anonymized_id=form(request_["anonymized_id"]))) == ("", "", True)


def test_a_key_that_stands_twice_is_refused(one, request_):
    line = encoded(evaluation(request_)).replace(b'"test_score": 70.5', b'"test_score": 70.5, "test_score": 100')
    assert code(one, line) == ("duplicate_key", "test_score", True)


def test_two_ids_in_one_line_answer_neither_request(one):
    first, second = requests_of(one)
    line = encoded(evaluation(first)).replace(b'{"', b'{"custom_id": "%s", "' % second["custom_id"].encode(), 1)
    assert code(one, line) == ("duplicate_key", "custom_id", False)


def test_an_id_that_was_never_asked_is_unknown(one, request_):
    assert code(one, evaluation(request_, custom_id="somebody-elses")) == ("unknown_id", "", False)


def test_an_id_that_no_export_holds_yet_is_unknown(one):
    evaluated(one)
    with connection.cursor() as cursor:
        cursor.execute("SELECT custom_id, anonymized_id::text FROM evaluation_requests WHERE stage = 'judge'")
        custom_id, anonymized_id = cursor.fetchone()
    line = judgement({"custom_id": custom_id, "anonymized_id": anonymized_id})
    assert code(one, line) == ("unknown_id", "", False)


def test_a_request_of_another_cycle_is_not_answered_here(one):
    other = prepared(1, code="other")
    export(other)
    assert code(one, evaluation(requests_of(other)[0])) == ("other_cycle", "", False)


def test_an_answer_of_the_other_stage_is_refused(one, request_):
    assert code(one, judgement(request_)) == ("missing_field", "explanation", True)
    evaluated(one)
    export(one, "judge")
    assert code(one, evaluation(requests_of(one, "judge")[0])) == ("missing_field", "decision", True)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"rubbish\n", "bad_line"),
        (b'{"custom_id": "a", "anonym', "bad_line"),
        (b"[]\n", "bad_type"),
        (b'{"custom_id": "\xff"}\n', "not_utf8"),
        (b"x" * 2_100_000 + b"\n", "line_too_long"),
        (b"[" * 100_000 + b"\n", "bad_type"),
        (b'{"custom_id": ""}\n', "bad_type"),
        (b'{"custom_id": 7}\n', "bad_type"),
        (b'{"answer": 7}\n', "missing_field"),
        (b'{"custom_id": "' + b"9" * 65 + b'"}\n', "bad_type"),
    ],
)
def test_a_line_without_an_id_of_ours_answers_nobody(one, line, found):
    [(number, found_code, _, is_ours)] = staged(one, line)
    assert (number, found_code, is_ours) == (1, found, False)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (lambda c: chat(c, EVALUATION, finish="length"), "truncated"),
        (lambda c: chat(c, EVALUATION, finish="content_filter"), "content_filter"),
        (lambda c: chat(c, "", refusal="I will not"), "refusal"),
        (lambda c: chat(c, "not an object"), "not_json"),
        (lambda c: chat(c, EVALUATION | {"custom_id": "another"}), "id_mismatch"),
        (lambda c: chat(c, EVALUATION | {"anonymized_id": "another"}), "id_mismatch"),
        (lambda c: {"custom_id": c, "response": None, "error": {"code": "batch_expired", "message": "m"}}, "expired"),
        (lambda c: {"custom_id": c, "response": {"status_code": 429, "body": {"error": {}}}}, "rate_limited"),
        (lambda c: {"custom_id": c, "response": {"status_code": 500, "body": None}}, "server_error"),
        (lambda c: {"custom_id": c, "response": {"status_code": 400, "body": {"error": {}}}}, "http_error"),
    ],
)
def test_a_line_of_an_error_file_counts_against_its_request(one, request_, line, found):
    [(_, found_code, _, is_ours)] = staged(one, line(request_["custom_id"]))
    assert (found_code, is_ours) == (found, True)


def test_what_is_told_never_quotes_the_answer(one, request_):
    staged(one, evaluation(request_, essay_score="SECRET"), b"SECRET\n", evaluation(request_, SECRET=1))
    assert [row for row in rows("code, field, detail") if "SECRET" in "".join(row)] == []


# -- whose file ---------------------------------------------------------------------------------


def test_the_cycle_is_that_of_the_first_line_that_names_a_request(one, monkeypatch):
    monkeypatch.setattr(staging, "CHUNK", 2)
    other = prepared(1, code="other")
    export(other)
    lines = [
        b"rubbish\n",
        {"custom_id": "no"},
        b"\n",
        evaluation(requests_of(other)[0]),
        evaluation(requests_of(one)[0]),
    ]
    stream = io.BytesIO(encoded(*lines))
    assert (cycle_of(stream), stream.tell()) == (other, 0)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"rubbish\n", b'{"custom_id": "no"}\n'])
def test_a_file_that_names_no_request_has_no_cycle(content):
    cycle()
    assert cycle_of(io.BytesIO(content)) is None
