"""Wrap every data key, and every second factor, anew by the first master key; killed, it is begun again."""

from collections import Counter
from collections.abc import Callable

from django.db import connection, transaction

from accounts import second_factor
from accounts.actors import Actor
from audit.log import record
from enigma.keys import keyring

CHUNK = 1_000

# Table and primary key of everything that holds a wrapped data key.
HOLDERS = (
    ("admission_cycles", "id"),
    ("identity_mapping", "application_id"),
    ("application_drafts", "id"),
    ("review_requests", "application_id"),
)


def rotate_keys(*, actor: Actor, on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Re-wrap all data keys and second factors that do not stand on the first master key; return how many.

    Only the wrapping changes, never the sealed values. Each table is walked once; rows that somebody else holds are
    left, see ``standing``. Raises UnreadableRecord when no master key opens a data key.
    """
    actor.require("keys.rotate")
    done = 0
    for table, pk in HOLDERS:
        last = 0
        while pks := _rotate_chunk(table, pk, actor, after=last):
            last = pks[-1]
            done += len(pks)
            on_progress(done)
    return done + second_factor.rewrap(actor, lambda more: on_progress(done + more))


def standing() -> dict[str, int]:
    """Count the rows by the id of the master key that their data key stands on."""
    counts: Counter[str] = Counter(second_factor.standing())
    with connection.cursor() as cursor:
        for table, _ in HOLDERS:
            # What was erased has no key any more.
            cursor.execute(
                f"SELECT key_id, count(*) FROM {table} WHERE key_id IS NOT NULL GROUP BY key_id"  # noqa: S608  names of this module
            )
            counts.update(dict(cursor.fetchall()))
    return dict(sorted(counts.items()))


def _rotate_chunk(table: str, pk: str, actor: Actor, *, after: int) -> list[int]:
    """Re-wrap the next keys behind that primary key; return the primary keys of their rows, none at the end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {pk}, wrapped_key FROM {table} WHERE {pk} > %s AND key_id <> %s "  # noqa: S608  names of this module
            f"ORDER BY {pk} LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
            [after, keyring().primary_id, CHUNK],
        )
        rows: list[tuple[int, str]] = cursor.fetchall()
        if not rows:
            return []
        pks = [one for one, _ in rows]
        wrapped = [keyring().rewrap(token) for _, token in rows]
        cursor.execute(
            f"UPDATE {table} SET wrapped_key = fresh.token, key_id = %s "  # noqa: S608  names of this module
            f"FROM unnest(%s::bigint[], %s::text[]) AS fresh (pk, token) WHERE {table}.{pk} = fresh.pk",
            [keyring().primary_id, pks, [one.token for one in wrapped]],
        )
        record("keys.rotate", actor=actor, entity=("table", table), rows=len(rows), key=keyring().primary_id)
    return pks
