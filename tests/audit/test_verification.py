"""Whoever changes a log past its triggers is told which entry lies first - save where only an outside head can tell."""

import json
import random

import pytest
from django.db import transaction

from audit import chain
from audit.models import AuditLog, HashChain, LogHead
from audit.sequencer import sequence_all
from audit.verification import Fault, Verdict, verify
from tests.audit import independent
from tests.audit.entries import audit_rows, commit, fill, note, public_rows, sql, unguard

pytestmark = pytest.mark.django_db

# public: 0 cycle.open, 1 audit.anchor, 2.. submissions; internal: 0 the opening, 1 the anchor's, 2.. imports
SIZE = 8
OTHER_DIGIT = "translate(substr(data_json, 12, 1), '0123456789abcdef', 'f0123456789abcde')"
X32 = r"'\x" + "ab" * 32 + "'"


@pytest.fixture
def logs():
    """Both logs with eight entries each, and nothing that guards them."""
    fill(6)
    unguard()


def fault():
    """What verification says, having made sure that the second implementation says the same of the entries."""
    found = verify().fault
    origin = LogHead.objects.get().origin
    public = independent.first_public_lie(origin, public_rows())
    audit = independent.first_audit_lie(origin, audit_rows())
    if found is None or found.log == "head":
        assert (public, audit) == (None, None)
    elif found.log == "public" and public is not None:
        assert found.position == public
    elif found.log == "audit" and audit is not None:
        assert (found.position, public) == (audit, None)
    return found


def test_untouched_logs_verify(logs):
    head = LogHead.objects.get()
    assert verify() == Verdict(
        origin=head.origin,
        public_size=SIZE,
        public_head=bytes(head.chain_hash).hex(),
        audit_size=SIZE,
        audit_head=bytes(head.audit_hash).hex(),
        pending=0,
        checked=2 * SIZE,
        faults=(),
    )


def test_what_waits_is_counted_and_no_lie(logs):
    note(99)
    commit(99)
    verdict = verify()
    assert (verdict.ok, verdict.pending) == (True, 2)


def test_an_empty_database_verifies(settings):
    genesis = chain.chain_genesis(settings.ENIGMA_ORIGIN).hex()
    verdict = verify()
    assert (verdict.ok, verdict.public_size, verdict.public_head, verdict.checked) == (True, 0, genesis, 0)


@pytest.mark.parametrize("position", [0, 4, SIZE - 1])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("decision_type = 'decision'", "decision_type differs from data_json"),
        ("decision_type = 'party'", "decision_type is not a kind of entry"),
        ("subject_ref = repeat('e', 32)", "subject_ref differs from data_json"),
        ("subject_ref = upper(repeat('e', 32))", "subject_ref differs from data_json"),
        ("subject_ref = 'x'", "subject_ref differs from data_json"),
        ("subject_ref = subject_ref || '0'", "subject_ref differs from data_json"),
        ("timestamp = timestamp + interval '1 ms'", "timestamp differs from data_json"),
        ("timestamp = timestamp + interval '1 us'", "timestamp differs from data_json"),
        ("timestamp = (timestamp::text || ' BC')::timestamptz", "timestamp differs from data_json"),
        ("timestamp = 'infinity'", "timestamp differs from data_json"),
        ("data_json = replace(data_json, '\"v\":1', '\"v\":2')", "data_json is not the bytes of a leaf"),
        ("data_json = upper(data_json)", "data_json is not the bytes of a leaf"),
        (f"data_json = overlay(data_json placing {OTHER_DIGIT} from 12)", "leaf_hash is not the hash of data_json"),
        ("data_json = data_json || ' '", "data_json is not the bytes of a leaf: the same value is spelled"),
        ("data_json = ''", "data_json is not the bytes of a leaf: not JSON"),
        (f"leaf_hash = {X32}", "leaf_hash is not the hash of data_json"),
        (f"previous_hash = {X32}", "data_hash does not follow from previous_hash and leaf_hash"),
        (f"data_hash = {X32}", "data_hash does not follow from previous_hash and leaf_hash"),
        (r"data_hash = ''", "data_hash does not follow from previous_hash and leaf_hash"),
    ],
)
def test_an_edited_column_of_the_public_log_is_named(logs, position, change, reason):
    sql(f"UPDATE hash_chain SET {change} WHERE chain_id = {position}")
    found = fault()
    assert (found.log, found.position, found.reason.startswith(reason)) == ("public", position, True), found


@pytest.mark.parametrize("position", [0, 4, SIZE - 1])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(
            (f"{name} = {name} || 'x'", f"{name} differs from body")
            for name in chain.ENTRY_TEXTS
        ),
        ("timestamp = timestamp - interval '1 ms'", "timestamp differs from body"),
        ("timestamp = timestamp + interval '1 us'", "timestamp differs from body"),
        ("timestamp = '-infinity'", "timestamp differs from body"),
        ("details = '{}'", "details differs from body"),
        ("details = '[]'", "details differs from body"),
        ("""details = details || '{"more": 1}'""", "details differs from body"),
        ("""details = details || '{"more": 1.5}'""", "body or details are not EJ1"),
        ("""details = details || '{"more": 12345678901234567890}'""", "body or details are not EJ1"),
        ("body = replace(body, 'staff', 'system')", "actor_type differs from body"),
        ("body = replace(body, ',', ', ')", "body or details are not EJ1: the same value is spelled"),
        ("body = ''", "body or details are not EJ1: not JSON"),
        ("body = '[1]'", "body is not an entry"),
        (f"previous_hash = {X32}", "current_hash does not follow from previous_hash and body"),
        (f"current_hash = {X32}", "current_hash does not follow from previous_hash and body"),
    ],
)  # fmt: skip
def test_an_edited_column_of_the_internal_log_is_named(logs, position, change, reason):
    sql(f"UPDATE audit_logs SET {change} WHERE log_id = {position}")
    found = fault()
    assert (found.log, found.position, found.reason.startswith(reason)) == ("audit", position, True), found


@pytest.mark.parametrize(
    ("was", "becomes"), [("1", "1.0"), ("1", "true"), ("true", "1"), ("null", '""'), ('"1"', "1"), ("[1]", "[1, 1]")]
)
def test_details_that_only_look_the_same_are_told_apart(was, becomes):
    """Python holds 1, 1.0 and true for equal, jsonb the first two."""
    note(1, value={"1": 1, "true": True, "null": None, '"1"': "1", "[1]": [1]}[was])
    sequence_all()
    unguard()
    assert fault() is None
    sql("UPDATE audit_logs SET details = jsonb_build_object('value', %s::jsonb)", becomes)
    assert (fault().log, fault().position) == ("audit", 0)


@pytest.mark.parametrize(
    ("table", "key", "column", "log"),
    [("hash_chain", "chain_id", "data_json", "public"), ("audit_logs", "log_id", "details", "audit")],
)
def test_a_column_made_empty_is_seen(logs, table, key, column, log):
    sql(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")
    sql(f"UPDATE {table} SET {column} = NULL WHERE {key} = 4")
    assert verify().fault == Fault(log, 4, "a column is empty")


def test_details_of_any_shape_verify():
    note(1, nested={"a": [{}, {"b": None}]}, large=2**53 - 1, small=-(2**53) + 1, long='é\u2028\x7f\x01\\"' * 99)
    note(2, a=-0, B="", a_b=False)
    note(3)
    sequence_all()
    assert (verify().ok, fault()) == (True, None)


@pytest.mark.parametrize(
    ("table", "key", "log"), [("hash_chain", "chain_id", "public"), ("audit_logs", "log_id", "audit")]
)
class TestWholeEntries:
    """The same attacks on either log."""

    @pytest.mark.parametrize("position", [0, 3, SIZE - 1])
    def test_a_deleted_entry_is_missed(self, logs, table, key, log, position):
        sql(f"DELETE FROM {table} WHERE {key} = {position}")
        assert (fault().log, fault().position, "is missing" in fault().reason) == (log, position, True)

    def test_a_deleted_entry_is_missed_when_the_later_ones_move_up(self, logs, table, key, log):
        sql(f"DELETE FROM {table} WHERE {key} = 3")
        sql(f"UPDATE {table} SET {key} = {key} - 1 WHERE {key} > 3")
        assert (fault().log, fault().position) == (log, 3)

    def test_two_entries_that_changed_places_are_seen(self, logs, table, key, log):
        sql(f"UPDATE {table} SET {key} = -1 WHERE {key} = 3")
        sql(f"UPDATE {table} SET {key} = 3 WHERE {key} = 5")
        sql(f"UPDATE {table} SET {key} = 5 WHERE {key} = -1")
        assert (fault().log, fault().position) == (log, 3)

    def test_an_entry_before_the_first_is_seen(self, logs, table, key, log):
        sql(f"CREATE TEMP TABLE forged AS SELECT * FROM {table} WHERE {key} = 3; UPDATE forged SET {key} = -1")
        sql(f"INSERT INTO {table} SELECT * FROM forged")
        assert (verify().fault.log, verify().fault.position) == (log, -1)

    def test_an_entry_beyond_the_end_is_seen(self, logs, table, key, log):
        sql(f"CREATE TEMP TABLE forged AS SELECT * FROM {table} WHERE {key} = 3; UPDATE forged SET {key} = {SIZE}")
        sql(f"INSERT INTO {table} SELECT * FROM forged")
        assert verify().fault == Fault(log, SIZE, "stands beyond the end that log_head names")

    def test_a_cut_tail_is_missed(self, logs, table, key, log):
        sql(f"DELETE FROM {table} WHERE {key} >= 5")
        assert verify().fault == Fault(log, 5, f"is missing, though log_head counts {SIZE}")

    def test_an_emptied_table_is_missed(self, logs, table, key, log):
        sql(f"TRUNCATE {table}")
        assert verify().fault == Fault(log, 0, f"is missing, though log_head counts {SIZE}")


@pytest.mark.parametrize("size", [0, SIZE - 1])
@pytest.mark.parametrize(("column", "log"), [("size", "public"), ("audit_size", "audit")])
def test_a_head_set_back_is_seen(logs, size, column, log):
    sql(f"UPDATE log_head SET {column} = {size}")
    faults = {one.log: one.position for one in verify().faults}
    assert size in faults.values()
    assert set(faults) <= {log, "head"}


@pytest.mark.parametrize(("column", "log"), [("chain_hash", "public"), ("audit_hash", "audit")])
def test_a_head_of_another_value_is_seen(logs, column, log):
    sql(f"UPDATE log_head SET {column} = {X32}")
    reason = f"the {log} hash in log_head is not the value of the last entry"
    assert fault() == Fault("head", SIZE, reason)


def test_a_log_without_its_head_is_seen(logs):
    sql("DELETE FROM log_head")
    assert [(one.log, one.position) for one in verify().faults] == [("public", 0), ("audit", 0)]


def test_another_origin_is_seen(logs, settings):
    sql("UPDATE log_head SET origin = 'elsewhere.example/1'")
    assert {one.log for one in verify().faults} == {"public", "audit", "head"}


def test_the_first_lie_of_each_log_is_told(logs):
    sql("UPDATE hash_chain SET decision_type = 'decision' WHERE chain_id IN (3, 6)")
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id IN (2, 7)")
    verdict = verify()
    assert [(one.log, one.position) for one in verdict.faults] == [("public", 3), ("audit", 2)]
    assert (verdict.fault, verdict.checked) == (verdict.faults[0], 5)


# -- rewriting: the chain alone cannot tell, an anchor sometimes can ----------------


def rewrite_audit(first):
    """Make every hash of the internal log anew from an entry on, and the head's too."""
    previous = sql("SELECT previous_hash FROM audit_logs WHERE log_id = %s", first)[0][0]
    for entry in AuditLog.objects.filter(log_id__gte=first):
        value = independent.h(b"\x03", previous, independent.h(entry.body))
        AuditLog.objects.filter(log_id=entry.log_id).update(previous_hash=previous, current_hash=value)
        previous = value
    LogHead.objects.update(audit_hash=previous)


def rewrite_public(first):
    """Make every hash of the public log anew from an entry on, and the head's too."""
    previous = sql("SELECT previous_hash FROM hash_chain WHERE chain_id = %s", first)[0][0]
    for entry in HashChain.objects.filter(chain_id__gte=first):
        leaf_hash = independent.h(b"\x00", entry.data_json)
        value = independent.h(b"\x02", previous, leaf_hash)
        HashChain.objects.filter(chain_id=entry.chain_id).update(
            leaf_hash=leaf_hash, previous_hash=previous, data_hash=value
        )
        previous = value
    LogHead.objects.update(chain_hash=previous)


@pytest.mark.parametrize("commit_text", ["Z" * 64, "A" * 64, "\\" * 64, '"' * 64], ids=["Z", "A", "backslash", "quote"])
def test_a_leaf_whose_hashes_are_right_but_whose_bytes_are_no_leaf_is_seen(logs, commit_text):
    sql("UPDATE hash_chain SET data_json = overlay(data_json placing %s from 12) WHERE chain_id = 4", commit_text)
    rewrite_public(4)
    assert (fault().log, fault().position, "not the bytes of a leaf" in fault().reason) == ("public", 4, True)


def edit_audit(position):
    sql(
        "UPDATE audit_logs SET body = replace(body, 'user:7', 'user:8'), actor_id = 'user:8' WHERE log_id = %s",
        position,
    )


def test_an_internal_log_rewritten_before_an_anchor_is_seen(logs):
    edit_audit(0)
    rewrite_audit(0)
    reason = "the internal log before it is not what it says was anchored at 1"
    assert fault() == Fault("audit", 1, reason)


def test_an_internal_log_rewritten_with_its_own_anchor_note_is_seen(logs):
    edit_audit(0)
    rewrite_audit(0)
    old, new = (row[0] for row in sql(
        "SELECT details->>'audit_hash' FROM audit_logs WHERE log_id = 1"
        " UNION ALL SELECT encode(current_hash, 'hex') FROM audit_logs WHERE log_id = 0"
    ))  # fmt: skip
    sql(f"UPDATE audit_logs SET body = replace(body, '{old}', '{new}'),"
        f" details = replace(details::text, '{old}', '{new}')::jsonb WHERE log_id = 1")  # fmt: skip
    rewrite_audit(1)
    assert fault() == Fault("public", 1, "anchors an internal log that is not this one")


def test_an_internal_log_without_its_anchor_is_seen(logs):
    sql("UPDATE audit_logs SET action = 'party', body = replace(body, 'audit.anchor', 'party') WHERE log_id = 1")
    rewrite_audit(1)
    assert fault() == Fault("public", 1, "anchors an internal log that is not this one: no entry opens it")


def test_a_public_anchor_made_anything_else_is_seen(logs):
    sql("UPDATE hash_chain SET decision_type = 'score', data_json = replace(data_json, 'audit.anchor', 'score')"
        " WHERE chain_id = 1")  # fmt: skip
    rewrite_public(1)
    assert fault() == Fault("audit", 1, "opens an anchor that the public log does not hold")


def test_an_anchor_opened_twice_is_seen(logs):
    last = SIZE - 1
    opening, ts = sql("SELECT a.body, b.body::jsonb->>'timestamp' FROM audit_logs a, audit_logs b"
                      " WHERE a.log_id = 1 AND b.log_id = %s", last)[0]  # fmt: skip
    again = json.loads(opening) | {"log_id": last, "timestamp": ts}
    texts = {name: again[name] for name in chain.ENTRY_TEXTS}
    body = independent.ej1(again).decode()
    AuditLog.objects.filter(log_id=last).update(body=body, details=again["details"], **texts)
    rewrite_audit(last)
    assert fault() == Fault("audit", last, "opens the public anchor 1 a second time")


def test_a_public_tail_cut_below_an_anchor_is_seen_even_with_the_head_set_back(logs):
    sql("DELETE FROM hash_chain WHERE chain_id >= 1")
    sql("UPDATE log_head SET size = 1, chain_hash = (SELECT data_hash FROM hash_chain)")
    assert fault() == Fault("audit", 1, "opens an anchor that the public log does not hold")


def test_what_only_an_outside_head_can_tell_is_not_seen(logs):
    """Said here as it is said in docs/audit.md: comparing with a head kept elsewhere is what shows these three."""
    before = verify()
    edit_audit(4)
    rewrite_audit(4)  # after the last anchor
    sql("UPDATE hash_chain SET decision_type = 'score', data_json = replace(data_json, 'submission', 'score')"
        " WHERE chain_id = 5")  # fmt: skip
    rewrite_public(5)
    rewritten = verify()
    sql("DELETE FROM hash_chain WHERE chain_id >= 6; DELETE FROM audit_logs WHERE log_id >= 6")
    tips = {"chain_hash": HashChain.objects.last().data_hash, "audit_hash": AuditLog.objects.last().current_hash}
    LogHead.objects.update(size=6, audit_size=6, **tips)
    cut = verify()
    assert (rewritten.ok, cut.ok) == (True, True)
    assert len({before.public_head, rewritten.public_head, cut.public_head}) == 3
    assert len({before.audit_head, rewritten.audit_head, cut.audit_head}) == 3


# -- random edits, told alike by both implementations -------------------------------


def damaged(column, kind):
    """SQL for a small change of a column of this kind."""
    if kind == "text":
        at = random.randint(1, 200)
        return f"overlay({column} placing chr(97 + ascii(substr({column}, {at}, 1)) % 25) from {at})"
    if kind == "bytea":
        at = random.randrange(256)
        return f"set_bit({column}, {at}, 1 - get_bit({column}, {at}))"
    if kind == "timestamp with time zone":
        return f"{column} + interval '{random.choice([-1, 1]) * 10 ** random.randint(0, 9)} us'"
    return """details || '{"line": -1}'"""


def columns(table, key):
    return [
        (table, key, *row)
        for row in sql(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND column_name <> %s",
            table,
            key,
        )
    ]


def test_hundreds_of_random_edits_are_all_found_where_they_are(logs):
    random.seed(20261122)
    cells = columns("hash_chain", "chain_id") + columns("audit_logs", "log_id")
    for _ in range(15):
        for table, key, column, kind in cells:
            position = random.randrange(SIZE)
            with transaction.atomic():
                before = sql(f"SELECT {column} FROM {table} WHERE {key} = {position}")
                sql(f"UPDATE {table} SET {column} = {damaged(column, kind)} WHERE {key} = {position}")
                if sql(f"SELECT {column} FROM {table} WHERE {key} = {position}") != before:
                    found = fault()
                    log = {"hash_chain": "public", "audit_logs": "audit"}[table]
                    assert (found.log, found.position) == (log, position), (column, found)
                transaction.set_rollback(True)
