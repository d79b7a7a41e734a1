"""The stand-in answers runs of demo cycles, and of no others."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from accounts.roles import Role
from admissions.phases import PhaseError
from audit.models import LogOutbox
from batches import standin
from batches.models import BatchRun, EvaluationRequest, WorkerResult
from batches.standin import stand_in
from batches.tasks import stand_in as job
from enigma.errors import Conflict, Denied, Refused
from tests.batches.engines import export, prepared, processing
from tests.factories import omar

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_the_answers_are_imported_like_those_of_an_engine(format):
    processing(3, format=format)
    [taken] = stand_in(BatchRun.objects.get(), actor=omar())
    assert (taken.imported, taken.rejected) == (3, 0)
    assert set(WorkerResult.objects.values_list("model", flat=True)) == {"rehearsal"}
    assert LogOutbox.objects.filter(kind="batches.stand_in").count() == 1
    [again] = stand_in(BatchRun.objects.get(), actor=operator())
    assert (again.imported, again.unchanged) == (0, 3)


def test_a_real_cycle_is_never_answered():
    processing(1, is_demo=False)
    with pytest.raises(Refused, match="is no demo"):
        stand_in(BatchRun.objects.get(), actor=omar())
    with pytest.raises(Refused, match="is no demo"):
        standin.answer_now(BatchRun.objects.get(), actor=omar(email="aiza@example.org"))
    assert not EvaluationRequest.objects.exclude(state="asked").exists()


def test_only_whoever_may_import_lets_it_answer():
    processing(1)
    with pytest.raises(Denied):
        stand_in(BatchRun.objects.get(), actor=omar(Role.REVIEWER))


def test_it_waits_for_the_phase_and_for_the_export():
    one = prepared(1)
    run = export(one)
    with pytest.raises(PhaseError, match="needs the phase processing"):
        stand_in(run, actor=omar())
    run.manifest = None
    with pytest.raises(Refused, match="not exported yet"):
        stand_in(run, actor=omar(email="aiza@example.org"))


def test_many_requests_are_left_to_a_worker_once(monkeypatch):
    monkeypatch.setattr(standin, "AT_ONCE", 1)
    processing(2)
    actor, run = omar(), BatchRun.objects.get()
    assert stand_in(run, actor=actor) is None
    with pytest.raises(Conflict, match="already"):
        stand_in(run, actor=actor)
    [queued] = ProcrastinateJob.objects.filter(task_name="batches.stand_in")
    job(**queued.args)
    assert WorkerResult.objects.count() == 2


def test_a_job_whose_asker_is_gone_does_nothing(caplog):
    processing(1)
    job(BatchRun.objects.get().pk, "user:0")
    assert (WorkerResult.objects.count(), "Denied" in caplog.text) == (0, True)
