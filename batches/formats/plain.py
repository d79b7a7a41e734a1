"""The plain format: one flat object a line, for engines and people without a batch interface."""

from batches.answers import DEPTH, Failure, Stage, Unreadable, check_answer
from batches.formats.base import (
    Json,
    Parsed,
    Request,
    anonymized_id,
    applicant,
    custom_id,
    dumps,
    earlier_words,
    error_of,
    model_name,
    read_line,
    salvaged_ids,
)

name = "plain"


def render(request: Request) -> bytes:
    """Return the request as one line; `prompt` is the system text, the same on every line of a stage."""
    line = {
        "anonymized_id": request.anonymized_id,
        "custom_id": request.custom_id,
        "stage": request.stage,
        "attempt": request.attempt,
        "model": request.model,
        **applicant(request),
        "prompt": request.system_text,
        "response_schema": request.response_schema,
        "rubric_sha256": request.rubric_sha256,
        "prompt_sha256": request.prompt_sha256,
        **earlier_words(request),
    }
    return dumps(line) + b"\n"


def parse(line: bytes, stage: Stage) -> Parsed:
    """Return what a result line says: the answer itself with both ids, or both ids and an error object."""
    try:
        tree = read_line(line, depth=DEPTH)
    except Unreadable as fault:
        return Parsed(*salvaged_ids(line), fault.failure)
    ids = custom_id(tree.get("custom_id")), anonymized_id(tree.get("anonymized_id"))
    if tree.get("error") is not None:
        return Parsed(*ids, error_of(tree["error"]))
    if missing := _missing_id(tree):
        return Parsed(*ids, missing)
    answer = check_answer(stage, tree)
    return Parsed(*ids, answer, model=model_name(tree.get("model")))


def _missing_id(tree: Json) -> Failure | None:
    for field, reader in (("custom_id", custom_id), ("anonymized_id", anonymized_id)):
        if field not in tree:
            return Failure("missing_field", f"{field} is missing", field)
        if reader(tree[field]) is None:
            return Failure("bad_type", f"{field} is not an id of ours", field)
    return None
