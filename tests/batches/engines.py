"""Stands for the engines: reads what was exported, and writes whatever an engine might answer."""

import json
import os
from pathlib import Path
from typing import Any

from accounts.actors import operator
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from batches.export import export_batch
from batches.ingest import Imported, import_file
from batches.models import BatchRun, EvaluationRequest
from tests.factories import applicants, apply, cycle, folder_of, lead

EVALUATION = {
    "explanation": "Strong in physics.",
    "reasoning": "Second of 61.",
    "academic_score": 80,
    "test_score": 70.5,
    "achievement_score": 60,
    "essay_score": 90,
    "rubric_adherence": "full",
    "strengths": ["physics"],
    "areas_for_improvement": [],
}
TOTAL = 74.625  # 0.30 x 80 + 0.25 x 70.5 + 0.25 x 60 + 0.20 x 90
JUDGEMENT = {
    "reasoning": "Each score rests on the text.",
    "decision": "approved",
    "bias_detected": False,
    "quality_score": 85,
    "feedback": "",
}
REJECTION = {"decision": "rejected", "feedback": "Name what in the text each score rests on."}
EXPIRED = {"code": "batch_expired", "message": "it took too long"}
Line = dict[str, Any] | bytes


def prepared(count: int = 2, *, code: str = "fall-2026", **rules: Any) -> AdmissionCycle:
    """A cycle in batch_prep whose blind copies are in no export yet."""
    one = cycle(code, **rules)
    apply(one, applicants(count))
    return lead(one, "batch_prep")


def export(one: AdmissionCycle, stage: str = "worker", *, format: str = "plain", **options: Any) -> BatchRun:
    """Export what is open, for an engine by the name of model-1."""
    options = {"folder": folder_of(one), "model": "model-1", **options}
    return export_batch(one, stage=stage, format=format, actor=operator(), **options)


def processing(count: int = 2, *, format: str = "plain", **rules: Any) -> AdmissionCycle:
    """A cycle in processing whose worker requests are with an engine."""
    one = prepared(count, **rules)
    export(one, format=format)
    one.start_processing(actor=operator())
    return one


def requests_of(one: AdmissionCycle, stage: str = "worker", *, run: BatchRun | None = None) -> list[dict[str, Any]]:
    """The request lines of a run, by default the last of its stage, in the order of its files."""
    run = run or BatchRun.objects.filter(admission_cycle=one, stage=stage).first()
    files = [folder_of(one) / shard["name"] for shard in run.manifest["shards"]]
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def evaluation(request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a worker answers; a change to None leaves the key out."""
    return _answer(request, EVALUATION | changes)


def judgement(request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a judge answers; a change to None leaves the key out."""
    return _answer(request, JUDGEMENT | changes)


def _answer(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    whole = {"anonymized_id": request["anonymized_id"], "custom_id": request["custom_id"]} | answer
    return {key: value for key, value in whole.items() if value is not None}


def failure(request: dict[str, Any], code: str = "batch_expired") -> dict[str, Any]:
    """What an engine writes about a request that it did not answer."""
    return _answer(request, {"error": {"code": code, "message": "see the engine's own log"}})


def chat(custom_id: str, content: object, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """An answer in the envelope of OpenAI's Batch API; ``content`` is the text, or the object to write as text."""
    text = content if isinstance(content, str) else json.dumps(content)
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text} | message}
    response = {"status_code": 200, "request_id": "r", "body": {"model": "engine-7", "choices": [choice]}}
    return {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": None}


def encoded(*lines: Line) -> bytes:
    """The lines as the bytes of a file; bytes stay what they are."""
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)


def result_file(one: AdmissionCycle, *lines: Line) -> Path:
    """A file of results beside the requests."""
    path = folder_of(one) / f"results-{os.urandom(4).hex()}.jsonl"
    path.write_bytes(encoded(*lines))
    return path


def hand_in(one: AdmissionCycle, *lines: Line) -> Imported:
    """Import these lines as one file."""
    return import_file(result_file(one, *lines), actor=operator())


def evaluated(one: AdmissionCycle, **changes: Any) -> Imported:
    """Answer the last worker run, all alike."""
    return hand_in(one, *(evaluation(request, **changes) for request in requests_of(one)))


def judged(one: AdmissionCycle, **changes: Any) -> Imported:
    """Export what the judge is to be asked, and answer it, all alike."""
    export(one, "judge")
    return hand_in(one, *(judgement(request, **changes) for request in requests_of(one, "judge")))


def states(one: AdmissionCycle, stage: str = "worker") -> list[tuple[Any, ...]]:
    """All requests of a stage as (attempt, sample, state, failure), sorted."""
    requests = EvaluationRequest.objects.filter(admission_cycle=one, stage=stage)
    return sorted(requests.values_list("attempt", "sample", "state", "failure"))


def final() -> FinalScore:
    """The one final score there is."""
    return FinalScore.objects.get()


def scores() -> list[tuple[Any, ...]]:
    """All final scores as (status, total, waiting reason), sorted."""
    return sorted(FinalScore.objects.values_list("status", "total", "waiting_reason"))


def fail(one: AdmissionCycle, code: str, stage: str = "worker") -> Imported:
    """Answer the last request of a stage by an error, and export what follows, if anything does."""
    taken = hand_in(one, *(failure(request, code) for request in requests_of(one, stage)))
    if EvaluationRequest.objects.filter(state="wanted", stage=stage).exists():
        export(one, stage)
    return taken
