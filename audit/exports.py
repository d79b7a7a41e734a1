"""Hands out either log as a file: the exact bytes of each entry, one a line, from which an outsider recomputes all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from audit.chain import audit_genesis, chain_genesis
from audit.log import record
from audit.models import AuditLog, HashChain, LogHead
from audit.verifications import Asker
from enigma.errors import Malformed

CHUNK = 5_000
LOGS: dict[str, tuple[Any, str]] = {"public": (HashChain, "data_json"), "internal": (AuditLog, "body")}


@dataclass(frozen=True, slots=True)
class Export:
    """A log as it stands now: what somebody needs beside the file, and the file itself."""

    log: str
    origin: str
    entries: int
    head: str
    lines: Iterator[bytes]

    @property
    def name(self) -> str:
        """Return the name of the file, which says what it holds."""
        return f"{self.log}-log-{self.entries}.jsonl"


def export_log(log: str, *, actor: Asker) -> Export:
    """Return a log up to its present end; noted before the first byte leaves. Raise Denied without the permission."""
    actor.require("audit.view")
    if log not in LOGS:
        raise Malformed(f"There is no log {log}.")
    with transaction.atomic():
        origin, entries, head = _end(log)
        record("audit.export", actor=actor, entity=("log", log), entries=entries, head=head)
    return Export(log, origin, entries, head, _lines(log, entries))


def _end(log: str) -> tuple[str, int, str]:
    head = LogHead.objects.first()
    if head is None:
        genesis = chain_genesis if log == "public" else audit_genesis
        return settings.ENIGMA_ORIGIN, 0, genesis(settings.ENIGMA_ORIGIN).hex()
    size, value = (head.size, head.chain_hash) if log == "public" else (head.audit_size, head.audit_hash)
    return head.origin, size, bytes(value).hex()


def _lines(log: str, entries: int) -> Iterator[bytes]:
    """Yield the lines, some thousand at a time; entries never change, so no snapshot needs to be held."""
    model, column = LOGS[log]
    for first in range(0, entries, CHUNK):
        rows = model.objects.filter(pk__gte=first, pk__lt=min(first + CHUNK, entries)).order_by("pk")
        yield "".join(f"{text}\n" for text in rows.values_list(column, flat=True)).encode()
