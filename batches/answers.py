"""What an engine may answer: one strict JSON object per stage, and a named failure for anything else."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Annotated, Any, Literal, NoReturn, cast

from pydantic import (
    AfterValidator,
    PlainValidator,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from batches.scoring import HIGHEST, PLACES, Scores

Stage = Literal["worker", "judge"]
Retry = Literal["transport", "format", "truncated", "person", "none"]


@plain_dataclass(frozen=True, slots=True)
class Action:
    """What to do about a failure: which counter it uses up, how often, and whether to suspect the text."""

    retry: Retry
    limit: int
    suspicious: bool = False


_TRANSPORT, _FORMAT, _PERSON = Action("transport", 5), Action("format", 2), Action("person", 0)

FAILURES: Mapping[str, Action] = {
    # the answer never arrived whole: send the same bytes again
    **dict.fromkeys(("bad_line", "line_too_long", "not_utf8", "rate_limited", "server_error"), _TRANSPORT),
    **dict.fromkeys(("expired", "cancelled", "absent", "no_access"), _TRANSPORT),
    # the engine answered in a shape we do not read: ask for a new sample
    **dict.fromkeys(("empty", "not_json", "duplicate_key", "missing_field", "unknown_field"), _FORMAT),
    **dict.fromkeys(("bad_type", "bad_number", "out_of_range", "bad_text", "contradiction"), _FORMAT),
    # the same, but applicant text may have steered the engine
    **dict.fromkeys(("several_objects", "id_mismatch"), Action("format", 2, suspicious=True)),
    "truncated": Action("truncated", 1),
    # the engine will not, or cannot, answer this request: never a score of 0, never dropped
    **dict.fromkeys(("refusal", "content_filter", "http_error"), _PERSON),
}


@plain_dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. ``detail`` is for people and logs: it never quotes text of the answer."""

    cls: str
    detail: str
    field: str | None = None

    @property
    def action(self) -> Action:
        """Return what to do about it."""
        return FAILURES[self.cls]


class Unreadable(Exception):
    """Carries a Failure out of the middle of reading."""

    def __init__(self, cls: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.failure = Failure(cls, detail, field)

    @classmethod
    def of(cls, failure: Failure) -> "Unreadable":
        """Wrap a failure that is at hand."""
        return cls(failure.cls, failure.detail, failure.field)


# --- what the two stages answer ---


def _refuse(cls: str, detail: str) -> NoReturn:
    raise PydanticCustomError(cls, "{detail}", {"detail": detail})


def _kind(value: object) -> str:
    """Return what JSON calls a value of this Python type."""
    kinds = {bool: "a boolean", str: "text", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), "a number")


def _score(value: object) -> Decimal:
    """Return a JSON number from 0 to 100 as a Decimal of 4 places, rounded half-even."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse("bad_type", f"must be a number, not {_kind(value)}")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        _refuse("bad_number", "is not a finite number")
    if not 0 <= number <= HIGHEST:
        _refuse("out_of_range", f"is {number:.6g}, outside 0 to {HIGHEST}")
    return abs(number.quantize(PLACES, ROUND_HALF_EVEN))  # abs: -0.0 is 0


def _score_or_null(value: object) -> Decimal | None:
    return None if value is None else _score(value)


def _not_blank(text: str) -> str:
    if not text.strip():
        _refuse("missing_field", "is blank")
    return text


def _points(value: object) -> tuple[str, ...]:
    """Return text, or a list of texts, as a tuple of texts; blank text is no point at all."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if not isinstance(value, list | tuple) or not all(isinstance(point, str) for point in value):
        _refuse("bad_type", "must be text or a list of texts")
    return tuple(value)


def _text_or_number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        _refuse("bad_type", f"must be text or a number, not {_kind(value)}")
    return str(value)


Text = Annotated[StrictStr, AfterValidator(_not_blank)]
Score = Annotated[Decimal, PlainValidator(_score)]
Points = Annotated[tuple[str, ...], PlainValidator(_points)]


@dataclass(frozen=True, slots=True, kw_only=True, config={"extra": "forbid"})
class WorkerAnswer:
    """A worker's evaluation of one applicant. ``total_score`` is what the engine claims: evidence only."""

    explanation: Text
    reasoning: Text
    academic_score: Score
    test_score: Score
    achievement_score: Score
    essay_score: Score
    rubric_adherence: Annotated[str, PlainValidator(_text_or_number)]
    strengths: Points
    areas_for_improvement: Points
    total_score: Annotated[Decimal | None, PlainValidator(_score_or_null)] = None
    model: StrictStr | None = None
    anonymized_id: StrictStr | None = None
    custom_id: StrictStr | None = None

    @property
    def scores(self) -> Scores:
        """Return the four scores, to be added up by batches.scoring."""
        return Scores(
            academic=self.academic_score,
            test=self.test_score,
            achievement=self.achievement_score,
            essay=self.essay_score,
        )


@dataclass(frozen=True, slots=True, kw_only=True, config={"extra": "forbid"})
class JudgeAnswer:
    """A judge's verdict on one evaluation."""

    reasoning: Text
    decision: Literal["approved", "rejected"]
    bias_detected: StrictBool
    quality_score: Score
    feedback: StrictStr
    model: StrictStr | None = None
    anonymized_id: StrictStr | None = None
    custom_id: StrictStr | None = None


Answer = WorkerAnswer | JudgeAnswer
_READERS: dict[Stage, TypeAdapter[Any]] = {
    "worker": TypeAdapter(WorkerAnswer),
    "judge": TypeAdapter(JudgeAnswer),
}

_TEXT = {"type": "string"}
_SCORE = {"type": "number", "description": "From 0 to 100, at most one decimal place."}
_LIST = {"type": "array", "items": {"type": "string"}}
_PROPERTIES: dict[Stage, dict[str, dict[str, Any]]] = {  # engines write keys in this order: reasons first
    "worker": {
        "explanation": {
            **_TEXT,
            "description": "What the data shows, dimension by dimension, by the rubric.",
        },
        "reasoning": {**_TEXT, "description": "Which band fits each dimension, and why not the next one."},
        "academic_score": _SCORE,
        "test_score": _SCORE,
        "achievement_score": _SCORE,
        "essay_score": _SCORE,
        "rubric_adherence": {**_TEXT, "description": "Where the rubric was hard to apply, or 'full'."},
        "strengths": _LIST,
        "areas_for_improvement": _LIST,
    },
    "judge": {
        "reasoning": {**_TEXT, "description": "What was checked and what was found."},
        "decision": {"type": "string", "enum": ["approved", "rejected"]},
        "bias_detected": {"type": "boolean"},
        "quality_score": {**_SCORE, "description": "Quality of the evaluation, from 0 to 100."},
        "feedback": {**_TEXT, "description": "What to do better; empty only when approved."},
    },
}


def response_schema(stage: Stage) -> dict[str, Any]:
    """Return the JSON schema for a stage, in the subset that engines share.

    No numeric bounds, which some engines refuse and some ignore: the description asks, parse_answer checks.
    """
    properties = {name: dict(kind) for name, kind in _PROPERTIES[stage].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# --- strict JSON ---

DEPTH = 8  # levels of an answer; ours has two
_INTEGER = 2**53  # beyond it, readers of JSON disagree about the value
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_FENCED = re.compile(r"```json[ \t]*\r?\n(.*)```", re.DOTALL)
_IDS = {"total_score", "model", "anonymized_id", "custom_id"}
_NAMES = _IDS.union(*_PROPERTIES.values())


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object from its members; a key twice is refused, as readers disagree which one counts."""
    members = dict(pairs)
    if len(members) != len(pairs):
        count = Counter(key for key, _ in pairs)
        named = next((key for key in _NAMES if count[key] > 1), None)  # any other name is text of the answer
        raise Unreadable("duplicate_key", f"{named or 'a key'} stands twice in one object", named)
    return members


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _INTEGER:
        raise Unreadable("bad_number", "an integer is beyond 2^53")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= 64 else None
    except InvalidOperation:  # an exponent of twenty digits
        number = None
    if number is None or number.adjusted() > 308:  # what a double can hold
        raise Unreadable("bad_number", "a number is too long or too large")
    return number


def _no_constant(text: str) -> NoReturn:
    raise Unreadable("bad_number", f"{text} is not a JSON number")


# One pass of the stdlib finds keys that stand twice and keeps decimals exact; orjson would need a second.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant
)


def read_object(text: str, *, depth: int = DEPTH) -> dict[str, Any]:
    """Return the one JSON object that the text is, numbers as int or Decimal; raises Unreadable.

    Refused: anything around it, a key twice, NaN and its like, integers beyond 2^53, NUL, lone surrogates,
    and nesting deeper than ``depth`` levels.
    """
    text = text.strip(" \t\r\n")
    try:
        tree, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as fault:
        raise Unreadable("not_json", f"no JSON object: fault at character {fault.pos}") from None
    except RecursionError:
        raise Unreadable("bad_type", "nested too deep") from None
    if end != len(text):
        _refuse_rest(text[end:])
    if not isinstance(tree, dict):
        raise Unreadable("bad_type", f"must be an object, not {_kind(tree)}")
    _check_depth(tree, depth)
    if _ESCAPED.search(text):  # written raw, the decoders have refused both already
        _check_text(tree)
    return tree


def _refuse_rest(rest: str) -> NoReturn:
    if "{" in rest:
        raise Unreadable("several_objects", "more than one JSON object")
    raise Unreadable("not_json", "text after the JSON object")


def _check_depth(value: dict[str, Any] | list[Any], depth: int) -> None:
    if depth == 0:
        raise Unreadable("bad_type", "nested too deep")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, depth - 1)


def _check_text(value: object) -> None:
    """Refuse text that PostgreSQL cannot store, in keys and values."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise Unreadable("bad_text", "text holds a NUL or half of a surrogate pair")
    elif isinstance(value, dict | list):
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_text(inner)


# --- one answer ---


def parse_answer(stage: Stage, text: bytes | str | dict[str, Any]) -> Answer | Failure:
    """Return the answer that an engine gave, or why it is none; never raises.

    Text may stand in exactly one json code fence. A dict is an object that somebody else has parsed: it gets
    the same checks, save that a key that stood twice can no longer be seen.
    """
    try:
        if isinstance(text, dict):
            _check_depth(text, DEPTH)
            _check_text(text)
            return check_answer(stage, text)
        return check_answer(stage, read_object(_unfenced(_decoded(text))))
    except Unreadable as fault:
        return fault.failure


def check_answer(stage: Stage, tree: dict[str, Any]) -> Answer | Failure:
    """Return an object from read_object as an answer, or its first fault; never raises."""
    try:
        answer = cast(Answer, _READERS[stage].validate_python(tree))
    except ValidationError as invalid:
        return _first_fault(invalid, tree)
    return _contradiction(answer) or answer


def _decoded(text: bytes | str) -> str:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        decoded.encode()  # a str may hold half of a surrogate pair
    except UnicodeDecodeError as fault:
        raise Unreadable("not_utf8", f"byte {fault.start} is not UTF-8") from None
    except UnicodeEncodeError:
        raise Unreadable("bad_text", "text holds half of a surrogate pair") from None
    if not decoded.strip():
        raise Unreadable("empty", "no text")
    return decoded.strip()


def _unfenced(text: str) -> str:
    """Take off one fence around the whole. Never search for an object: a decoy may come first."""
    fenced = _FENCED.fullmatch(text)
    if fenced is None and not text.startswith("{") and text.count("}") > 1 and "</think>" in text:
        raise Unreadable("several_objects", "objects inside and after a thinking block")
    return fenced[1] if fenced else text


def _contradiction(answer: Answer) -> Failure | None:
    """Return what is wrong between two fields of a judgement."""
    if not isinstance(answer, JudgeAnswer):
        return None
    if answer.decision == "approved" and answer.bias_detected:
        return Failure("contradiction", "approved although bias_detected is true", "bias_detected")
    if answer.decision == "rejected" and not answer.feedback.strip():
        return Failure("missing_field", "feedback is blank in a rejection", "feedback")
    return None


_DETAILS = {
    "missing": "{} is missing",
    "string_type": "{} must be text",
    "bool_type": "{} must be true or false",
    "literal_error": "{} must be approved or rejected",
}


def _first_fault(invalid: ValidationError, tree: dict[str, Any]) -> Failure:
    """Name the first fault by field and kind, without the text that was found there."""
    fault = invalid.errors(include_input=False, include_url=False)[0]
    kind, field = fault["type"], str(fault["loc"][0])
    if kind == "unexpected_keyword_argument":  # its name is text of the answer: say where it stands
        return Failure("unknown_field", f"member {list(tree).index(field) + 1} is not in the schema")
    if kind in FAILURES:  # one of our own checks
        return Failure(kind, f"{field} {fault['msg']}", field)
    cls = "missing_field" if kind == "missing" else "bad_type"
    return Failure(cls, _DETAILS.get(kind, "{} has the wrong type").format(field), field)
