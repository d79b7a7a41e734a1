"""Examples for the description of the API; Amina Qureshi is invented."""

from typing import Any

from admissions.own import MESSAGES
from admissions.phases import Outcome

REFERENCE = "7K3M-9Q2X-4TBH"
RECEIPT_REF = "5f0c2a7d9be14c3b8a6d1e0f42c79b58"
SHA256 = "9f2feb0f1ef425b292f2f94bc8482494df430413a4d5e1cc8d6c1f3f0d0a7b61"
WEIGHTS = {"academic": "0.3000", "test": "0.2500", "achievement": "0.2500", "essay": "0.2000"}
CYCLE = {"code": "fall-2026", "name": "Fall 2026"}

BODY: dict[str, Any] = {
    "cycle": "fall-2026",
    "name": "Amina Qureshi",
    "phone": "+92 300 5550142",
    "address": "14 Canal View Road, Multan 60000",
    "gpa": "3.8",
    "test_scores": {"SAT": 1450},
    "essay": "In my third year I set out to count the sparrows of our street ...",
    "achievements": "Led a club of 12 members.",
}
RECEIPT = {
    "reference": REFERENCE,
    "receipt": RECEIPT_REF,
    "commitment": SHA256,
    "submitted_at": "2026-11-02T09:30:00.120000Z",
}
APPLICATION: dict[str, Any] = {
    "reference": REFERENCE,
    "receipt": RECEIPT_REF,
    "cycle": CYCLE,
    "submitted_at": "2026-11-02T09:30:00.120000Z",
    "status": "in_review",
    "phase": "processing",
    "phase_since": "2026-11-20T08:00:00Z",
    "results_at": "2026-12-15T12:00:00Z",
    "may_withdraw": False,
    "result": None,
}
WITHDRAWN = {**APPLICATION, "status": "withdrawn", "phase": "submission", "phase_since": "2026-10-01T08:00:00Z"}
RESULT: dict[str, Any] = {
    "reference": REFERENCE,
    "cycle": CYCLE,
    "outcome": "not_selected",
    "message": MESSAGES[Outcome.NOT_SELECTED],
    "total": "78.2500",
    "scores": {"academic": "91.0000", "test": "80.0000", "achievement": "70.0000", "essay": "67.2500"},
    "rank": 214,
    "ranked": 1180,
    "percentile": "81.8644",
    "seats": 200,
    "cutoff": "79.1000",
    "explanation": "Grades close to the top of the scale; the essay is clear, and general in places.",
    "model": "model-1",
    "weights": WEIGHTS,
    "rubric": {"version": "2026-1", "sha256": SHA256},
    "ties": {
        "criteria": ["essay", "achievement", "academic", "seed"],
        "seed": SHA256,
        "at_cutoff": 2,
        "at_cutoff_selected": 1,
    },
    "verify": {"receipt": RECEIPT_REF, "ranking_sha256": SHA256, "chain": "/api/v1/verify/chain"},
}
INFO: dict[str, Any] = {
    "cycles": [
        {
            **CYCLE,
            "is_demo": False,
            "state": "open",
            "opens_at": "2026-10-01T08:00:00Z",
            "closes_at": "2026-11-15T23:00:00Z",
            "results_at": "2026-12-15T12:00:00Z",
            "seats": 200,
            "tests": {"ACT": ["1", "36"], "SAT": ["400", "1600"]},
            "gpa_scale": "4",
            "essay_max": 20000,
            "achievements_max": 10000,
            "weights": WEIGHTS,
            "rubric": {"version": "2026-1", "sha256": SHA256, "text": "# Rubric 2026-1 ..."},
            "judge_policy": "every",
            "attempts_allowed": 3,
            "tie_break": ["essay", "achievement", "academic", "seed"],
        }
    ],
    "how_to_apply": {
        "steps": ["Ask for a code ...", "Trade the code for an access token.", "Send your application ..."],
        "code": "/api/v1/auth/code",
        "token": "/api/v1/auth/token",
        "applications": "/api/v1/applications",
    },
}
STATUS: dict[str, Any] = {
    "cycles": [
        {
            **CYCLE,
            "is_demo": False,
            "phase": "processing",
            "phase_since": "2026-11-20T08:00:00Z",
            "results_at": "2026-12-15T12:00:00Z",
            "results": None,
        },
        {
            "code": "fall-2025",
            "name": "Fall 2025",
            "is_demo": False,
            "phase": "completed",
            "phase_since": "2025-12-20T12:00:00Z",
            "results_at": "2025-12-15T12:00:00Z",
            "results": {
                "seats": 200,
                "selected": 200,
                "not_selected": 980,
                "cutoff": "77.4000",
                "withheld": None,
            },
        },
    ]
}
