"""What a killed worker left is known from the statuses: missing jobs are deferred, and none twice."""

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from admissions import preprocessing, queue, recovery
from admissions.letters import send_letters
from admissions.models.applications import Application
from admissions.preprocessing import preprocess_chunk
from admissions.queue import PREPROCESS, SEND_LETTERS
from admissions.recovery import left_over, recover
from tests.factories import applicants, apply, cycle, lead

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    """Ten applications a job."""
    for module in (queue, recovery):
        monkeypatch.setattr(module, "CHUNK", 10)


def jobs():
    """The waiting jobs, counted by task and cycle."""
    counts = {}
    for job in ProcrastinateJob.objects.filter(status="todo"):
        key = (job.task_name, job.args["cycle_id"])
        counts[key] = counts.get(key, 0) + 1
    return counts


def sweep(status="todo"):
    """Take all jobs away, or leave them in another state, as a killed worker does."""
    with connection.cursor() as cursor:
        if status == "todo":
            cursor.execute("DELETE FROM procrastinate_jobs")
        else:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s", [status])


def waiting(count, code="fall-2026"):
    one = cycle(code)
    apply(one, applicants(count))
    lead(one, to="frozen")
    one.start_preprocessing(actor=operator())
    return one


def test_the_step_itself_defers_a_job_for_each_chunk():
    one = waiting(25)
    assert jobs() == {(PREPROCESS, one.pk): 3}


def test_nothing_is_deferred_twice():
    one = waiting(25)
    assert (recover(), jobs()) == (0, {(PREPROCESS, one.pk): 3})


def test_all_jobs_that_are_gone_are_deferred_again_and_only_once():
    one = waiting(25)
    sweep()
    assert (recover(), recover(), jobs()) == (3, 0, {(PREPROCESS, one.pk): 3})


def test_only_what_is_missing_for_the_work_that_is_left_is_deferred():
    one = waiting(25)
    preprocess_chunk(one, limit=10)
    first = ProcrastinateJob.objects.order_by("id").values_list("id", flat=True)[:2]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [list(first)])
    assert (recover(), jobs()) == (1, {(PREPROCESS, one.pk): 2})


def test_a_job_that_a_killed_worker_was_doing_does_not_count():
    one = waiting(25)
    sweep("doing")
    assert (recover(), jobs()) == (3, {(PREPROCESS, one.pk): 3})


def test_the_jobs_of_another_cycle_do_not_count():
    one, other = waiting(25), waiting(5, code="other")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE args->>'cycle_id' = %s", [str(one.pk)])
    assert (recover(), jobs()) == (3, {(PREPROCESS, one.pk): 3, (PREPROCESS, other.pk): 1})


def test_a_cycle_whose_work_is_done_gets_no_job():
    one = waiting(5)
    while preprocessing.preprocess_chunk(one):
        pass
    sweep()
    assert (recover(), jobs()) == (0, {})


def test_a_job_that_is_tried_again_later_is_waited_for_unless_the_work_shall_be_taken_up_at_once():
    one = waiting(25)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '5 minutes'")
    assert (recover(), jobs()) == (0, {(PREPROCESS, one.pk): 3})
    assert (recover(at_once=True), recover(at_once=True)) == (3, 0)


def at_work(jobs, *, heartbeat="now()"):
    """Another worker, alive unless said otherwise, is at that many of the jobs."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({heartbeat}) RETURNING id")
        [worker] = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s"
            " WHERE id IN (SELECT id FROM procrastinate_jobs WHERE status = 'todo' LIMIT %s)",
            [worker, jobs],
        )


def test_what_another_worker_is_at_is_not_left_over():
    waiting(25)
    assert left_over() == 25
    at_work(1)
    assert left_over() == 15
    at_work(2)
    assert left_over() == 0


def test_what_a_silent_worker_was_at_is_left_over():
    waiting(25)
    at_work(3, heartbeat="now() - interval '1 minute'")
    assert left_over() == 25


@pytest.mark.parametrize("phase", ["submission", "frozen", "batch_prep", "selection"])
def test_a_cycle_in_another_phase_gets_no_job(phase):
    one = cycle()
    apply(one, applicants(2))
    lead(one, to=phase)
    sweep()
    assert (recover(), jobs()) == (0, {})


@pytest.mark.parametrize("phase", ["published", "completed"])
def test_letters_that_are_left_get_one_job(phase):
    one = cycle()
    apply(one, applicants(2))
    lead(one, to=phase)
    assert (recover(), jobs().get((SEND_LETTERS, one.pk))) == (0, 1)
    sweep()
    assert (recover(), recover(), jobs()) == (1, 0, {(SEND_LETTERS, one.pk): 1})


def test_letters_that_are_all_sent_get_no_job(mailoutbox):
    one = cycle()
    apply(one, applicants(2))
    send_letters(lead(one, to="published"))
    sweep()
    assert (recover(), jobs(), len(mailoutbox)) == (0, {}, 2)
    assert Application.objects.of(one).heads() == {"published": 2}
