"""Recomputes one entry of a log from its own bytes, and holds it against the entry before it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from audit import statements
from audit.chain import audit_genesis, audit_step, chain_genesis
from audit.models import AuditLog, HashChain, LogHead
from audit.reasons import audit_reason, public_reason

NOT_LINKED = "previous_hash is not the value of the entry before"


def audit_entry_fault(entry: AuditLog) -> str:
    """Say what is wrong with an entry of the internal log, or nothing."""
    if differs := audit_reason(_row(statements.AUDIT_ONE, entry.log_id)):
        return differs
    previous = bytes(entry.previous_hash)
    if bytes(entry.current_hash) != audit_step(previous, entry.body.encode()):
        return "current_hash does not follow from previous_hash and body"
    before = AuditLog.objects.filter(log_id=entry.log_id - 1).values_list("current_hash", flat=True).first()
    genesis = audit_genesis(_origin()) if entry.log_id == 0 else None
    return "" if previous == _value(before, genesis) else NOT_LINKED


def public_entry_fault(entry: HashChain) -> str:
    """Say what is wrong with an entry of the public log, or nothing."""
    if differs := public_reason(_row(statements.PUBLIC_ONE, entry.chain_id)):
        return differs
    before = HashChain.objects.filter(chain_id=entry.chain_id - 1).values_list("data_hash", flat=True).first()
    genesis = chain_genesis(_origin()) if entry.chain_id == 0 else None
    return "" if bytes(entry.previous_hash) == _value(before, genesis) else NOT_LINKED


def _value(before: bytes | None, genesis: bytes | None) -> bytes | None:
    return genesis if before is None else bytes(before)


def _origin() -> str:
    head = LogHead.objects.first()
    return head.origin if head else settings.ENIGMA_ORIGIN


def _row(statement: str, position: int) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [position])
        row: Sequence[Any] = cursor.fetchone()
        return row
