"""Recomputes both logs from their bytes and names the first entry that lies.

What nothing inside the database can see (rewriting and cutting that leaves all hashes right) is named in docs/audit.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DataError, connection, transaction

from audit import statements
from audit.chain import (
    KINDS,
    anchor_commitment,
    audit_genesis,
    chain_genesis,
)
from audit.reasons import audit_reason, public_reason
from enigma.errors import Malformed

_DISAGREE = "the database's own functions disagree with this program"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry of a log that lies; `log` is public, audit or head (the row that names the ends)."""

    log: str
    position: int
    reason: str

    def __str__(self) -> str:
        return f"{self.log} entry {self.position}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found; heads are hexadecimal, to be compared with what was kept outside."""

    origin: str
    public_size: int
    public_head: str
    audit_size: int
    audit_head: str
    pending: int  # rows in the outbox: committed, not yet in a log
    checked: int  # entries of both logs up to the first that lies
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing lies."""
        return not self.faults

    @property
    def fault(self) -> Fault | None:
        """The first lie of the public log, else of the internal one, else of what joins them."""
        return self.faults[0] if self.faults else None


@dataclass(frozen=True, slots=True)
class _Heads:
    origin: str | None
    size: int
    chain_hash: bytes
    audit_size: int
    audit_hash: bytes
    pending: int
    public_beyond: bool
    audit_beyond: bool


def verify() -> Verdict:
    """Recompute both logs and the anchors between them, in constant memory; a sequencer may be at work."""
    with transaction.atomic():
        _execute("SET LOCAL jit = off")  # compiling takes longer than it saves
        heads = _heads()
        public = _first(_public_faults(heads))
        audit = _first(_audit_faults(heads))
        faults = [fault for fault in (public, audit, *_head_faults(heads)) if fault]
        if not faults:
            faults = [fault for fault in _anchor_faults(heads) if fault][:1]
    return Verdict(
        origin=heads.origin or settings.ENIGMA_ORIGIN,
        public_size=heads.size,
        public_head=heads.chain_hash.hex(),
        audit_size=heads.audit_size,
        audit_head=heads.audit_hash.hex(),
        pending=heads.pending,
        checked=_checked(public, heads.size) + _checked(audit, heads.audit_size),
        faults=tuple(faults),
    )


def _heads() -> _Heads:
    origin, size, chain_hash, audit_size, audit_hash, *rest = _one(statements.HEADS)
    name = settings.ENIGMA_ORIGIN if origin is None else origin
    return _Heads(
        origin,
        size,
        chain_genesis(name) if chain_hash is None else bytes(chain_hash),
        audit_size,
        audit_genesis(name) if audit_hash is None else bytes(audit_hash),
        *rest,
    )


def _head_faults(heads: _Heads) -> Iterator[Fault]:
    if heads.origin is not None and heads.origin != settings.ENIGMA_ORIGIN:
        yield Fault("head", 0, f"origin is {heads.origin}, but ENIGMA_ORIGIN says {settings.ENIGMA_ORIGIN}")


# -- the public log ----------------------------------------------


def _public_faults(heads: _Heads) -> Iterator[Fault]:
    if (position := _wrong_public_entry(heads.size)) is not None:
        yield Fault("public", position, public_reason(_one(statements.PUBLIC_ONE, [position])) or _DISAGREE)
    genesis = chain_genesis(heads.origin or settings.ENIGMA_ORIGIN)
    yield from _link_faults("public", statements.PUBLIC_LINKS, genesis, heads.size)
    yield from _end_faults("public", statements.PUBLIC_LAST, heads.size, heads.chain_hash, genesis)
    if heads.public_beyond:
        yield Fault("public", heads.size, "stands beyond the end that log_head names")


def _wrong_public_entry(size: int) -> int | None:
    parameters = [size, sorted(KINDS)]
    try:
        with transaction.atomic():
            position = _one(statements.PUBLIC_ENTRIES_FAST, parameters)[0]
    except DataError:
        position = _one(statements.PUBLIC_ENTRIES_CAREFUL, parameters)[0]
    return position


# -- the internal log --------------------------------------------


def _audit_faults(heads: _Heads) -> Iterator[Fault]:
    if (position := _one(statements.AUDIT_HASHES, [heads.audit_size])[0]) is not None:
        differs = audit_reason(_one(statements.AUDIT_ONE, [position]))
        yield Fault("audit", position, differs or "current_hash does not follow from previous_hash and body")
    if (position := _one(statements.AUDIT_COPIES, [heads.audit_size])[0]) is not None:
        yield from _copy_faults(position, heads.audit_size - 1)
    genesis = audit_genesis(heads.origin or settings.ENIGMA_ORIGIN)
    yield from _link_faults("audit", statements.AUDIT_LINKS, genesis, heads.audit_size)
    yield from _end_faults("audit", statements.AUDIT_LAST, heads.audit_size, heads.audit_hash, genesis)
    if heads.audit_beyond:
        yield Fault("audit", heads.audit_size, "stands beyond the end that log_head names")


def _copy_faults(first: int, last: int) -> Iterator[Fault]:
    """Look closer at the entries that SQL could not clear, as it cannot spell nested details."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statements.AUDIT_DOUBTFUL, [first, last])
        while rows := cursor.fetchmany(1000):
            for row in rows:
                if reason := audit_reason(row):
                    yield Fault("audit", row[0], reason)
                    return


# -- what joins entries, ends and logs ---------------------------


def _link_faults(log: str, statement: str, genesis: bytes, size: int) -> Iterator[Fault]:
    if row := _one_or_none(statement, [genesis, size]):
        position, due = row
        if position > due:
            yield Fault(log, due, "is missing")
        elif position < due:
            yield Fault(log, position, "stands where no entry can")
        else:
            yield Fault(log, position, "previous_hash is not the value of the entry before")


def _end_faults(log: str, statement: str, size: int, value: bytes, genesis: bytes) -> Iterator[Fault]:
    position, last_value = _one_or_none(statement, [size]) or (-1, genesis)
    if position < size - 1:
        yield Fault(log, position + 1, f"is missing, though log_head counts {size}")
    elif bytes(last_value) != value:
        yield Fault("head", size, f"the {log} hash in log_head is not the value of the last entry")


def _anchor_faults(heads: _Heads) -> Iterator[Fault]:
    genesis = audit_genesis(heads.origin or settings.ENIGMA_ORIGIN)
    with connection.chunked_cursor() as cursor:
        cursor.execute(statements.ANCHORS, [heads.size, heads.audit_size])
        seen = None
        while rows := cursor.fetchmany(1000):
            for seq, commit, log_id, size, value, entry_value in rows:
                if seq is None:
                    yield Fault("audit", log_id, "opens an anchor that the public log does not hold")
                elif seq == seen:
                    yield Fault("audit", log_id, f"opens the public anchor {seq} a second time")
                elif log_id is None:
                    yield Fault("public", seq, "anchors an internal log that is not this one: no entry opens it")
                else:
                    found = genesis if size == 0 else bytes(entry_value or b"")
                    yield from _anchor_fault(seq, commit, log_id, size, value, found)
                seen = seq


def _anchor_fault(
    seq: int, commit: str, log_id: int, size: int | None, value: str | None, found: bytes
) -> Iterator[Fault]:
    if size != log_id or value != found.hex():
        yield Fault("audit", log_id, f"the internal log before it is not what it says was anchored at {seq}")
    elif anchor_commitment(audit_size=size, audit_hash=found).hex() != commit:
        yield Fault("public", seq, "anchors an internal log that is not this one")


# -- helpers -----------------------------------------------------


def _first(faults: Iterator[Fault]) -> Fault | None:
    """The fault at the lowest position; of several there, the one that was looked for first."""
    return min(faults, key=lambda fault: fault.position, default=None)


def _checked(fault: Fault | None, size: int) -> int:
    return size if fault is None else min(fault.position, size)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _one_or_none(statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters) or None)
        row: Sequence[Any] | None = cursor.fetchone()
        return row


def _one(statement: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
    row = _one_or_none(statement, parameters)
    if row is None:
        raise Malformed("an entry vanished while it was being verified")
    return row
