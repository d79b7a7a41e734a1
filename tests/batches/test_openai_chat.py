"""Chat results: the status code first, then the choice, then the answer in it."""

import json

import pytest

from batches.answers import WorkerAnswer
from batches.formats import Parsed, openai_chat
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
ANSWER = WorkerAnswer(**WORKER)


def chat_result(*, status=200, error=None, body_error=None, **choice):
    """What the parser says of one result line, with a valid answer unless the choice is changed."""
    message = {"role": "assistant", "content": json.dumps(WORKER)} | choice.pop("message", {})
    body = {
        "model": "engine-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message} | choice],
    }
    body = {"error": body_error} if body_error else body
    response = {"status_code": status, "request_id": "r", "body": body}
    return openai_chat.parse(dumps({"custom_id": ID, "response": response, "error": error}), "worker")


def test_a_chat_answer_is_read_whole():
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
    body = {"model": "engine-1", "choices": [{"message": {"content": json.dumps(WORKER)}}], "usage": usage}
    line = dumps({"custom_id": ID, "response": {"status_code": 200, "body": body}, "error": None})
    counted = {"prompt_tokens": 9, "completion_tokens": 5, "cached_tokens": 8}
    assert openai_chat.parse(line, "worker") == Parsed(ID, None, ANSWER, model="engine-1", usage=counted)


@pytest.mark.parametrize(("inner", "cls"), [(ID, None), ("another", "id_mismatch")])
def test_an_id_inside_a_chat_answer_must_be_the_one_outside(inner, cls):
    outcome = chat_result(message={"content": json.dumps(WORKER | {"custom_id": inner})}).outcome
    assert getattr(outcome, "cls", None) == cls


@pytest.mark.parametrize(
    ("changes", "cls"),
    [
        ({"status": 400}, "http_error"),
        ({"status": 400, "body_error": {"code": "content_filter", "message": "m"}}, "content_filter"),
        ({"status": 400, "body_error": {"code": "context_length_exceeded"}}, "http_error"),
        ({"status": 401}, "no_access"),
        ({"status": 404}, "no_access"),
        ({"status": 422}, "http_error"),
        ({"status": 429}, "rate_limited"),
        ({"status": 408}, "server_error"),
        ({"status": 500, "error": "text"}, "server_error"),
        ({"status": 503, "body_error": {"code": "content_filter"}}, "server_error"),
        ({"status": True}, "bad_line"),
        ({"status": None}, "bad_line"),
        ({"body_error": {"message": "m"}}, "server_error"),
        ({"finish_reason": "length"}, "truncated"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "tool_calls"}, "empty"),
        ({"finish_reason": "abort"}, "server_error"),
        ({"message": {"refusal": "Amina", "content": None}}, "refusal"),
        ({"message": {"content": None}}, "empty"),
        ({"message": {"content": "  "}}, "empty"),
        ({"message": {"content": [{"type": "text"}]}}, "empty"),
        ({"message": {"content": "Here you are"}}, "not_json"),
        ({"message": {"content": '{"a":1,"a":2}'}}, "duplicate_key"),
    ],
)
def test_a_chat_line_without_an_answer_says_why(changes, cls):
    parsed = chat_result(**changes)
    assert (parsed.custom_id, parsed.outcome.cls) == (ID, cls)
    assert "Amina" not in parsed.outcome.detail


def test_one_answer_was_asked_for_so_two_choices_are_none():
    choice = {"message": {"content": json.dumps(WORKER)}}
    response = {"status_code": 200, "body": {"choices": [choice, choice]}}
    parsed = openai_chat.parse(dumps({"custom_id": ID, "response": response}), "worker")
    assert (parsed.outcome.cls, parsed.outcome.field) == ("empty", "choices")


@pytest.mark.parametrize(
    ("rest", "cls"),
    [
        ({"response": None, "error": {"code": "batch_expired", "message": "m"}}, "expired"),
        ({"response": None, "error": {"code": "batch_cancelled"}}, "cancelled"),
        ({"response": None, "error": {"code": "request_timeout"}}, "server_error"),
        ({"response": None, "error": "vLLM says no"}, "server_error"),
        ({"response": {"status_code": 400, "body": None}, "error": "vLLM says no"}, "http_error"),
        ({"response": {"status_code": 200, "body": None}, "error": None}, "server_error"),
        ({"response": {"status_code": 200, "body": {}}}, "empty"),
        ({"response": {"status_code": 200, "body": {"choices": []}}}, "empty"),
        ({"response": {"status_code": 200, "body": {"choices": [{}, {}]}}}, "empty"),
        ({"response": {"status_code": 200, "body": {"choices": [{"message": "m"}]}}}, "empty"),
        ({}, "server_error"),
    ],
)
def test_a_chat_line_without_a_completion_says_why(rest, cls):
    parsed = openai_chat.parse(dumps({"custom_id": ID} | rest), "worker")
    assert (parsed.custom_id, parsed.outcome.cls) == (ID, cls)
