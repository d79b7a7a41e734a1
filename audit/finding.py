"""Finds places in both logs without walking through them: a moment, the values of a column, a head noted earlier."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from audit.chain import audit_genesis, chain_genesis
from audit.models import AuditLog, HashChain, LogHead
from enigma.errors import Malformed

BEYOND = 2**63 - 1

# From each value to the next through an index that begins with the column: as many steps as there are values.
_VALUES = """
WITH RECURSIVE found AS (
    (SELECT {0} AS value FROM audit_logs ORDER BY {0} LIMIT 1)
    UNION ALL
    SELECT (SELECT {0} FROM audit_logs WHERE {0} > found.value ORDER BY {0} LIMIT 1) FROM found
    WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value IS NOT NULL
"""
_NOTED = re.compile(r"(?:(\d{1,15})\s+entries\W+head\s+)?\b([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a head stands: in a log, after that many entries; ``now`` tells whether nothing has come since."""

    log: str
    entries: int
    now: bool


def first_at(moment: datetime) -> int:
    """Return the position of the first entry that is not before a moment; beyond any end where there is none.

    Time never runs back in the log, so a moment is a position, and every question one walk along an index.
    """
    later = AuditLog.objects.filter(timestamp__gte=moment).order_by("timestamp", "log_id")
    position = later.values_list("log_id", flat=True).first()
    return BEYOND if position is None else position


def actions() -> list[str]:
    """Return every action that the internal log holds."""
    return _values("action")


def entity_types() -> list[str]:
    """Return every type of entity that the internal log speaks of."""
    return _values("entity_type")


def read_noted(text: str) -> tuple[int | None, str]:
    """Return the size, if there is one, and the head in what somebody noted; raise Malformed where there is no head.

    A line of ``verify_audit`` is taken as it is.
    """
    found = _NOTED.search(text.strip().lower())
    if found is None:
        raise Malformed("A head is 64 digits of 0-9 and a-f; take the whole line that verify_audit printed.")
    size, head = found.groups()
    return (int(size) if size else None), head


def find_head(head: str, *, size: int | None = None) -> list[Place]:
    """Return where a head stands; with the size that was noted beside it by two look-ups, else by a walk."""
    ends, wanted = LogHead.objects.first(), bytes.fromhex(head)
    origin = ends.origin if ends else settings.ENIGMA_ORIGIN
    public, audit = (ends.size, ends.audit_size) if ends else (0, 0)
    places = [*_in_public(wanted, size, origin), *_in_audit(wanted, size, origin)]
    return [Place(log, entries, entries == {"public": public, "internal": audit}[log]) for log, entries in places]


def _in_public(wanted: bytes, size: int | None, origin: str) -> Iterator[tuple[str, int]]:
    if wanted == chain_genesis(origin) and not size:
        yield "public", 0
    rows = HashChain.objects.filter(data_hash=wanted)
    if size is not None:
        rows = rows.filter(chain_id=size - 1)
    for position in rows.values_list("chain_id", flat=True)[:1]:
        yield "public", position + 1


def _in_audit(wanted: bytes, size: int | None, origin: str) -> Iterator[tuple[str, int]]:
    if wanted == audit_genesis(origin) and not size:
        yield "internal", 0
    rows = AuditLog.objects.filter(current_hash=wanted)
    if size is not None:
        rows = rows.filter(log_id=size - 1)
    for position in rows.values_list("log_id", flat=True)[:1]:
        yield "internal", position + 1


def _values(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_VALUES.format(column))
        return [value for (value,) in cursor.fetchall()]
