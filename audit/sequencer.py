"""Moves what deeds have noted from the outbox into the two logs: one at a time, in order, without gaps."""

import logging
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import NamedTuple

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from audit.canonical import NotCanonical, Value, decode, encode
from audit.chain import (
    ANCHOR,
    ENTRY_TEXTS,
    MILESTONES,
    NO_REF,
    anchor_commitment,
    audit_body,
    audit_genesis,
    audit_step,
    chain_genesis,
    chain_step,
    leaf,
    leaf_hash,
    moment,
)
from audit.models import AuditLog, HashChain, Log, LogHead, LogOutbox
from enigma.errors import Malformed, Refused

LOCK = 0x454E49474D41  # "ENIGMA"; whoever holds it is the one sequencer
CHUNK = 20_000
FOLLOW_INTERVAL = 0.1  # seconds

# COPY speaks to psycopg past Django, which does not translate its errors then.
LOST = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

logger = logging.getLogger(__name__)

# By range, not by a list of ids: the statistics of a mostly empty table mislead the planner, and a range is
# read in linear time whatever it believes.
_TAKE = """
    WITH taken AS (
        DELETE FROM log_outbox
        WHERE outbox_id <= (
            SELECT max(outbox_id) FROM (SELECT outbox_id FROM log_outbox ORDER BY outbox_id LIMIT %s) AS first
        )
        RETURNING outbox_id, log, kind, cycle_ref, subject_ref, commitment, body,
            CASE log WHEN 'audit' THEN floor(extract(epoch FROM created_at) * 1000)::bigint END
    )
    SELECT * FROM taken ORDER BY outbox_id
"""
_COPY_PUBLIC = """
    COPY hash_chain
        (chain_id, decision_type, subject_ref, timestamp, data_json, leaf_hash, previous_hash, data_hash)
    FROM STDIN (FORMAT binary)
"""
# PostgreSQL's binary COPY format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
_COPY_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EIGHT_COLUMNS = struct.pack(">h", 8)
_SIZE = struct.Struct(">i")
_SIZED_BIGINT = struct.Struct(">iq")
_HASH_SIZE = _SIZE.pack(32)
_BUFFER = 32_768  # bytes sent at once: a call for every row costs more than the row
_AUDIT_COLUMNS = ("log_id", "timestamp", *ENTRY_TEXTS, "details", "body", "previous_hash", "current_hash")
_COPY_AUDIT = f"COPY audit_logs ({', '.join(_AUDIT_COLUMNS)}) FROM STDIN"


class Waiting(NamedTuple):
    """One row of the outbox."""

    outbox_id: int
    log: str
    kind: str
    cycle_ref: str
    subject_ref: str
    commitment: str
    body: str
    noted_at: int | None  # milliseconds since 1970; only of internal entries


class Tip(NamedTuple):
    """How far a log has come: its size, its last chain value, and the time of its last entry."""

    size: int
    value: bytes
    at: datetime


def sequence(limit: int = CHUNK) -> int:
    """Move up to `limit` waiting rows into the logs in one transaction and return how many there were.

    Raise Refused when this database holds a log of another origin than ENIGMA_ORIGIN, Malformed for a row
    that `audit.log` did not write; nothing is moved then.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        # Only now: the statement after the lock sees what the previous holder committed.
        cursor.execute(_TAKE, [limit])
        rows = [Waiting(*row) for row in cursor.fetchall()]
        if rows:
            _append(cursor, rows)
    return len(rows)


def sequence_all() -> int:
    """Move everything that waits, a chunk a transaction, and return how many rows there were."""
    total = 0
    while moved := sequence(CHUNK):
        total += moved
        if moved < CHUNK:
            break
    return total


def follow(stop: Event, *, interval: float = FOLLOW_INTERVAL) -> None:
    """Sequence until `stop` is set, looking every `interval` seconds; outlive a lost database connection.

    Anything else that goes wrong is raised: it would go wrong again.
    """
    try:
        while not stop.is_set():
            try:
                if LogOutbox.objects.exists():
                    sequence_all()
            except LOST:
                logger.exception("the sequencer lost the database and tries again")
                connection.close()
            stop.wait(interval)
    finally:
        connection.close()


def _append(cursor: CursorWrapper, rows: Sequence[Waiting]) -> None:
    """Append the rows to both logs, internal first, so that an anchor covers what was noted before it."""
    head = _head()
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    audit = _append_audit(cursor, _audit_tip(head), _entries(rows, now))
    public = [(row.kind, row.cycle_ref, row.subject_ref, row.commitment) for row in rows if row.log == Log.PUBLIC]
    chain = _append_public(cursor, _chain_tip(head), public, now)
    if any(kind in MILESTONES for kind, *_ in public):
        commit = anchor_commitment(audit_size=audit.size, audit_hash=audit.value).hex()
        note = _anchor_note(seq=chain.size, audit=audit)
        chain = _append_public(cursor, chain, [(ANCHOR, NO_REF, NO_REF, commit)], now)
        audit = _append_audit(cursor, audit, [(now, note)])
    LogHead.objects.update(size=chain.size, chain_hash=chain.value, audit_size=audit.size, audit_hash=audit.value)


def _head() -> LogHead:
    origin = settings.ENIGMA_ORIGIN
    head, _ = LogHead.objects.get_or_create(
        id=1,
        defaults={
            "origin": origin,
            "size": 0,
            "chain_hash": chain_genesis(origin),
            "audit_size": 0,
            "audit_hash": audit_genesis(origin),
        },
    )
    if head.origin != origin:
        raise Refused(
            f"This database holds the log {head.origin}, but ENIGMA_ORIGIN says {origin}."
            " The origin is hashed into the first entry and cannot change: set it back, or begin a new log in a new"
            " database."
        )
    return head


def _chain_tip(head: LogHead) -> Tip:
    at = HashChain.objects.filter(chain_id=head.size - 1).values_list("timestamp", flat=True).first()
    return Tip(head.size, bytes(head.chain_hash), at or datetime.min.replace(tzinfo=UTC))


def _audit_tip(head: LogHead) -> Tip:
    at = AuditLog.objects.filter(log_id=head.audit_size - 1).values_list("timestamp", flat=True).first()
    return Tip(head.audit_size, bytes(head.audit_hash), at or datetime.min.replace(tzinfo=UTC))


def _append_public(cursor: CursorWrapper, tip: Tip, entries: Iterable[tuple[str, str, str, str]], now: datetime) -> Tip:
    """Append (kind, cycle, ref, commit) each and return the new tip."""
    size, value, at = tip.size, tip.value, max(tip.at, now)
    ts = moment(at)
    stamp = _SIZED_BIGINT.pack(8, (at - _POSTGRES_EPOCH) // timedelta(microseconds=1))
    with cursor.copy(_COPY_PUBLIC) as copy:
        buffer = bytearray(_COPY_SIGNATURE)
        for kind, cycle, ref, commit in entries:
            text = leaf(seq=size, kind=kind, cycle=cycle, ref=ref, commit=commit, ts=ts).encode()
            hashed = leaf_hash(text)
            previous, value = value, chain_step(value, hashed)
            buffer += _EIGHT_COLUMNS + _SIZED_BIGINT.pack(8, size)
            buffer += _SIZE.pack(len(kind)) + kind.encode() + _SIZE.pack(len(ref)) + ref.encode() + stamp
            buffer += _SIZE.pack(len(text)) + text
            buffer += _HASH_SIZE + hashed + _HASH_SIZE + previous + _HASH_SIZE + value
            size += 1
            if len(buffer) > _BUFFER:
                copy.write(buffer)
                buffer = bytearray()
        copy.write(buffer + _COPY_END)
    return Tip(size, value, at)


def _append_audit(cursor: CursorWrapper, tip: Tip, entries: Iterable[tuple[datetime, Mapping[str, Value]]]) -> Tip:
    """Append (time, entry) each; a time before the last one is lifted to it, so that time never runs back."""
    size, value, at = tip
    with cursor.copy(_COPY_AUDIT) as copy:
        for noted_at, entry in entries:
            at = max(at, noted_at)
            body = audit_body(entry, log_id=size, timestamp=moment(at))
            previous, value = value, audit_step(value, body)
            texts = [entry[name] for name in ENTRY_TEXTS]
            copy.write_row([size, at, *texts, encode(entry["details"]).decode(), body.decode(), previous, value])
            size += 1
    return Tip(size, value, at)


def _entries(rows: Iterable[Waiting], now: datetime) -> Iterable[tuple[datetime, Mapping[str, Value]]]:
    """The internal entries among the rows with the time of the deed, which is never later than now."""
    for row in rows:
        if row.noted_at is not None:
            noted_at = datetime.fromtimestamp(row.noted_at // 1000, UTC)
            yield min(noted_at + timedelta(milliseconds=row.noted_at % 1000), now), _entry(row)


def _entry(row: Waiting) -> Mapping[str, Value]:
    try:
        entry = decode(row.body.encode())
    except NotCanonical as error:
        raise Malformed(f"log_outbox row {row.outbox_id} was not written by audit.log: {error}") from None
    whole = isinstance(entry, dict) and entry.keys() == {*ENTRY_TEXTS, "details"}
    if not isinstance(entry, dict) or not whole or not isinstance(entry["details"], dict):
        raise Malformed(f"log_outbox row {row.outbox_id} was not written by audit.log: not an entry")
    if not all(isinstance(entry[name], str) for name in ENTRY_TEXTS):
        raise Malformed(f"log_outbox row {row.outbox_id} was not written by audit.log: a text is missing")
    return entry


def _anchor_note(*, seq: int, audit: Tip) -> dict[str, Value]:
    """The internal entry that opens the public anchor at `seq`, so that it can be recomputed."""
    return {
        "action": ANCHOR,
        "actor_id": "sequencer",
        "actor_type": "system",
        "details": {"audit_hash": audit.value.hex(), "audit_size": audit.size},
        "entity_id": str(seq),
        "entity_type": "leaf",
        "outcome": "ok",
        "request_id": "",
        "role": "",
        "session_id": "",
    }
