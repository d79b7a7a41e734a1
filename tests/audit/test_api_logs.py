"""GET /api/v1/admin/audit/logs: the internal log, newest first, by what is asked for."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.roles import Role
from audit import log
from audit.models import AuditLog, LogOutbox
from audit.sequencer import sequence_all
from enigma.rest.serializers import rfc3339
from tests.audit.entries import Actor, fill, sql
from tests.clients import staff_client

pytestmark = pytest.mark.django_db

LOGS = "/api/v1/admin/audit/logs"
REZA = Actor(id="user:8", role="reviewer")


@pytest.fixture
def aiza():
    """An auditor, and a log of six entries: opening, anchor, three imports by Omar, and a refusal of Reza."""
    client = staff_client(Role.AUDITOR, email="aiza@example.org")
    LogOutbox.objects.all().delete()
    fill(3)
    with transaction.atomic():
        log.record("access.refused", actor=REZA, entity=("route", "api-step"), outcome="denied")
    sequence_all()
    return client


def listed(client, **query):
    answer = client.get(LOGS, query)
    assert answer.status_code == 200, answer.content
    return [entry["log_id"] for entry in answer.json()["results"]]


def test_an_entry_is_shown_whole(aiza):
    entry = AuditLog.objects.get(log_id=5)
    [shown] = aiza.get(LOGS, {"page_size": 1}).json()["results"]
    assert shown == {
        "log_id": 5,
        "timestamp": rfc3339(entry.timestamp),
        "actor_type": "staff",
        "actor_id": "user:8",
        "role": "reviewer",
        "session_id": "s-1",
        "action": "access.refused",
        "entity_type": "route",
        "entity_id": "api-step",
        "outcome": "denied",
        "details": {},
        "current_hash": bytes(entry.current_hash).hex(),
    }


def test_details_come_as_they_were_noted(aiza):
    [shown] = aiza.get(LOGS, {"entity_type": "application", "entity_id": "2"}).json()["results"]
    assert shown["details"] == {"line": 2, "text": 'a "quoted" \\ text\n\u2028é\x7f', "none": None, "yes": True}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"action": "application.import"}, [4, 3, 2, 0]),
        ({"actor_id": "user:8"}, [5]),
        ({"actor_id": "user:7", "action": "access.refused"}, []),
        ({"entity_type": "leaf"}, [1]),
        ({"entity_type": "application", "entity_id": "3"}, [4]),
        ({"outcome": "denied"}, [5]),
    ],
)
def test_the_log_is_filtered(aiza, query, ids):
    assert listed(aiza, **query) == ids


def test_a_span_of_time_has_its_beginning_and_not_its_end(aiza):
    moments = dict(AuditLog.objects.values_list("log_id", "timestamp"))
    first, last = moments[2], moments[5]
    inside = [log_id for log_id, moment in sorted(moments.items(), reverse=True) if first <= moment < last]
    assert listed(aiza, since=rfc3339(first), until=rfc3339(last)) == inside
    assert listed(aiza, since=rfc3339(last + timedelta(hours=1))) == []
    assert listed(aiza, until=rfc3339(moments[0])) == []
    assert len(listed(aiza, until=rfc3339(last + timedelta(hours=1)))) == 6


def test_pages_join_without_gap_though_entries_come_in_between(aiza):
    first = aiza.get(LOGS, {"page_size": 4, "actor_id": "user:7"}).json()
    with transaction.atomic():
        log.record("cycle.view", actor=Actor(), entity=("cycle", "x"))
    sequence_all()
    assert first["next"] is None
    first = aiza.get(LOGS, {"page_size": 3, "outcome": "ok"}).json()
    second = aiza.get(first["next"]).json()
    ids = [entry["log_id"] for page in (first, second) for entry in page["results"]]
    assert (ids, second["next"]) == ([6, 4, 3, 2, 1, 0], None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"until": "2026-11-22T20:15:00"}, "/until"),
        ({"entity_id": "3"}, "/entity_type"),
        ({"action": ""}, "/action"),
        ({"actor": "user:7"}, "/actor"),
        ({"action": "x" * 81}, "/action"),
        ({"page_size": "0"}, ""),
    ],
)
def test_a_bad_question_is_refused_by_name(aiza, query, pointer):
    answer = aiza.get(LOGS, query)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_only_auditors_and_super_admins_read_it(role):
    assert staff_client(role).get(LOGS).status_code == 403


def test_reading_leaves_no_entry(aiza):
    listed(aiza)
    assert (LogOutbox.objects.count(), AuditLog.objects.count()) == (0, 6)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "audit_logs_pkey"),
        ({"action": "rare.act"}, "audit_logs_by_action"),
        ({"actor_id": "user:rare"}, "audit_logs_by_actor"),
        ({"entity_type": "cycle", "entity_id": "rare"}, "audit_logs_by_entity"),
        ({"outcome": "denied"}, "audit_logs_not_ok"),
        ({"since": "2026-01-01T00:00:10Z"}, "audit_logs_by_time"),
    ],
)
def test_every_question_walks_an_index(monkeypatch, query, index):
    """On fifty thousand entries that never were: the plan is that of a million."""
    client = staff_client(Role.AUDITOR)
    sql("ALTER TABLE audit_logs DISABLE TRIGGER USER")
    sql(MANY)
    sql("ANALYZE audit_logs")
    plans = []

    def explain(execute, statement, parameters, many, context):
        if 'FROM "audit_logs"' in statement:
            with connection.cursor() as cursor:
                execute_plainly(cursor, statement, parameters, plans)
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain):
        assert client.get(LOGS, query).status_code == 200
    assert "Seq Scan" not in json.dumps(plans)
    assert index in json.dumps(plans)


def execute_plainly(cursor, statement, parameters, plans):
    if not statement.startswith("EXPLAIN"):
        cursor.cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plans.append(cursor.cursor.fetchone())


MANY = """
    INSERT INTO audit_logs
    SELECT n, timestamptz '2026-01-01Z' + n * interval '1 second', 'staff', 'user:' || n % 20, 'admin', '',
        'act.' || n % 10, 'cycle', 'c' || n % 30, 'ok', '', '{}', '{}', '\\x00', '\\x00'
    FROM generate_series(0, 49999) AS n
"""
