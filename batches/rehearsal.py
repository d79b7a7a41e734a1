"""A stand-in for an engine: invented answers, the same for the same applicant and seed."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import orjson

from batches.answers import Failure, Stage
from batches.formats import Line, lines, openai_chat, plain
from batches.formats.base import Json, custom_id, dumps
from enigma.errors import Malformed

MODEL = "rehearsal"  # in every result, so that no cycle is decided by it unnoticed

_READING = re.compile(r"\breading (\d{1,3})\b")  # how often an evaluation was written; engines see no attempt
_REJECTED, _REJECTED_AGAIN, _BIASED = (
    60,
    10,
    20,
)  # of a thousand judgements; the biased are among the rejected


@dataclass(frozen=True, slots=True)
class Case:
    """One request, as far as the stand-in reads it: what was asked, in which format, about which data."""

    format: str
    stage: Stage
    custom_id: str
    anonymized_id: str | None
    data: Json


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no request: its number from 1, and why."""

    number: int
    reason: str


class StandIn:
    """Answers streams of requests; all that one stand-in answers must be of one format, as for a real engine."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._format: str | None = None

    def answers(self, stream: BinaryIO) -> Iterator[bytes | BadLine]:
        """Yield for each line that is not blank its result line, or what is wrong with it."""
        for line in lines(stream):
            try:
                yield self._answer(line)
            except Malformed as fault:
                yield BadLine(line.number, str(fault))

    def _answer(self, line: Line) -> bytes:
        if isinstance(line.content, Failure):
            raise Malformed(line.content.detail)
        case = read_request(line.content)
        self._format = self._format or case.format
        if case.format != self._format:
            raise Malformed(f"a request in {case.format}, after others in {self._format}")
        return rehearse(case, seed=self._seed)


def rehearse(case: Case, *, seed: int) -> bytes:
    """Return the result line for a request, in the shape of its format."""
    answer = _evaluation(case.data, seed) if case.stage == "worker" else _judgement(case.data, seed)
    if case.format == plain.name:
        ids = {"anonymized_id": case.anonymized_id, "custom_id": case.custom_id}
        return dumps(ids | answer | {"model": MODEL}) + b"\n"
    return dumps(_chat_result(case, dumps(answer).decode())) + b"\n"


def read_request(line: bytes) -> Case:
    """Read one request line of either format; raises Malformed with the reason."""
    try:
        tree = orjson.loads(line)
    except orjson.JSONDecodeError as fault:
        raise Malformed(f"not JSON: {fault.msg} at character {fault.pos}") from None
    if not isinstance(tree, dict):
        raise Malformed("not a JSON object")
    request_id = custom_id(tree.get("custom_id"))
    if request_id is None:
        raise Malformed("custom_id is missing or not one of ours")
    case = _chat_case(tree, request_id) if "body" in tree else _plain_case(tree, request_id)
    _check_data(case)
    return case


def _plain_case(tree: Json, request_id: str) -> Case:
    stage, about = tree.get("stage"), tree.get("anonymized_id")
    if stage not in ("worker", "judge"):
        raise Malformed("stage is neither worker nor judge")
    if not isinstance(about, str):
        raise Malformed("anonymized_id is missing")
    return Case(plain.name, cast(Stage, stage), request_id, about, tree)


def _chat_case(tree: Json, request_id: str) -> Case:
    try:
        body = tree["body"]
        stage = body["response_format"]["json_schema"]["name"].removeprefix("enigma_")
        text = openai_chat.data_of(body["messages"][-1]["content"])
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Malformed("body is not a chat request of ours") from None
    if stage not in ("worker", "judge") or text is None:
        raise Malformed("the last message holds no data block of ours")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed("the data block is not JSON") from None
    return Case(openai_chat.name, cast(Stage, stage), request_id, None, data)


_TYPES: dict[str, tuple[type, ...]] = {
    "gpa": (int, float, type(None)),
    "gpa_scale": (int, float),
    "test_scores": (dict,),
    "metrics": (dict,),
    "essay": (str,),
    "achievements": (str,),
}


def _check_data(case: Case) -> None:
    needed = _TYPES | ({"evaluation": (dict,)} if case.stage == "judge" else {})
    if not isinstance(case.data, dict):
        raise Malformed("the data block is not an object")
    for field, kinds in needed.items():
        if field not in case.data:
            raise Malformed(f"{field} is missing")
        if type(case.data[field]) not in kinds:
            raise Malformed(f"{field} has the wrong type")


def _dice(data: Json, seed: int, *, salt: str) -> bytes:
    """Return 32 bytes that depend on the seed and the applicant's text and merit, on nothing else."""
    known = [data[field] for field in ("essay", "achievements", "gpa", "gpa_scale", "test_scores")]
    content = orjson.dumps(known, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"enigma/rehearsal/v1\n{salt}\n{seed}\n".encode() + content).digest()


def _evaluation(data: Json, seed: int) -> Json:
    """Return scores near the applicant's merit, moved a little by a hash of the text."""
    luck = [byte / 127.5 - 1 for byte in _dice(data, seed, salt="scores")[:4]]  # each -1 to 1
    scores = {
        "academic_score": _within(_merit(data, "gpa_score") + 6 * luck[0]),
        "test_score": _within(_merit(data, "test_score") + 5 * luck[1]),
        "achievement_score": _within(40 + 6 * min(data["achievements"].count("\n") + 1, 6) + 16 * luck[2]),
        "essay_score": _within(42 + min(len(data["essay"].split()), 500) / 20 + 20 * luck[3]),
    }
    best, worst = max(scores, key=scores.__getitem__), min(scores, key=scores.__getitem__)
    reading = _reading(data["feedback"], otherwise=_attempt(data, 2) - 1) + 1 if "feedback" in data else 1
    return {
        "explanation": "A stand-in wrote this for a rehearsal, from merit numbers and text length.",
        "reasoning": f"Stand-in, reading {reading}: {', '.join(f'{k} {v}' for k, v in scores.items())}.",
        **scores,
        "rubric_adherence": "none: a stand-in reads no rubric",
        "strengths": [f"highest in {best}"],
        "areas_for_improvement": [f"lowest in {worst}"],
    }


def _judgement(data: Json, seed: int) -> Json:
    """Return an approval, but for about 6 first evaluations in 100, and 1 later one."""
    reading = _reading(data["evaluation"].get("reasoning"), otherwise=_attempt(data, 1))
    dice = _dice(data, seed, salt=f"judge {reading}")
    roll = int.from_bytes(dice[:4], "big") % 1000
    rejected, biased = (
        roll < (_REJECTED if reading == 1 else _REJECTED_AGAIN),
        roll < _BIASED and reading == 1,
    )
    feedback = f"Stand-in, on reading {reading}: name what in the text each score rests on."
    return {
        "reasoning": "A stand-in wrote this for a rehearsal; it has checked nothing.",
        "decision": "rejected" if rejected else "approved",
        "bias_detected": biased,
        "quality_score": round(45 + dice[4] / 25 if rejected else 75 + dice[4] / 12, 1),
        "feedback": feedback if rejected else "",
    }


def _reading(text: object, *, otherwise: int) -> int:
    """Return which reading of the applicant a text says it is of."""
    found = _READING.search(str(text))
    return int(found[1]) if found else otherwise


def _attempt(data: Json, otherwise: int) -> int:
    """Return the attempt, which only plain requests tell."""
    attempt = data.get("attempt")
    return attempt if isinstance(attempt, int) else otherwise


def _merit(data: Json, metric: str) -> float:
    """Return the office's figure, or the GPA's share of its scale, or the middle; 0 to 100."""
    figure: Any = data["metrics"].get(metric)
    if isinstance(figure, int | float):
        return float(figure)
    if metric == "gpa_score" and data["gpa"] is not None and data["gpa_scale"] > 0:
        return 100 * float(data["gpa"]) / float(data["gpa_scale"])
    return 55.0


def _within(score: float) -> float:
    return round(min(max(score, 0.0), 100.0), 1)


def _chat_result(case: Case, content: str) -> Json:
    body = {
        "id": f"{MODEL}-{case.custom_id}",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    response = {"status_code": 200, "request_id": body["id"], "body": body}
    return {"id": body["id"], "custom_id": case.custom_id, "response": response, "error": None}
