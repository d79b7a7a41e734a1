"""What the database itself refuses, also to the owner of the tables, as long as its triggers are on."""

from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import AuditLog, HashChain, LogHead
from tests.audit.entries import fill, sql

pytestmark = pytest.mark.django_db

TABLES = ["hash_chain", "audit_logs", "log_head"]


@pytest.fixture
def logs():
    fill(2)


def refused(statement, match):
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        sql(statement)


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_deleted(logs, table):
    refused(f"DELETE FROM {table}", "append-only: DELETE refused")


@pytest.mark.parametrize(("table", "column"), [("hash_chain", "decision_type"), ("audit_logs", "actor_id")])
def test_no_entry_is_changed(logs, table, column):
    refused(f"UPDATE {table} SET {column} = {column}", "append-only: UPDATE refused")


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_truncated(logs, table):
    # Lifted for all tests by tests/conftest.py, since Django empties tables this way.
    sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuse_truncate")
    refused(f"TRUNCATE {table}", "append-only: TRUNCATE refused")


@pytest.mark.parametrize("table", TABLES)
def test_acting_as_a_replica_switches_nothing_off(logs, table):
    sql("SET LOCAL session_replication_role = replica")
    refused(f"DELETE FROM {table}", "append-only: DELETE refused")


def copied(table, **changes):
    """SQL that appends a copy of the last entry with these columns changed."""
    model = {"hash_chain": HashChain, "audit_logs": AuditLog}[table]
    names = [field.column for field in model._meta.concrete_fields]
    values = ", ".join(changes.get(name, name) for name in names)
    key = names[0]
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} ORDER BY {key} DESC LIMIT 1"


@pytest.mark.parametrize(("table", "key"), [("hash_chain", "chain_id"), ("audit_logs", "log_id")])
@pytest.mark.parametrize("step", ["- 1000", "+ 2"])
def test_an_entry_after_a_gap_is_refused(logs, table, key, step):
    refused(copied(table, **{key: f"{key} {step}"}), "leave a gap")


@pytest.mark.parametrize(("table", "key"), [("hash_chain", "chain_id"), ("audit_logs", "log_id")])
def test_a_position_is_taken_once(logs, table, key):
    refused(copied(table), "duplicate key")


LEAF = """'{"commit":"' || repeat('0', 64) || '","cycle":"' || repeat('0', 32) || '","kind":"score","ref":"'
    || repeat('0', 32) || '","seq":' || chain_id + 1 || ',"ts":"2030-01-01T00:00:00.000Z","v":1}'"""
LEAF_HASH = rf"sha256('\x00'::bytea || convert_to({LEAF}, 'UTF8'))"
GOOD_LEAF = {
    "chain_id": "chain_id + 1",
    "decision_type": "'score'",
    "subject_ref": "repeat('0', 32)",
    "timestamp": "'2030-01-01T00:00:00Z'",
    "data_json": LEAF,
    "leaf_hash": LEAF_HASH,
    "previous_hash": "data_hash",
    "data_hash": rf"sha256('\x02'::bytea || data_hash || {LEAF_HASH})",
}


def test_an_entry_whose_every_byte_is_right_is_taken(logs):
    assert sql(copied("hash_chain", **GOOD_LEAF)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"decision_type": "'decision'"},
        {"subject_ref": "repeat('1', 32)"},
        {"timestamp": "'2030-01-01T00:00:00.0001Z'"},
        {"timestamp": "'2030-01-01T00:00:00Z BC'"},
        {"leaf_hash": "leaf_hash"},
        {"previous_hash": "previous_hash"},
        {"data_hash": "data_hash"},
        {"data_json": f"{LEAF} || ' '"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_entry_with_one_wrong_column_is_refused(logs, change):
    refused(copied("hash_chain", **GOOD_LEAF | change), "does not follow from its bytes")


def test_a_leaf_that_is_not_hexadecimal_is_refused(logs):
    leaf = LEAF.replace("repeat('0', 64)", "repeat('Z', 64)")
    hashed = rf"sha256('\x00'::bytea || convert_to({leaf}, 'UTF8'))"
    value = rf"sha256('\x02'::bytea || data_hash || {hashed})"
    change = {"data_json": leaf, "leaf_hash": hashed, "data_hash": value}
    refused(copied("hash_chain", **GOOD_LEAF | change), "invalid hexadecimal")


BODY = """replace(body, '"log_id":' || log_id, '"log_id":' || log_id + 1)"""
GOOD_BODY = {
    "log_id": "log_id + 1",
    "body": BODY,
    "previous_hash": "current_hash",
    "current_hash": rf"sha256('\x03'::bytea || current_hash || sha256(convert_to({BODY}, 'UTF8')))",
}


def test_an_internal_entry_whose_every_byte_is_right_is_taken(logs):
    assert sql(copied("audit_logs", **GOOD_BODY)) == 1


@pytest.mark.parametrize(
    "change",
    [
        *({name: "'x'"} for name in ("actor_type", "actor_id", "role", "session_id", "action", "outcome")),
        *({name: "'x'"} for name in ("entity_type", "entity_id", "request_id")),
        {"timestamp": "timestamp + interval '1 ms'"},
        {"details": """'{"line": 99}'"""},
        {"body": "body"},
        {"previous_hash": "previous_hash"},
        {"current_hash": "current_hash"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_internal_entry_with_one_wrong_column_is_refused(logs, change):
    refused(copied("audit_logs", **GOOD_BODY | change), "does not follow from its bytes")


def test_a_temporary_table_does_not_stand_in_for_the_parent(logs):
    sql("CREATE TEMP TABLE hash_chain AS SELECT * FROM public.hash_chain")
    sql(r"UPDATE pg_temp.hash_chain SET data_hash = '\x00'")
    forged = copied("hash_chain", **GOOD_LEAF).replace("INTO hash_chain", "INTO public.hash_chain")
    refused(forged, "does not follow from its bytes")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ("size = size - 1", "a log only grows"),
        ("audit_size = audit_size - 1", "a log only grows"),
        ("origin = 'other/1'", "chosen once"),
        ("size = size + 1", "not those of the last entries"),
        (r"chain_hash = '\x00'", "not those of the last entries"),
        (r"audit_hash = '\x00'", "not those of the last entries"),
    ],
)
def test_the_head_says_what_the_last_entries_say_and_only_grows(logs, change, match):
    refused(f"UPDATE log_head SET {change}", match)


def test_there_is_one_head(logs):
    refused("INSERT INTO log_head SELECT 2, origin, size, chain_hash, audit_size, audit_hash FROM log_head", "one_row")


def test_a_log_begins_at_its_origin():
    values = {"origin": "a/1", "size": 0, "audit_size": 0, "chain_hash": bytes(32), "audit_hash": bytes(32)}
    with pytest.raises(DatabaseError, match="not those of the last entries"), transaction.atomic():
        LogHead.objects.create(**values)


def test_the_guards_can_be_taken_down_and_put_up_again_by_migration(logs):
    names = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY (%s) ORDER BY 1"
    before = sql(names, TABLES)
    module = import_module("audit.migrations.0002_triggers")
    [operation] = module.Migration.operations
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("audit", editor, None, None)
        assert sql(names, TABLES) == []
        operation.database_forwards("audit", editor, None, None)
    assert (sql(names, TABLES), len(before)) == (before, 9)
