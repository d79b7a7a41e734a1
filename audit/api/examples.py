"""What the documentation of the log's routes shows."""

from drf_spectacular.utils import OpenApiExample

_HEAD = "1d5d0b1fcbf5a1a6bd3a7a35b70a6c08a3b94c6bb6b9b7d4c1f5dd3ad9ae62b0"
_DONE = {
    "verification_id": 12,
    "state": "done",
    "asked_by": "user:7",
    "asked_at": "2026-11-22T20:15:00Z",
    "started_at": "2026-11-22T20:15:00Z",
    "finished_at": "2026-11-22T20:15:01Z",
    "ok": True,
    "fault": "",
    "origin": "enigma.example/2026",
    "public_size": 4012,
    "public_head": _HEAD,
    "audit_size": 5120,
    "audit_head": _HEAD[::-1],
    "pending": 0,
    "checked": 9132,
}
_ASKED = ("verification_id", "asked_by", "asked_at")
_QUEUED = {name: value if name in _ASKED else None for name, value in _DONE.items()} | {"state": "queued", "fault": ""}
_LAST = {"finished_at": "2026-11-22T20:15:01Z", "ok": True, "length": 4010, "head": _HEAD[::-1]}

VERIFICATION = OpenApiExample("A verification that found nothing wrong", value=_DONE, response_only=True)
VERIFIED = OpenApiExample("Verified", value=_DONE, response_only=True, status_codes=["200"])
LEFT_TO_A_WORKER = OpenApiExample("Left to a worker", value=_QUEUED, response_only=True, status_codes=["202"])
CHAIN = OpenApiExample(
    "A log that was verified today",
    value={
        "origin": "enigma.example/2026",
        "length": 4012,
        "head": _HEAD,
        "pending": 0,
        "last_verification": _LAST,
    },
    response_only=True,
)
ENTRY = OpenApiExample(
    "A step of a cycle",
    value={
        "log_id": 311,
        "timestamp": "2026-11-22T20:15:00Z",
        "actor_type": "staff",
        "actor_id": "user:7",
        "role": "admin",
        "session_id": "0b0f6f0e-6f0b-4b3c-8d3c-0a4f5f2b9e11",
        "action": "cycle.freeze",
        "entity_type": "cycle",
        "entity_id": "fall-2026",
        "outcome": "ok",
        "details": {"applications": 400},
        "current_hash": _HEAD,
    },
    response_only=True,
)
