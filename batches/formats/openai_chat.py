"""The line shapes of OpenAI's Batch API for chat completions, as other servers speak them too.

Source: the request and response types of the openai package, and its Batch API guide.
"""

import hashlib
import re

from batches.answers import Answer, Failure, Stage, Unreadable, parse_answer
from batches.formats.base import (
    Json,
    Parsed,
    Request,
    applicant,
    custom_id,
    dumps,
    earlier_words,
    error_of,
    model_name,
    read_line,
    salvaged_ids,
)

name = "openai-chat"
_DEPTH = 32  # of the envelope: log probabilities and tool calls nest deep, and are not read

_TASKS: dict[Stage, str] = {
    "worker": "Evaluate this applicant by the rubric.",
    "judge": "Check the evaluation of this applicant that is given as `evaluation`.",
}
_BLOCK = re.compile(r"\nDATA ([0-9a-f]{16})\n([^\n]*)\nEND \1\n\Z")
_AGAIN = "An earlier evaluation was sent back; `feedback` is the note that came with it."


def render(request: Request) -> bytes:
    """Return the request as one line; the system message is the same for every applicant of a stage."""
    line = {
        "custom_id": request.custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": request.model,
            "messages": [
                {"role": "system", "content": request.system_text},
                {"role": "user", "content": _user_text(request)},
            ],
            "max_completion_tokens": request.most_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": f"enigma_{request.stage}",
                    "strict": True,
                    "schema": request.response_schema,
                },
            },
        },
    }
    return dumps(line) + b"\n"


def nonce(custom_id: str, data: str) -> str:
    """Return the mark around the data of one request: 16 hex digits that no applicant can foresee."""
    count = 0
    while True:
        seed = f"enigma/nonce/v1\n{custom_id}" + (f"\n{count}" if count else "")
        mark = hashlib.sha256(seed.encode()).hexdigest()[:16]
        if mark not in data:
            return mark
        count += 1


def _user_text(request: Request) -> str:
    """Return heading lines and the data as JSON, whose escapes keep applicant text from faking a heading."""
    earlier = earlier_words(request)
    data = dumps(applicant(request) | earlier).decode()
    mark = nonce(request.custom_id, data)
    task = _TASKS[request.stage] + (f" {_AGAIN}" if "feedback" in earlier else "")
    where = f"The data block stands between the two lines marked {mark}."
    return f"{task}\n{where}\n\nDATA {mark}\n{data}\nEND {mark}\n"


def data_of(user_text: str) -> str | None:
    """Return the data block of a user message that render wrote, as JSON text."""
    block = _BLOCK.search(user_text)
    return block[2] if block else None


def parse(line: bytes, stage: Stage) -> Parsed:
    """Return what a result line says; by the status code first: a failed request has no error beside it."""
    try:
        tree = read_line(line, depth=_DEPTH)
    except Unreadable as fault:
        return Parsed(salvaged_ids(line)[0], None, fault.failure)
    request_id = custom_id(tree.get("custom_id"))
    if request_id is None:
        return Parsed(None, None, Failure("missing_field", "custom_id is missing or not ours", "custom_id"))
    try:
        body = _body(tree)
        outcome = _same_request(parse_answer(stage, _content(body)), request_id)
    except Unreadable as fault:
        return Parsed(request_id, None, fault.failure)
    about = None if isinstance(outcome, Failure) else outcome.anonymized_id
    return Parsed(request_id, about, outcome, model=model_name(body.get("model")), usage=_usage(body))


def _body(tree: Json) -> Json:
    """Return the completion of a line; raises Unreadable with what the line reports instead."""
    response = tree.get("response")
    if not isinstance(response, dict):
        raise Unreadable.of(error_of(tree.get("error")))
    body, status = response.get("body"), response.get("status_code")
    error = (body.get("error") if isinstance(body, dict) else None) or tree.get("error")
    if isinstance(status, bool) or not isinstance(status, int):
        raise Unreadable("bad_line", "the response has no status code", "status_code")
    if not 200 <= status < 300:
        raise Unreadable.of(_failed(status, error))
    if error or not isinstance(body, dict):
        raise Unreadable.of(error_of(error))
    return body


def _failed(status: int, error: object) -> Failure:
    """Return what an HTTP status stands for: busy, broken, or a request that will never work."""
    if status == 429:
        return Failure("rate_limited", "HTTP 429")
    if status >= 500 or status in (408, 409, 425):
        return Failure("server_error", f"HTTP {status}")
    if status in (401, 403, 404):  # a wrong key or model name says nothing about the applicant
        return Failure("no_access", f"HTTP {status}: check key and model name")
    known = error_of(error, otherwise="http_error")
    return Failure(known.cls, f"HTTP {status}; {known.detail}")


_FINISHES = {
    "length": ("truncated", "the answer was cut off at the token limit"),
    "content_filter": ("content_filter", "the engine's filter held the answer back"),
    "tool_calls": ("empty", "the engine called a tool, but has none"),
    "function_call": ("empty", "the engine called a function, but has none"),
    "abort": ("server_error", "the engine gave up"),
}


def _content(body: Json) -> str:
    """Return the text of the one choice; raises Unreadable where there is none."""
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise Unreadable("empty", "there is not exactly one choice", "choices")
    message, finish = choices[0].get("message"), choices[0].get("finish_reason")
    if not isinstance(message, dict):
        raise Unreadable("empty", "the choice has no message", "message")
    if message.get("refusal"):
        raise Unreadable("refusal", "the engine refuses to answer", "refusal")
    if isinstance(finish, str) and finish in _FINISHES:
        raise Unreadable(*_FINISHES[finish], "finish_reason")
    content = message.get("content")
    if not isinstance(content, str):
        raise Unreadable("empty", "the message has no text", "content")
    return content


def _same_request(outcome: Answer | Failure, request_id: str) -> Answer | Failure:
    """An answer need not repeat the id, but when it does, it must be the one it was asked under."""
    if isinstance(outcome, Failure) or outcome.custom_id in (None, request_id):
        return outcome
    return Failure("id_mismatch", "the answer names another custom_id than its line", "custom_id")


def _usage(body: Json) -> dict[str, int] | None:
    """Return the token counts of a completion, the cached and the reasoning ones beside their totals."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    nested = [usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")]
    counts: Json = {}
    for part in [usage, *nested]:
        counts |= part if isinstance(part, dict) else {}
    return {key: counts[key] for key in _COUNTS if type(counts.get(key)) is int}


_COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
