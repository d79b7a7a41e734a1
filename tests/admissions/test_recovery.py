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
from admissions.recovery import recover
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
