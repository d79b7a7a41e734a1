"""Tells whether this service can do its work: database, schema, a worker, the sequencer of the audit log."""

from functools import cache
from typing import Any

from django.db import ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader

HEARTBEAT_MAX = 60  # seconds; a worker that lives says so every 10
LAG_MAX = 60  # seconds; by then everything has to stand in the log

# Both from the front of an index or from a table of a few rows, however much waits.
_FACTS = """
    SELECT (SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers),
           (SELECT extract(epoch FROM now() - created_at) FROM log_outbox ORDER BY outbox_id LIMIT 1)
"""


def checks() -> dict[str, str]:
    """Return ``ok`` or what is wrong for each of the parts, by two queries; raise OperationalError without a database.

    No figure of what waits: the number of entries would tell outsiders how many people are handing in right now.
    """
    found = {"database": "ok", "migrations": "ok", "worker": "unknown", "sequencer": "unknown"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            if _known_migrations() - set(cursor.fetchall()):
                return {**found, "migrations": "missing"}
            cursor.execute(_FACTS)
            heartbeat, lag = cursor.fetchone()
    except ProgrammingError:  # there is no such table yet
        return {**found, "migrations": "missing"}
    found["worker"] = "ok" if heartbeat is not None and heartbeat < HEARTBEAT_MAX else "silent"
    found["sequencer"] = "ok" if lag is None or lag < LAG_MAX else "late"
    return found


def is_well(found: dict[str, Any]) -> bool:
    """Tell whether nothing is wrong."""
    return set(found.values()) == {"ok"}


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations that this program brings; read from disk once."""
    return frozenset(MigrationLoader(None).graph.nodes)
