"""What verifications found is kept: of those asked for, the daily one, the commands' and the last step's."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from audit import tasks, verifications
from audit.models import LogHead, LogOutbox, Verification
from audit.verifications import ask, latest, run, verify_and_keep, verify_when_due
from tests.audit.entries import fill, sql, unguard
from tests.factories import led_to, omar
from tests.factories import run as typed
from tests.racing import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch):
    """Every log is too large to be verified while somebody waits."""
    monkeypatch.setattr(verifications, "AT_ONCE", 0)


def found(row):
    head = LogHead.objects.get()
    assert (row.origin, row.public_head, row.audit_head) == (
        head.origin,
        bytes(head.chain_hash).hex(),
        bytes(head.audit_hash).hex(),
    )
    return row.state, row.ok, row.fault, row.public_size, row.audit_size, row.pending, row.checked


def jobs():
    return ProcrastinateJob.objects.filter(task_name="audit.verify", status="todo").count()


def test_what_was_found_is_kept():
    fill(2)
    row = verify_and_keep("user:7")
    row.refresh_from_db()
    assert found(row) == ("done", True, "", 4, 4, 0, 8)
    assert (row.asked_by, row.asked_at == row.started_at <= row.finished_at, latest()) == ("user:7", True, row)


def test_the_first_lie_is_kept():
    fill(2)
    unguard()
    sql("UPDATE hash_chain SET decision_type = 'decision' WHERE chain_id = 2")
    row = verify_and_keep("user:7")
    assert (row.ok, row.fault, row.checked) == (False, "public entry 2: decision_type differs from data_json", 6)


def test_a_small_log_is_verified_while_one_waits_and_that_is_noted():
    fill(2)
    aiza = omar("auditor", email="aiza@example.org")
    row = ask(aiza)
    assert (found(row), row.asked_by, jobs()) == (("done", True, "", 4, 4, 1, 8), aiza.id, 0)
    note = LogOutbox.objects.get(kind="audit.verify").body
    assert f'"entity_id":"{row.pk}","entity_type":"verification","outcome":"ok"' in note


def test_a_large_log_is_left_to_a_worker_and_whoever_asks_then_is_shown_that(large):
    fill(2)
    aiza, zara = (omar("auditor", email=f"{name}@example.org") for name in ("aiza", "zara"))
    row = ask(aiza)
    assert (row.state, row.ok, row.started_at, jobs()) == ("queued", None, None, 1)
    assert (ask(zara), jobs(), LogOutbox.objects.filter(kind="audit.verify").count()) == (row, 1, 1)
    tasks.verify_logs(row.pk)
    row.refresh_from_db()
    assert found(row) == ("done", True, "", 4, 4, 3, 8)
    assert ask(zara) != row


def test_a_verification_is_done_once_and_again_after_a_kill(large):
    fill(1)
    row = ask(omar("auditor"))
    Verification.objects.filter(pk=row.pk).update(state="running", started_at=timezone.now())  # killed here
    run(row.pk)
    row.refresh_from_db()
    before = row.finished_at
    run(row.pk)
    row.refresh_from_db()
    assert (row.state, row.finished_at) == ("done", before)


def test_what_no_job_will_do_any_more_does_not_stay_under_way(large):
    aiza = omar("auditor")
    lost = ask(aiza)
    sql("DELETE FROM procrastinate_jobs")
    again = ask(aiza)
    lost.refresh_from_db()
    assert (lost.state, lost.ok, again.state, again.pk > lost.pk) == ("failed", None, "queued", True)


def test_a_verification_that_breaks_down_says_nothing_about_the_logs(large, monkeypatch, caplog):
    row = ask(omar("auditor"))
    monkeypatch.setattr(verifications, "verify", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        tasks.verify_logs(row.pk)
    row.refresh_from_db()
    assert (row.state, row.ok, latest(), caplog.messages) == (
        "failed",
        None,
        None,
        [f"verification {row.pk} failed: ZeroDivisionError"],
    )


@pytest.mark.django_db(transaction=True)
def test_of_those_who_ask_at_once_one_begins_and_all_are_shown_it(large):
    fill(1)
    aiza = omar("auditor")
    shown = together(*[lambda: ask(aiza).pk] * 6)
    assert (len(set(shown)), jobs(), Verification.objects.count()) == (1, 1, 1)


def test_the_daily_one_waits_until_the_last_is_nearly_a_day_old():
    fill(1)
    assert app.periodic_registry.periodic_tasks["audit.verify_when_due", ""].cron == "17 * * * *"
    for age, count in ((None, 1), (21, 1), (23, 2)):
        if age:
            Verification.objects.update(started_at=timezone.now() - timedelta(hours=age))
        tasks.verify_daily(0)
        assert Verification.objects.count() == count
    assert {row.asked_by for row in Verification.objects.all()} == {"worker"}


def test_the_daily_one_says_aloud_what_lies(caplog):
    fill(1)
    unguard()
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id = 2")
    verify_when_due()
    assert caplog.messages == ["the logs do not verify: audit entry 2: role differs from body"]


def test_the_command_keeps_its_verdict():
    fill(1)
    assert typed("verify_audit")[::2] == (0, "")
    assert (latest().ok, latest().asked_by.startswith("uid:")) == (True, True)


def test_the_command_gives_its_verdict_where_it_may_not_write():
    fill(1)
    sql("ALTER TABLE verifications RENAME TO elsewhere")
    code, out, err = typed("verify_audit")
    assert (code, out.splitlines()[-1], err) == (
        0,
        "verified: 6 entries checked",
        "The verdict could not be kept in this database.\n",
    )


def test_the_last_step_keeps_its_verification():
    one = led_to("published", 1)
    facts = one.complete(actor=omar())
    assert (latest().public_size, latest().audit_size) == (facts["public_entries"], facts["audit_entries"])


@pytest.mark.parametrize(
    "change",
    [
        "state = 'queued'",
        "state = 'failed'",
        "state = 'lost'",
        "ok = NULL",
        "ok = false",
        "fault = 'x'",
        "public_head = NULL",
        "started_at = NULL",
        "finished_at = NULL",
    ],
)
def test_half_a_verdict_cannot_be_stored(change):
    fill(1)
    verify_and_keep("user:7")
    with pytest.raises(IntegrityError), transaction.atomic():
        sql(f"UPDATE verifications SET {change}")
