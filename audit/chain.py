"""The exact bytes of both logs: commitments, leaves, chain values. From values to values, no Django.

Every hash is SHA-256 over a prefix of its own, so bytes of one meaning never pass for another.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from audit.canonical import Value, encode
from enigma.errors import Malformed

FIELD_SALT = b"enigma/field-salt/v1\n"
FIELD = b"enigma/field/v1\n"
COMMIT = b"enigma/commit/v1\n"
CHAIN_GENESIS = b"enigma/chain/v1\n"
AUDIT_GENESIS = b"enigma/audit/v1\n"
LEAF_PREFIX = b"\x00"  # as in RFC 6962, section 2.1; 0x01 stays free for the inner nodes of the tree
CHAIN_PREFIX = b"\x02"
AUDIT_PREFIX = b"\x03"
SALT_SIZE = 32

ANCHOR = "audit.anchor"
KINDS = frozenset(
    {
        "cycle.open",
        "rubric.commit",
        "submission",
        "submission.withdraw",
        "freeze",
        "scrub",
        "export",
        "import",
        "score",
        "selection",
        "decision",
        "publish",
        "unblind",
        "erasure",
        ANCHOR,
        "key.rotate",
        "complete",
    }
)
# After one of these the public log also commits to the state of the internal one.
MILESTONES = frozenset({"cycle.open", "freeze", "selection", "publish", "complete"})

# An anchor hides nothing: whoever sees the internal log's size and hash may recompute it.
ANCHOR_SALT = bytes(SALT_SIZE)
NO_REF = "0" * 32

# What an internal entry says; the sequencer adds `log_id` and `timestamp`.
ENTRY_TEXTS = (
    "action",
    "actor_id",
    "actor_type",
    "entity_id",
    "entity_type",
    "outcome",
    "request_id",
    "role",
    "session_id",
)

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REF = re.compile(r"[0-9a-f]{32}")
_ORIGIN = re.compile(r"[!-*,-~]+")  # printable ASCII without blanks and "+", as a C2SP note key name must be
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))


def is_ref(text: str) -> bool:
    """Return whether the text is a reference: 32 lower-case hexadecimal digits."""
    return _REF.fullmatch(text) is not None


def field_salt(name: str, *, salt: bytes) -> bytes:
    """Return HMAC-SHA-256(salt, "enigma/field-salt/v1\\n" || name); opening one field opens no other."""
    inner, outer = _pads(salt)
    return sha256(outer + sha256(inner + _message(name)[0]).digest()).digest()


def field_digest(name: str, value: Value, *, salt: bytes) -> bytes:
    """Return SHA-256("enigma/field/v1\\n" || name || "\\n" || field_salt(name) || EJ1(value))."""
    return sha256(_message(name)[1] + field_salt(name, salt=salt) + encode(value)).digest()


def commitment(kind: str, fields: Mapping[str, Value], *, salt: bytes) -> bytes:
    """Return the 32 bytes that commit to the fields without showing them.

    SHA-256("enigma/commit/v1\\n" || kind || "\\n" || EJ1({name: hex(field_digest(name)), ...})). `salt` is 32
    random bytes of this record alone; once it is destroyed the commitment says nothing. Raise Malformed for
    another salt, an empty or ill-named field set, or a value without an EJ1 form.
    """
    if not fields:
        raise Malformed("a commitment needs at least one field")
    inner, outer = _pads(salt)
    digests = []
    for name in sorted(fields):
        salt_message, head = _message(name)
        own_salt = sha256(outer + sha256(inner + salt_message).digest()).digest()
        digests.append(f'"{name}":"{sha256(head + own_salt + encode(fields[name])).hexdigest()}"')
    return sha256(b"%b%b\n{%b}" % (COMMIT, kind.encode(), ",".join(digests).encode())).digest()


@lru_cache(maxsize=1024)
def _message(name: str) -> tuple[bytes, bytes]:
    """The bytes before the salt and before the value; a line feed in a name would make them ambiguous."""
    if not _FIELD_NAME.fullmatch(name):
        raise Malformed(f"{name!r} is not a field name: lower-case letters, digits and _ only")
    return FIELD_SALT + name.encode(), FIELD + name.encode() + b"\n"


def _pads(salt: bytes) -> tuple[bytes, bytes]:
    """The two keyed blocks of HMAC (RFC 2104), made once a record: hmac.digest() costs twice as much."""
    if len(salt) != SALT_SIZE:
        raise Malformed(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    block = salt.ljust(64, b"\0")
    return block.translate(_INNER_PAD), block.translate(_OUTER_PAD)


def moment(at: datetime) -> str:
    """Return an aware datetime as `YYYY-MM-DDTHH:MM:SS.mmmZ`; smaller parts than milliseconds are cut off."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def leaf(*, seq: int, kind: str, cycle: str, ref: str, commit: str, ts: str) -> str:
    """Return the text of a public entry: the EJ1 form of its seven members, `v` being 1."""
    return f'{{"commit":"{commit}","cycle":"{cycle}","kind":"{kind}","ref":"{ref}","seq":{seq},"ts":"{ts}","v":1}}'


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 || leaf), the leaf hash of RFC 6962, section 2.1."""
    return sha256(LEAF_PREFIX + leaf).digest()


def chain_genesis(origin: str) -> bytes:
    """Return SHA-256("enigma/chain/v1\\n" || origin || "\\n"), what the first public entry follows."""
    return sha256(CHAIN_GENESIS + _origin(origin) + b"\n").digest()


def chain_step(previous: bytes, leaf_hash: bytes) -> bytes:
    """Return SHA-256(0x02 || previous || leaf_hash), the chain value after an entry."""
    return sha256(CHAIN_PREFIX + previous + leaf_hash).digest()


def audit_genesis(origin: str) -> bytes:
    """Return SHA-256("enigma/audit/v1\\n" || origin || "\\n"), what the first internal entry follows."""
    return sha256(AUDIT_GENESIS + _origin(origin) + b"\n").digest()


def audit_body(entry: Mapping[str, Value], *, log_id: int, timestamp: str) -> bytes:
    """Return the EJ1 bytes of an internal entry, which the sequencer gives its position and its time."""
    return encode({**entry, "log_id": log_id, "timestamp": timestamp})


def audit_step(previous: bytes, body: bytes) -> bytes:
    """Return SHA-256(0x03 || previous || SHA-256(body)), the chain value after an internal entry."""
    return sha256(AUDIT_PREFIX + previous + sha256(body).digest()).digest()


def anchor_commitment(*, audit_size: int, audit_hash: bytes) -> bytes:
    """Return the commitment of an `audit.anchor` leaf to the internal log's size and last chain value."""
    return commitment(ANCHOR, {"audit_hash": audit_hash.hex(), "audit_size": audit_size}, salt=ANCHOR_SALT)


def _origin(origin: str) -> bytes:
    if not _ORIGIN.fullmatch(origin):
        raise Malformed(f"{origin!r} cannot name a log: printable ASCII without blanks and + only")
    return origin.encode()
