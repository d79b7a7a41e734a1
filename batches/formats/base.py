"""What every batch format has in common: a request to render, a result to parse, and the checks of both."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import orjson

from batches.answers import Answer, Failure, Stage, Unreadable, read_object
from batches.formats.presentable import presentable

FEEDBACK_LENGTH = 1000  # characters: feedback quotes an engine that has read applicant text
MOST_TOKENS = 4096
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to an engine. Texts are scrubbed already; numbers are Decimal or int, so bytes are exact.

    ``feedback`` is the judge's, for a worker's later attempt; ``evaluation`` is the worker's scores and
    texts, for the judge. ``most_tokens`` caps the answer, where a format can say so.
    """

    custom_id: str
    stage: Stage
    attempt: int
    model: str
    anonymized_id: str
    gpa: Decimal | None
    gpa_scale: Decimal
    test_scores: Mapping[str, Any]
    metrics: Mapping[str, Any]
    essay: str
    achievements: str
    system_text: str
    response_schema: Mapping[str, Any]
    rubric_sha256: str
    prompt_sha256: str
    feedback: str | None = None
    evaluation: Mapping[str, Any] | None = None
    most_tokens: int = MOST_TOKENS


@dataclass(frozen=True, slots=True)
class Parsed:
    """One result line. An id is None where the line has none to be trusted; usage counts tokens by kind."""

    custom_id: str | None
    anonymized_id: str | None
    outcome: Answer | Failure
    model: str | None = None
    usage: dict[str, int] | None = None


class Format(Protocol):
    """A batch format: a module with these three."""

    name: str

    def render(self, request: Request) -> bytes:
        """Return the request as a line of UTF-8 JSON with its LF; the same request gives the same bytes."""

    def parse(self, line: bytes, stage: Stage) -> Parsed:
        """Return what a result line says; never raises, whatever the bytes are."""


def dumps(tree: object) -> bytes:
    """Return compact UTF-8 JSON in the order of the keys, a Decimal as exactly its digits."""
    return orjson.dumps(tree, default=_number)


def _number(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return orjson.Fragment(format(value.normalize(), "f"))


def applicant(request: Request) -> Json:
    """Return what an engine may know of an applicant, in fixed order, texts presentable."""
    return {
        "gpa": request.gpa,
        "gpa_scale": request.gpa_scale,
        "test_scores": dict(sorted(request.test_scores.items())),
        "metrics": dict(sorted(request.metrics.items())),
        "essay": presentable(request.essay),
        "achievements": presentable(request.achievements),
    }


def earlier_words(request: Request) -> Json:
    """Return what engines said of this applicant before; tainted by applicant text, so presentable too."""
    words: Json = {}
    if request.feedback is not None:
        words["feedback"] = presentable(request.feedback)[:FEEDBACK_LENGTH]
    if request.evaluation is not None:
        words["evaluation"] = _presentable_tree(dict(request.evaluation))
    return words


def _presentable_tree(value: Any) -> Any:
    if isinstance(value, str):
        return presentable(value)
    if isinstance(value, dict):
        return {key: _presentable_tree(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_presentable_tree(inner) for inner in value]
    return value


def read_line(line: bytes, *, depth: int) -> Json:
    """Return the JSON object of a line; raises Unreadable: what is no JSON is a bad line of the file."""
    try:
        return read_object(line.decode(), depth=depth)
    except UnicodeDecodeError as fault:
        raise Unreadable("not_utf8", f"byte {fault.start} is not UTF-8") from None
    except Unreadable as fault:
        if fault.failure.cls in ("not_json", "several_objects"):
            raise Unreadable("bad_line", fault.failure.detail) from None
        raise


def custom_id(value: object) -> str | None:
    """Return a value if it can be one of our ids."""
    return value if isinstance(value, str) and _CUSTOM_ID.fullmatch(value) else None


def salvaged_ids(line: bytes) -> tuple[str | None, str | None]:
    """Return (custom_id, anonymized_id) of a line that was refused, where each stands there exactly once."""
    if not line.lstrip().startswith(b"{"):
        return None, None
    try:
        pairs = _PAIRS.decode(line.decode())
    except (ValueError, RecursionError):
        return None, None
    found: dict[str, list[object]] = {"custom_id": [], "anonymized_id": []}
    for key, value in pairs:
        found.get(key, []).append(value)
    one = {key: values[0] if len(values) == 1 else None for key, values in found.items()}
    return custom_id(one["custom_id"]), anonymized_id(one["anonymized_id"])


_PAIRS = json.JSONDecoder(object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=str)


def anonymized_id(value: object) -> str | None:
    """Return a value if it can be the id of a blind copy."""
    return value if isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable() else None


def model_name(value: object) -> str | None:
    """Return the name of the model that an engine reports, cut to what the database holds."""
    return value[:200] if isinstance(value, str) else None


_CODES = {
    "batch_expired": "expired",
    "expired": "expired",
    "batch_cancelled": "cancelled",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "rate_limit_exceeded": "rate_limited",
    "rate_limited": "rate_limited",
    "too_many_requests": "rate_limited",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "refusal": "refusal",
    "length": "truncated",
    "truncated": "truncated",
    "context_length_exceeded": "http_error",
    "invalid_request_error": "http_error",
}


def error_of(error: object, *, otherwise: str = "server_error") -> Failure:
    """Return the failure that an engine's error object, or error text, stands for; ``otherwise`` if unknown.

    The message is left out of the detail: engines quote the request in it.
    """
    if error is None:
        return Failure(otherwise, "neither an answer nor an error")
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code in _CODES:
        return Failure(_CODES[code], f"the engine reports {code}")
    return Failure(otherwise, "the engine reports an error")
