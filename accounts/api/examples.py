"""Examples for the description of the API; none of these tokens was ever signed."""

from drf_spectacular.utils import OpenApiExample

_SESSION = "5f0c9a52-8f0e-4a53-9d51-0d6c1c6d2f6e"
_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"  # noqa: S105  three parts that say nothing

CODE_REQUEST = OpenApiExample("An applicant", {"email": "amina@example.org"}, request_only=True)
CHALLENGE = OpenApiExample(
    "A code was sent", {"challenge": "k3v9x0q2m7", "expires_in": 180}, response_only=True, status_codes=["202"]
)
CODE_EXCHANGE = OpenApiExample(
    "The code from the letter", {"challenge": "k3v9x0q2m7", "code": "BCDF-GHJK"}, request_only=True
)
LOGIN = OpenApiExample(
    "A member of staff",
    {"email": "omar@example.org", "password": "correct horse battery staple", "code": "492039"},
    request_only=True,
)
REFRESH = OpenApiExample("The newest refresh token", {"refresh": _TOKEN}, request_only=True)
TOKENS = OpenApiExample(
    "Tokens",
    {"access": _TOKEN, "refresh": _TOKEN, "token_type": "Bearer", "expires_in": 300},
    response_only=True,
    status_codes=["200"],
)
SESSION = OpenApiExample(
    "The session that asks",
    {
        "session_id": _SESSION,
        "is_current": True,
        "created_at": "2026-11-22T20:15:00Z",
        "last_seen_at": "2026-11-22T20:15:00Z",
        "idle_expires_at": "2026-11-22T20:45:00Z",
        "absolute_expires_at": "2026-11-23T08:15:00Z",
    },
    response_only=True,
)
ME = OpenApiExample(
    "An auditor",
    {
        "person_id": 7,
        "email": "aiza@example.org",
        "role": "auditor",
        "permissions": ["audit.verify", "audit.view", "cycle.view"],
        "session_id": _SESSION,
    },
    response_only=True,
)
PERSON = OpenApiExample(
    "An officer",
    {
        "person_id": 8,
        "email": "omar@example.org",
        "role": "admin",
        "is_active": True,
        "last_login_at": "2026-11-22T20:15:00Z",
        "created_at": "2026-09-01T08:00:00Z",
    },
    response_only=True,
)
PERSON_CHANGE = OpenApiExample("Another role", {"role": "reviewer"}, request_only=True)
TOKEN_REQUEST = OpenApiExample(
    "For the machine that fetches batches",
    {"name": "evaluation", "verb": "batches.export", "cycle": "fall-2026", "expires_at": "2026-12-01T00:00:00Z"},
    request_only=True,
)
_ROW = {
    "token_id": _SESSION,
    "name": "evaluation",
    "verb": "batches.export",
    "cycle": "fall-2026",
    "made_by": 8,
    "created_at": "2026-11-22T20:15:00Z",
    "expires_at": "2026-12-01T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
SERVICE_TOKEN = OpenApiExample("A machine's token", _ROW, response_only=True)
NEW_TOKEN = OpenApiExample("Shown this once", {**_ROW, "token": _TOKEN}, response_only=True, status_codes=["201"])
