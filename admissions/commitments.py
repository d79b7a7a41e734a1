"""What the public log commits to for one application: handed in, taken back, erased. Pure functions."""

import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from admissions.rows import plain

SUBMISSION_VERSION = 1
E4 = 10_000  # scores and GPA are committed as integers of 1/10,000: EJ1 has no fractions


def submission_fields(
    person: Mapping[str, Any], texts: Mapping[str, Any], *, gpa: Decimal, test_scores: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a «submission»; tests are sorted pairs of name and decimal text, as EJ1 keys are ASCII."""
    return {
        **{field: person[field] for field in ("name", "email", "phone", "address")},
        "gpa_e4": int(gpa * E4),
        "test_scores": [[test, plain(Decimal(str(score)))] for test, score in sorted(test_scores.items())],
        "essay": texts["essay"],
        "achievements": texts["achievements"],
        "version": SUBMISSION_VERSION,
    }


def withdrawal_fields() -> dict[str, Any]:
    """Return the fields of a «submission.withdraw»: that it was taken back; the time is the leaf's."""
    return {"outcome": "withdrawn", "version": SUBMISSION_VERSION}


def erasure_fields() -> dict[str, Any]:
    """Return the fields of an «erasure»: that who stood behind the reference was erased; the time is the leaf's."""
    return {"outcome": "erased", "version": SUBMISSION_VERSION}


def erasure_salt(log_salt: bytes, ref: str) -> bytes:
    """Return HMAC-SHA-256(log salt of the cycle, "enigma/erasure-salt/v1" LF ref), 32 bytes.

    The salt of the application itself goes with the erasure, and its leaf must still be open to a verification.
    """
    return hmac.digest(log_salt, b"enigma/erasure-salt/v1\n" + bytes.fromhex(ref), "sha256")
