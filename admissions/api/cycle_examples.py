"""Examples of cycles, steps and runs for the description of the API."""

from typing import Any

from accounts.roles import STEPS
from admissions.api.examples import SHA256, WEIGHTS
from admissions.models.cycles import AdmissionCycle

AT = "/api/v1/admin/cycles/fall-2026"
NEW: dict[str, Any] = {
    "code": "fall-2026",
    "name": "Fall 2026",
    "seats": 120,
    "closes_at": "2026-11-15T23:00:00Z",
    "weights": WEIGHTS,
    "tests": {"SAT": ["400", "1600"]},
}
CYCLE: dict[str, Any] = {
    "code": "fall-2026",
    "name": "Fall 2026",
    "phase": "submission",
    "phase_since": "2026-09-01T08:00:00Z",
    "next_step": "freeze",
    "seats": 120,
    "opens_at": None,
    "closes_at": "2026-11-15T23:00:00Z",
    "results_at": None,
    "rubric_version": "2026-1",
    "rubric_sha256": SHA256,
    "weights": WEIGHTS,
    "tests": {"SAT": ["400", "1600"]},
    "gpa_scale": "4.0000",
    "essay_max": 20000,
    "achievements_max": 10000,
    "judge_policy": "every",
    "attempts_allowed": 3,
    "tie_break": ["essay", "achievement", "academic", "seed"],
    "is_demo": False,
    "links": {"self": AT, "status": f"{AT}/status", "steps": {step: f"{AT}/{step}" for step in STEPS}},
}
_RUN: dict[str, Any] = {
    "run_id": "8c1f4f0e-52a1-4c8e-9d1c-0c5c6f3a7b10",
    "cycle": "fall-2026",
    "step": "freeze",
    "dry_run": False,
    "state": "queued",
    "asked_by": "user:7",
    "detail": "",
    "facts": None,
    "created_at": "2026-11-16T08:00:00Z",
    "started_at": None,
    "finished_at": None,
}
DONE: dict[str, Any] = {
    **_RUN,
    "state": "done",
    "facts": {"from": "submission", "to": "frozen", "applications": 41230},
    "started_at": "2026-11-16T08:00:01Z",
    "finished_at": "2026-11-16T08:00:09Z",
}


def taken(step: str) -> dict[str, Any]:
    """A step that was taken."""
    moves = getattr(AdmissionCycle, step)
    facts = {"heads_before": {"submitted": 1180}, "heads_after": {"finalized": 1180}} if step == "freeze" else {}
    return {"step": step, "from": str(moves.source), "to": str(moves.target), "dry_run": False, "facts": facts}


def queued(step: str) -> dict[str, Any]:
    """A step that was left to the workers."""
    return {**_RUN, "step": step}
