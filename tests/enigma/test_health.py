"""What watchers are told."""

import json

import pytest
from django.db import connection
from django.db.utils import ConnectionHandler
from django.test import Client

from audit.models import LogOutbox
from enigma import health

WELL = {"database": "ok", "migrations": "ok", "worker": "ok", "sequencer": "ok"}


@pytest.fixture
def worker():
    """A worker that said just now that it lives."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


@pytest.fixture
def no_database(monkeypatch):
    """A database that does not answer."""
    away = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1", "TEST": {}}
    monkeypatch.setattr(health, "connection", ConnectionHandler({"default": away})["default"])


def get(path):
    answer = Client().get(path, secure=True)
    return answer.status_code, answer.headers["Content-Type"], json.loads(answer.content)


def waiting_for(seconds):
    """One entry that has waited so long to get into the log."""
    LogOutbox.objects.create(log="audit", kind="x", body="{}")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE log_outbox SET created_at = now() - make_interval(secs => %s)", [seconds])


def not_ready(**wrong):
    body = {"type": "about:blank", "title": "Service Unavailable", "status": 503}
    detail = f"Not ready: {', '.join(wrong)}."
    return 503, "application/problem+json", {**body, "detail": detail, "code": "not_ready", "checks": {**WELL, **wrong}}


@pytest.mark.django_db
def test_all_is_well(worker):
    well = (200, "application/json", {"status": "ok", "checks": WELL})
    assert [get("/readyz"), get("/api/v1/health")] == [well, well]


@pytest.mark.django_db
def test_without_a_worker_it_is_not_ready_but_there():
    assert get("/readyz") == not_ready(worker="silent")
    assert get("/api/v1/health")[0::2] == (200, {"status": "degraded", "checks": {**WELL, "worker": "silent"}})


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "state"), [(59, "ok"), (61, "silent")])
def test_a_worker_speaks_up_once_a_minute(worker, age, state):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - make_interval(secs => %s)", [age])
    assert health.checks() == {**WELL, "worker": state}


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "state"), [(59, "ok"), (61, "late")])
def test_an_entry_is_in_the_log_within_a_minute(worker, age, state):
    waiting_for(age)
    assert health.checks() == {**WELL, "sequencer": state}


@pytest.mark.django_db
def test_a_migration_that_was_not_run_is_seen(worker):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit' AND name = '0001_initial'")
    assert get("/readyz") == not_ready(migrations="missing", worker="unknown", sequencer="unknown")


@pytest.mark.django_db
def test_a_database_without_tables_is_not_ready(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        assert health.checks() == {**WELL, "migrations": "missing", "worker": "unknown", "sequencer": "unknown"}


@pytest.mark.django_db
def test_looking_takes_two_queries(worker, django_assert_num_queries):
    waiting_for(1)
    health.checks()
    with django_assert_num_queries(2):
        health.checks()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/readyz", "/api/v1/health"])
def test_a_database_that_is_away_is_said_to_be(no_database, path):
    status, kind, body = get(path)
    assert (status, kind, body["code"]) == (503, "application/problem+json", "unavailable")


def test_the_process_lives_without_a_database(no_database):
    assert get("/livez") == (200, "application/json", {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_watchers_need_no_tls_and_no_good_token(no_database, path):
    assert Client().get(path, headers={"Authorization": "Bearer bad"}).status_code in {200, 503}


def test_the_rest_is_sent_to_tls():
    assert Client().get("/api/v1/health").headers["Location"] == "https://testserver/api/v1/health"
