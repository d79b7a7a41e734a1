"""How seats are given: the order of the ranking, the tie-break, and the seed of its last resort. Pure functions.

The order is total score, then the parts that the cycle names, then a hash of seed and reference, which nobody can
steer: the seed mixes a secret that was committed when the cycle opened with the head of the public log at the freeze.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

PARTS = ("academic", "test", "achievement", "essay")
DEFAULT_TIE_BREAK = ("essay", "achievement", "academic", "seed")
SEED_PREFIX = b"enigma/seed/v1\n"
TIE_PREFIX = b"enigma/tie/v1\n"


@dataclass(frozen=True, slots=True)
class Scored:
    """One application in the ranking: its public reference (16 bytes) and its scores, 0 to 100."""

    ref: bytes
    total: Decimal
    academic: Decimal
    test: Decimal
    achievement: Decimal
    essay: Decimal


def tie_break_faults(rule: object) -> list[str]:
    """Say what is wrong with a tie-break rule: a list of distinct score parts that ends with «seed»."""
    if not isinstance(rule, list | tuple) or not rule or rule[-1] != "seed":
        return ["the tie-break must be a list that ends with «seed», or ties could stay unbroken"]
    if unknown := [part for part in rule if part not in (*PARTS, "seed")]:
        return [f"the tie-break knows no {part!r}" for part in unknown]
    return ["the tie-break names a part twice"] if len(set(rule)) != len(rule) else []


def seed(secret: bytes, *, log_head: bytes) -> bytes:
    """Return SHA-256("enigma/seed/v1" LF log_head secret), 32 bytes; both inputs are 32 bytes."""
    return hashlib.sha256(SEED_PREFIX + log_head + secret).digest()


def tie_key(seed_bytes: bytes, ref: bytes) -> bytes:
    """Return SHA-256("enigma/tie/v1" LF seed ref): of two equals, the smaller key goes first."""
    return hashlib.sha256(TIE_PREFIX + seed_bytes + ref).digest()


def ranked(scored: Iterable[Scored], *, tie_break: Sequence[str], seed_bytes: bytes) -> list[Scored]:
    """Return all in the order of the ranking, best first. The database does the same for a cycle, in one statement."""
    parts = tie_break[:-1]
    return sorted(
        scored,
        key=lambda one: (-one.total, *(-getattr(one, part) for part in parts), tie_key(seed_bytes, one.ref)),
    )


def parted_by(first: Scored, second: Scored, *, tie_break: Sequence[str]) -> str:
    """Name what puts one before the other: «total», a part of the score, or «seed» where all of these are equal."""
    return next((part for part in ("total", *tie_break[:-1]) if getattr(first, part) != getattr(second, part)), "seed")


def ranking_line(one: Scored) -> str:
    """One line of the ranked input: ref in hex, then total and the parts as integers of 1/10,000, LF at the end."""
    scores = (one.total, *(getattr(one, part) for part in PARTS))
    return ",".join([one.ref.hex(), *(str(int(score * 10_000)) for score in scores)]) + "\n"


def ranking_digest(in_order: Iterable[Scored]) -> bytes:
    """SHA-256 over the lines of the ranked input, best first."""
    digest = hashlib.sha256()
    for one in in_order:
        digest.update(ranking_line(one).encode())
    return digest.digest()
