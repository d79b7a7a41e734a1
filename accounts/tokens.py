"""Writes and reads the signed tokens of the API (JWT, HS256 only); nothing else touches simplejwt."""

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

ALGORITHM = "HS256"
LEEWAY_SECONDS = 5
# Ours have about 500 characters; a longer one is not even looked at.
LONGEST = 2_000
# The one spelling: decoders would also take signatures that end in "=".
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

# Every token has all of these, and each is of exactly this type.
_SHAPE: dict[str, type] = {
    "aud": str,
    "sub": str,
    "sid": str,
    "gen": int,
    "jti": str,
    "iat": int,
    "exp": int,
    "auth_time": int,
    "amr": list,
    "token_type": str,
}


class Audience(StrEnum):
    """Whose token it is; a token of one audience is nothing to the others."""

    STAFF = "staff"
    APPLICANT = "applicant"
    SERVICE = "service"


class BadToken(Exception):
    """This text is no token of ours, or one that has expired; it never says more."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. It names a session and no role: what somebody may do stands in the database."""

    audience: Audience
    subject: str  # "user:7", or a machine's "token:<id>"
    session_id: uuid.UUID
    generation: int
    auth_time: datetime
    expires_at: datetime
    amr: tuple[str, ...] = ()


def write(claims: Claims, token_type: str) -> str:
    """Return a signed token; two of the same claims still differ by their ``jti``."""
    return _backend(claims.audience, settings.ENIGMA_JWT_KEY, settings.ENIGMA_ORIGIN).encode(
        {
            "sub": claims.subject,
            "sid": str(claims.session_id),
            "gen": claims.generation,
            "jti": uuid.uuid4().hex,
            "iat": int(datetime.now(UTC).timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "auth_time": int(claims.auth_time.timestamp()),
            "amr": list(claims.amr),
            "token_type": token_type,
        }
    )


def read(text: str, token_type: str = "access") -> Claims:  # noqa: S107  a type, not a password
    """Return what a token says; raise BadToken unless every part of it is as we write it."""
    said = _verified(text)
    if any(type(said.get(name)) is not kind for name, kind in _SHAPE.items()) or said["token_type"] != token_type:
        raise BadToken
    try:
        return Claims(
            audience=Audience(said["aud"]),
            subject=said["sub"],
            session_id=uuid.UUID(hex=said["sid"]),
            generation=said["gen"],
            auth_time=datetime.fromtimestamp(said["auth_time"], UTC),
            expires_at=datetime.fromtimestamp(said["exp"], UTC),
            amr=tuple(map(str, said["amr"])),
        )
    except (ValueError, OverflowError, OSError):
        raise BadToken from None


def sha256(text: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(text.encode()).digest()


def _verified(text: str) -> dict[str, Any]:
    """Check signature, algorithm, issuer, audience and times."""
    if len(text) > LONGEST or not _FORM.fullmatch(text):
        raise BadToken
    backend = _backend(None, settings.ENIGMA_JWT_KEY, settings.ENIGMA_ORIGIN)
    try:
        said: dict[str, Any] = backend.decode(text)  # type: ignore[arg-type]  # it takes text
    except (TokenBackendError, ValueError, OverflowError, RecursionError, TypeError):
        raise BadToken from None
    return said


@lru_cache(maxsize=8)
def _backend(audience: Audience | None, key: str, issuer: str) -> TokenBackend:
    """One signer for each audience, and one reader that knows all three."""
    known = list(map(str, Audience)) if audience is None else str(audience)
    return TokenBackend(ALGORITHM, key, audience=known, issuer=issuer, leeway=LEEWAY_SECONDS)
