"""Entries to be logged in the tests of the audit app, and a look at what the tables hold."""

import json
from dataclasses import dataclass

from django.db import connection, transaction

from audit import log
from audit.chain import ENTRY_TEXTS
from audit.sequencer import sequence_all

CYCLE = "c0" * 16
SALT = bytes(range(32))
_TS = """to_char(timestamp AT TIME ZONE 'UTC', 'BC YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclass(frozen=True)
class Actor:
    kind: str = "staff"
    id: str = "user:7"
    role: str = "admin"
    session_id: str = "s-1"


OMAR = Actor()


def ref(number):
    return f"{number:032x}"


def note(number, **details):
    log.record("application.import", actor=OMAR, entity=("application", str(number)), **details)


def commit(number, kind="submission", **fields):
    log.commit(kind, cycle_ref=CYCLE, subject_ref=ref(number), salt=SALT, fields=fields or {"gpa_e4": 38000})


def fill(count=4):
    """Log an opening, which is anchored, and that many submissions; public 0 and 1 are the opening and its anchor."""
    with transaction.atomic():
        commit(0, "cycle.open", seats=2)
        note(0, seats=2)
    sequence_all()
    with transaction.atomic():
        for number in range(1, count + 1):
            commit(number)
            note(number, line=number, text='a "quoted" \\ text\n\u2028é\x7f', none=None, yes=True)
    sequence_all()


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def unguard():
    """What a superuser can do: switch every trigger off."""
    for table in ("hash_chain", "audit_logs", "log_head"):
        sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def public_rows():
    """The public log as tests.audit.independent reads it."""
    rows = sql(
        f"SELECT chain_id, decision_type, subject_ref, {_TS}, data_json, leaf_hash, previous_hash, data_hash"
        " FROM hash_chain ORDER BY chain_id"
    )
    return [(*row[:3], _milliseconds(row[3]), *row[4:]) for row in rows]


def audit_rows():
    """The internal log as tests.audit.independent reads it."""
    rows = sql(
        f"SELECT body, previous_hash, current_hash, details::text, {_TS}, log_id, {', '.join(ENTRY_TEXTS)}"
        " FROM audit_logs ORDER BY log_id"
    )
    return [(row[5], _copies(row), *row[:3]) for row in rows]


def _copies(row):
    texts = dict(zip(ENTRY_TEXTS, row[6:], strict=True))
    return {**texts, "log_id": row[5], "timestamp": _milliseconds(row[4]), "details": json.loads(row[3])}


def _milliseconds(text):
    """The written form of a time of our era in whole milliseconds; anything else stays what it is."""
    return f"{text[3:-4]}Z" if text and text.startswith("AD ") and text.endswith("000Z") else text
