"""The one writer of both logs: a deed notes its acts and commitments here, inside its own transaction."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Protocol

from django.db import connection
from django.db.transaction import TransactionManagementError

from audit.canonical import Value, encode
from audit.chain import ANCHOR, KINDS, commitment, is_ref
from audit.models import Log, LogOutbox
from enigma.errors import Malformed, Refused

# Rows are gathered before they are sent, so that the caller's iterable may read from the same connection.
CHUNK = 5_000

_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_EMAIL = re.compile(r"[^\s\"@]@[^\s\"@]+\.[^\W\d]{2,}")
_COPY = "COPY log_outbox (log, kind, cycle_ref, subject_ref, commitment) FROM STDIN"


class Actor(Protocol):
    """Who acts: all four are codes, never a name or an e-mail address; "" where there is none."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def session_id(self) -> str: ...


def record(
    action: str,
    *,
    actor: Actor,
    entity: tuple[str, str],
    outcome: str = "ok",
    reason: str | None = None,
    request_id: str = "",
    **details: Value,
) -> None:
    """Note one act for `audit_logs`; it is kept or lost together with the deed.

    `action` is dotted lower case such as `cycle.freeze`; `entity` is (type, id); `reason` goes into the
    details. No personal data may stand in any of it: ids, codes, counts and hashes only. Raise
    TransactionManagementError outside a transaction, Malformed for a value without an EJ1 form, Refused for
    an e-mail address anywhere.
    """
    _inside_a_transaction()
    if action == ANCHOR or not _ACTION.fullmatch(action):
        raise Malformed(f"{action!r} is not an action that can be recorded")
    if reason is not None:
        details["reason"] = reason
    body = encode(
        {
            "action": action,
            "actor_id": actor.id,
            "actor_type": actor.kind,
            "details": details,
            "entity_id": entity[1],
            "entity_type": entity[0],
            "outcome": outcome,
            "request_id": request_id,
            "role": actor.role,
            "session_id": actor.session_id,
        }
    ).decode()
    _free_of_personal_data(body, actor=actor)
    LogOutbox.objects.create(log=Log.AUDIT, kind=action, body=body)


def commit(kind: str, *, cycle_ref: str, subject_ref: str, salt: bytes, fields: Mapping[str, Value]) -> None:
    """Note one commitment for `hash_chain`: only its 32 bytes are kept, never the fields or the salt.

    `kind` is one of `audit.chain.KINDS`; both refs are 32 random hexadecimal digits; `salt` is 32 random
    bytes of this record alone. Raise TransactionManagementError outside a transaction, Malformed for anything
    else.
    """
    commit_many(kind, cycle_ref=cycle_ref, rows=[(subject_ref, salt, fields)])


def commit_many(kind: str, *, cycle_ref: str, rows: Iterable[tuple[str, bytes, Mapping[str, Value]]]) -> int:
    """Note a commitment for each (subject_ref, salt, fields) and return how many, in constant memory.

    The entries keep the order of the rows: sort them by ref where their order would disclose something.
    Errors as in `commit`.
    """
    _inside_a_transaction()
    if kind not in KINDS or kind == ANCHOR:
        raise Malformed(f"{kind!r} is not a kind of entry that can be committed")
    if not is_ref(cycle_ref):
        raise Malformed("cycle_ref is not 32 lower-case hexadecimal digits")
    head = f"{Log.PUBLIC}\t{kind}\t{cycle_ref}\t"
    rows = iter(rows)
    count = 0
    while chunk := list(islice(rows, CHUNK)):
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            # By the hundred, so that the server checks some rows while the next are being hashed.
            for start in range(0, len(chunk), 100):
                copy.write("".join(_line(head, row, kind) for row in chunk[start : start + 100]))
        count += len(chunk)
    return count


def _line(head: str, row: tuple[str, bytes, Mapping[str, Value]], kind: str) -> str:
    """One line for COPY; every part is a code or hexadecimal, so nothing needs escaping."""
    subject_ref, salt, fields = row
    if not is_ref(subject_ref):
        raise Malformed("subject_ref is not 32 lower-case hexadecimal digits")
    return f"{head}{subject_ref}\t{commitment(kind, fields, salt=salt).hex()}\n"


def _inside_a_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("write to the audit log inside the deed's own transaction")


def _free_of_personal_data(body: str, *, actor: Actor) -> None:
    if "@" in actor.id or _EMAIL.search(body):
        raise Refused("The audit log takes no personal data, but an e-mail address stands in this entry.")
    if "\\u0000" in body:
        raise Malformed("PostgreSQL cannot keep a NUL character in an audit entry")
