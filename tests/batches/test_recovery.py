"""An export that a worker was to finish and gave up is taken up anew; one of a command is left to it."""

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from batches.export import order_batch
from batches.models import BatchRun
from batches.recovery import take_up
from batches.tasks import export
from tests.batches.engines import prepared
from tests.factories import omar

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    """A run that a worker is to finish."""
    return order_batch(prepared(2), stage="worker", format="plain", model="model-1", actor=omar(), later=True)


def become(status):
    """Let the jobs stand there so."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")
        cursor.execute("UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status", [status])


def waiting():
    return [job.args for job in ProcrastinateJob.objects.filter(task_name="batches.export", status="todo")]


def test_an_export_that_was_given_up_is_queued_once_and_then_finished(run):
    become("failed")
    assert (take_up(), take_up(), waiting()) == (1, 0, [{"run_id": run.pk}])
    export(run.pk)
    become("failed")
    assert (BatchRun.objects.get().state, take_up()) == ("exported", 0)


@pytest.mark.parametrize("status", ["todo", "doing"])
def test_an_export_whose_job_is_there_is_left_to_it(run, status):
    become(status)
    assert take_up() == 0


def test_an_export_that_a_command_has_begun_is_left_to_the_command(run):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert take_up() == 0


def test_an_export_that_its_cycle_has_left_behind_is_past_finishing(run):
    become("failed")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE admission_cycles DISABLE TRIGGER USER")
        cursor.execute("UPDATE admission_cycles SET phase = 'scored'")
    assert take_up() == 0
