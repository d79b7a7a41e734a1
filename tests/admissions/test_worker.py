"""The worker as a process: it ends when told, keeps the log in order, and may be killed at any moment."""

import signal
import time

import psutil
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from admissions.management.commands import run_worker
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics
from admissions.queue import PREPROCESS
from audit.log import record
from audit.models import AuditLog, HashChain, LogOutbox
from audit.verification import verify
from tests.factories import applicants, apply, cycle, lead, run
from tests.racing import sessions_of_others, until

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(rows, code="fall-2026"):
    """A cycle whose applications wait for a worker."""
    one = cycle(code)
    apply(one, rows)
    lead(one, to="frozen")
    one.start_preprocessing(actor=operator())
    return one


def done(one):
    return Application.objects.of(one).filter(status="batch_ready").count()


def end_state(one):
    """What preprocessing made of a cycle, without what chance gave it."""
    rows = IdentityMapping.objects.filter(admission_cycle=one).select_related("application", "anonymized")
    metrics = DeterministicMetrics.objects.filter(anonymized__admission_cycle=one).in_bulk()
    return sorted(
        (
            mapping.application.external_id,
            mapping.application.status,
            str(mapping.anonymized.gpa),
            str(mapping.anonymized.test_scores),
            bytes(mapping.anonymized.texts_sha256),
            mapping.anonymized.scrubber,
            str(metrics[mapping.anonymized_id].academic_score),
        )
        for mapping in rows
    )


def finish(process, *, seconds=60):
    """Wait for a process; return its exit code and what it wrote to stderr."""
    _, err = process.communicate(timeout=seconds)
    return process.returncode, err.decode()


def test_a_worker_that_was_asked_to_work_once_ends_with_everything_done_and_logged(manage):
    one = waiting(applicants(30))
    assert LogOutbox.objects.exists()
    assert finish(manage("run_worker", "--once")) == (0, "worker ready; took up 0 jobs that were left\n")
    assert (done(one), ProcrastinateJob.objects.filter(task_name=PREPROCESS).count()) == (30, 0)
    assert (LogOutbox.objects.count(), HashChain.objects.filter(decision_type="submission").count()) == (0, 30)
    assert verify().ok


def test_a_worker_without_work_ends_at_once(manage):
    assert finish(manage("run_worker", "--once")) == (0, "worker ready; took up 0 jobs that were left\n")


def test_a_worker_does_what_is_deferred_while_it_runs_and_sequences_by_itself(manage):
    worker = manage("run_worker")
    try:
        assert worker.stderr.readline() == b"worker ready; took up 0 jobs that were left\n"
        one = waiting(applicants(20))
        until(lambda: done(one) == 20)
        until(lambda: not LogOutbox.objects.exists())
        with transaction.atomic():
            record("cycle.view", actor=operator(), entity=("cycle", one.code))
        until(lambda: AuditLog.objects.filter(action="cycle.view").exists())
    finally:
        worker.terminate()
        finish(worker)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_and_leaves_no_process_and_no_session(manage, number):
    worker = manage("run_worker")
    assert worker.stderr.readline() == b"worker ready; took up 0 jobs that were left\n"
    until(lambda: registered() == 1)
    family = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
    worker.send_signal(number)
    assert finish(worker, seconds=20)[0] == 0
    assert [process for process in family if process.is_running()] == []
    until(lambda: not sessions_of_others())
    assert registered() == 0


def registered():
    with connection.cursor() as cursor:
        return cursor.execute("SELECT count(*) FROM procrastinate_workers").fetchone()[0]


def test_a_worker_killed_in_the_middle_and_started_again_ends_as_if_it_had_not_been(manage):
    rows = [row | {"external_id": f"A-{number}"} for number, row in enumerate(applicants(3000))]
    straight = waiting(rows, code="straight")
    assert finish(manage("run_worker", "--once"))[0] == 0
    one = waiting(rows)
    for _ in range(2):
        before = done(one)
        worker = manage("run_worker")
        until(lambda: done(one) > before)  # noqa: B023 - asked at once
        time.sleep(0.02)  # some way into the next chunk
        worker.kill()
        worker.communicate()
        until(lambda: not sessions_of_others())
    assert done(one) in {1000, 1500, 2000, 2500}
    code, _ = finish(manage("run_worker", "--once"))
    assert (code, Application.objects.of(one).heads()) == (0, {"batch_ready": 3000})
    assert end_state(one) == end_state(straight)
    assert AnonymizedApplication.objects.of(one).count() == 3000
    assert one.start_batch_prep(actor=operator())["blind_copies"] == 3000


def test_two_workers_share_the_work(manage):
    one = waiting(applicants(2000))
    workers = [manage("run_worker", "--once") for _ in range(2)]
    assert [finish(worker)[0] for worker in workers] == [0, 0]
    assert Application.objects.of(one).heads() == {"batch_ready": 2000}
    assert AnonymizedApplication.objects.of(one).count() == 2000


def test_the_jobs_of_a_silent_worker_are_put_back_into_the_queue(manage):
    one = waiting(applicants(5))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        [silent] = cursor.fetchone()
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [silent])
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " VALUES ('cycles', 'admissions.retry_stalled', '{\"timestamp\": 0}')"
        )
    assert finish(manage("run_worker", "--once"))[0] == 0
    assert (done(one), ProcrastinateJob.objects.filter(task_name=PREPROCESS).count()) == (5, 0)


def test_a_worker_takes_up_once_a_minute_what_has_no_job(manage):
    assert app.tasks["admissions.recover"].queueing_lock == "recover"
    assert app.periodic_registry.periodic_tasks["admissions.recover", ""].cron == "* * * * *"
    worker = manage("run_worker")
    assert worker.stderr.readline() == b"worker ready; took up 0 jobs that were left\n"
    with transaction.atomic(), connection.cursor() as cursor:
        one = waiting(applicants(5))
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [PREPROCESS])
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " VALUES ('cycles', 'admissions.recover', '{\"timestamp\": 0}')"
        )
    until(lambda: done(one) == 5)
    worker.terminate()
    assert finish(worker)[0] == 0


def test_a_chunk_that_fails_is_tried_again_later_and_the_worker_says_what_is_left(manage):
    one = waiting(applicants(5))
    other = {
        "ENIGMA_FERNET_KEYS": "bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM=",
        "DJANGO_SETTINGS_MODULE": "enigma.settings",
    }
    code, told = finish(manage("run_worker", "--once", env=other))
    assert (code, "5 applications still wait for their blind copy; the log says what failed." in told) == (1, True)
    assert f"a chunk of cycle {one.pk} was not scrubbed: UnreadableRecord" in told
    job = ProcrastinateJob.objects.get(task_name=PREPROCESS)
    assert (job.status, job.attempts, job.scheduled_at is None) == ("todo", 1, False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '5 minutes'")
    assert finish(manage("run_worker", "--once")) == (0, "worker ready; took up 1 jobs that were left\n")
    assert done(one) == 5


def test_a_worker_whose_sequencer_fails_ends_and_says_so(manage):
    worker = manage("run_worker")
    assert worker.stderr.readline() == b"worker ready; took up 0 jobs that were left\n"
    until(lambda: registered() == 1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO log_outbox (log, kind, body) VALUES ('audit', 'x', '{}')")
    code, told = finish(worker, seconds=20)
    assert (code, registered()) == (1, 0)
    assert "The sequencer of the audit log has failed, and the worker with it: Malformed: log_outbox row" in told


def test_a_sequencer_that_fails_at_once_ends_the_worker_too(monkeypatch):
    monkeypatch.setattr(run_worker, "follow", lambda stop: 1 // 0)
    told = "The sequencer of the audit log has failed, and the worker with it: ZeroDivisionError:"
    code, _, err = run("run_worker")
    assert (code, told in err, registered()) == (1, True, 0)


def test_a_worker_does_not_start_on_the_log_of_another_origin(manage):
    waiting(applicants(1))
    other = {"DJANGO_SETTINGS_MODULE": "enigma.settings", "ENIGMA_ORIGIN": "elsewhere/enigma/1"}
    code, told = finish(manage("run_worker", "--once", env=other))
    assert code == 3
    assert "This database holds the log" in told
