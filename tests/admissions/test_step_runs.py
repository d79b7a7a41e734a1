"""Steps as jobs: asked for and looked up by API, taken once whatever is killed, refused when the role is gone."""

import uuid
from functools import partial
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from accounts.models import AdminUser
from accounts.roles import Role
from admissions import step_runs, tasks
from admissions.models.cycles import AdmissionCycle
from admissions.models.runs import StepRun
from admissions.recovery import recover
from admissions.step_runs import give_up, queue_step, take
from audit import verifications
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.rest.serializers import rfc3339
from tests.clients import staff_client
from tests.factories import cycle, lead, led_to, omar
from tests.racing import another_session, sessions_of_others, together, until

pytestmark = pytest.mark.django_db

ONE = "/api/v1/admin/cycles/fall-2026"
ASYNC = {"Prefer": "respond-async"}


def queued(**how):
    """A freeze that Omar has asked for as a job."""
    return queue_step(led_to("submission"), "freeze", actor=omar(), **how)


def phase():
    return AdmissionCycle.objects.get().phase


def outcome(run):
    run.refresh_from_db()
    return (run.state, run.detail, phase())


# -- by API ------------------------------------------------------


def test_a_step_that_is_not_waited_for_becomes_a_run():
    led_to("submission")
    client = staff_client()
    answer = client.post(f"{ONE}/freeze", {"reason": "it is time"}, headers=ASYNC)
    run = StepRun.objects.get()
    assert answer.json() == {
        "run_id": str(run.pk),
        "cycle": "fall-2026",
        "step": "freeze",
        "dry_run": False,
        "state": "queued",
        "asked_by": client.actor.id,
        "detail": "",
        "facts": None,
        "created_at": rfc3339(run.created_at),
        "started_at": None,
        "finished_at": None,
    }
    place = f"{ONE}/runs/{run.pk}"
    told = (answer.status_code, answer.headers["Location"], answer.headers["Preference-Applied"])
    assert (*told, client.get(place).json()) == (202, place, "respond-async", answer.json())
    assert phase() == "submission"


def test_a_run_that_is_done_shows_what_it_came_to():
    led_to("submission")
    client = staff_client()
    place = client.post(f"{ONE}/freeze", {"reason": "it is time"}, headers=ASYNC).headers["Location"]
    take(StepRun.objects.get().pk)
    answer, run, entry = client.get(place).json(), StepRun.objects.get(), AuditLog.objects.get(action="cycle.freeze")
    assert (answer["state"], phase(), entry.details) == ("done", "frozen", {"reason": "it is time", **answer["facts"]})
    assert (entry.actor_id, entry.session_id) == (client.actor.id, client.actor.session_id)
    times = [rfc3339(run.started_at), rfc3339(run.finished_at)]
    assert [answer["started_at"], answer["finished_at"]] == times == sorted(times)


def test_the_steps_of_a_large_cycle_are_jobs_whether_preferred_or_not(monkeypatch):
    client = staff_client()
    led_to("submission", 3)
    monkeypatch.setattr(step_runs, "INLINE_MAX", 2)
    answer = client.post(f"{ONE}/freeze")
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)
    assert answer.headers["Location"] == f"{ONE}/runs/{StepRun.objects.get().pk}"
    monkeypatch.setattr(step_runs, "INLINE_MAX", 3)
    assert client.post(f"{ONE}/freeze").status_code == 200


def test_the_last_step_is_a_job_where_the_logs_are_large(monkeypatch):
    client = staff_client()
    led_to("published")
    monkeypatch.setattr(verifications, "AT_ONCE", 2)
    assert (client.post(f"{ONE}/complete").status_code, StepRun.objects.get().step) == (202, "complete")


def test_a_reason_that_names_a_person_is_refused_before_anything_is_kept_of_it():
    led_to("submission")
    answer = staff_client().post(f"{ONE}/freeze", {"reason": "amina@example.org asked"}, headers=ASYNC)
    assert (answer.status_code, StepRun.objects.count()) == (409, 0)


def test_a_second_run_waits_for_the_end_of_the_first():
    led_to("submission")
    client = staff_client()
    answers = [client.post(f"{ONE}/freeze", headers=ASYNC) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 409]
    assert (answers[1].json()["detail"], answers[1].json()["code"]) == (
        "Another step of fall-2026 waits or runs.",
        "conflict",
    )
    assert ProcrastinateJob.objects.filter(task_name="admissions.take_step").count() == 1


def test_a_step_in_another_phase_is_refused_at_once():
    cycle()
    answer = staff_client().post(f"{ONE}/complete", headers=ASYNC)
    told = "complete needs the phase published, but fall-2026 is in submission."
    assert (answer.status_code, answer.json()["detail"], StepRun.objects.count()) == (409, told, 0)


def test_a_run_is_found_below_its_own_cycle_only():
    run = queued()
    cycle("spring")
    client = staff_client(email="other@example.org")
    places = [f"{ONE}/runs/{uuid.uuid4()}", f"/api/v1/admin/cycles/spring/runs/{run.pk}", f"{ONE}/runs/1"]
    assert [client.get(place).status_code for place in places] == [404] * 3


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_all_staff_may_look_at_a_run_and_only_officers_ask_for_one(role):
    run = queued()
    client = staff_client(role, email="aiza@example.org")
    assert client.get(f"{ONE}/runs/{run.pk}").status_code == 200
    assert client.post(f"{ONE}/freeze", headers=ASYNC).status_code == 403


def test_what_a_step_came_to_is_under_embargo_for_who_neither_selects_nor_audits():
    one = led_to("scored")
    take(queue_step(one, "perform_selection", actor=omar()).pk)
    place = f"{ONE}/runs/{StepRun.objects.get().pk}"
    clients = {role: staff_client(Role(role), email=f"{role}@example.org") for role in ("reviewer", "auditor", "admin")}
    facts = {role: client.get(place).json()["facts"] for role, client in clients.items()}
    assert (facts["reviewer"], "cutoff" in facts["auditor"], "cutoff" in facts["admin"]) == (None, True, True)
    lead(AdmissionCycle.objects.get(), "published")
    assert "cutoff" in clients["reviewer"].get(place).json()["facts"]


# -- taking ------------------------------------------------------


def test_asking_for_a_run_is_audited():
    run = queued(reason="it is time")
    sequence_all()
    entry = AuditLog.objects.get(action="run.queue")
    assert (entry.actor_id, entry.entity_id, entry.details) == (
        run.actor_id, "fall-2026", {"run": str(run.pk), "step": "freeze", "dry_run": False, "reason": "it is time"},
    )  # fmt: skip


def test_a_dry_run_as_a_job_keeps_nothing_but_its_facts():
    run = queued(dry_run=True)
    take(run.pk)
    assert outcome(run) == ("done", "", "submission")
    assert (run.facts["to"], run.facts["applications"]) == ("frozen", 3)


def demoted():
    AdminUser.objects.update(role=Role.REVIEWER)


def gone():
    AdminUser.objects.update(is_active=False)


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (demoted, "The role reviewer does not include cycle.freeze."),
        (gone, "Whoever asked for this is no active member of staff any more."),
    ],
)
def test_whoever_has_lost_the_role_meanwhile_is_refused(happens, told):
    run = queued()
    happens()
    take(run.pk)
    assert outcome(run) == ("refused", told, "submission")
    entry = AuditLog.objects.get(action="run.end")
    assert (entry.actor_id, entry.outcome, entry.details) == (
        "worker", "refused", {"run": str(run.pk), "step": "freeze"},
    )  # fmt: skip


def test_what_no_member_of_staff_has_asked_for_is_refused():
    run = queue_step(led_to("submission"), "freeze", actor=operator())
    take(run.pk)
    assert outcome(run) == ("refused", "Whoever asked for this is no active member of staff any more.", "submission")


def test_a_run_that_somebody_else_was_faster_than_is_refused():
    run = queued()
    AdmissionCycle.objects.get().freeze(actor=omar(email="other@example.org"))
    take(run.pk)
    told = "freeze needs the phase submission, but fall-2026 is in frozen."
    assert outcome(run) == ("refused", told, "frozen")


def test_a_run_is_taken_once():
    run = queued()
    take(run.pk)
    take(run.pk)
    give_up(run.pk, RuntimeError())
    assert outcome(run) == ("done", "", "frozen")
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1
    take(uuid.uuid4())


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_run_take_its_step_once():
    run = queued()
    assert together(partial(take, run.pk), partial(take, run.pk)) == [None, None]
    assert outcome(run) == ("done", "", "frozen")
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1


def test_a_fault_leaves_the_run_for_another_attempt_until_the_last(monkeypatch, caplog):
    run = queued()

    def broken(cycle, **how):
        raise RuntimeError("amina@example.org")

    monkeypatch.setattr(AdmissionCycle, "freeze", broken)
    for attempts, state in ((0, "running"), (tasks.STEP_RETRIES - 1, "running"), (tasks.STEP_RETRIES, "failed")):
        with pytest.raises(RuntimeError):
            tasks.take_step(SimpleNamespace(job=SimpleNamespace(attempts=attempts)), run_id=str(run.pk))
        run.refresh_from_db()
        assert run.state == state
    assert (run.detail, run.facts, phase()) == ("RuntimeError", None, "submission")
    assert "amina" not in caplog.text


# -- workers -----------------------------------------------------


def work(manage):
    """Let a worker do all that waits; return its exit code."""
    worker = manage("run_worker", "--once")
    worker.communicate(timeout=60)
    return worker.returncode


@pytest.mark.django_db(transaction=True)
def test_a_worker_takes_the_step(manage):
    run = queued()
    assert work(manage) == 0
    assert outcome(run) == ("done", "", "frozen")
    assert not ProcrastinateJob.objects.filter(task_name="admissions.take_step").exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_worker_was_killed_in_the_middle_comes_to_the_same_end(manage):
    run = queued()
    with another_session() as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM admission_cycles FOR UPDATE")
        worker = manage("run_worker")
        until(lambda: StepRun.objects.get().state == "running")
        until(lambda: waits_for_the_cycle(other))
        worker.kill()
        worker.communicate()
        other.execute("ROLLBACK")
    until(lambda: not sessions_of_others())
    assert outcome(run) == ("running", "", "submission")
    fall_silent()
    assert work(manage) == 0
    assert outcome(run) == ("done", "", "frozen")
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1


def waits_for_the_cycle(session):
    return session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]


def fall_silent():
    """Let the killed worker have been silent for an hour, and the minute come in which that is looked for."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " VALUES ('cycles', 'admissions.retry_stalled', '{\"timestamp\": 0}')"
        )


def test_a_run_that_has_lost_its_job_is_queued_again():
    run = queued()
    jobs = ProcrastinateJob.objects.filter(task_name="admissions.take_step", args__run_id=str(run.pk))
    assert (recover(), jobs.count()) == (0, 1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert (recover(), jobs.count()) == (1, 1)
    take(run.pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert (recover(), jobs.count()) == (0, 0)


# -- what the database refuses -----------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"step": "thaw"}, "step_run_step_is_known"),
        ({"state": "lost"}, "step_run_ends_when_finished"),
        ({"state": "refused"}, "step_run_ends_when_finished"),
        ({"facts": {}}, "step_run_facts_come_with_done"),
    ],
)
def test_the_database_refuses_half_a_run(change, constraint):
    run = queued()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        StepRun.objects.filter(pk=run.pk).update(**change)


def test_the_database_refuses_a_second_unfinished_run():
    run = queued()
    with pytest.raises(IntegrityError, match="one_unfinished_run_per_cycle"), transaction.atomic():
        StepRun.objects.create(
            admission_cycle=run.admission_cycle, step="freeze", actor_type="staff", actor_id="user:1"
        )
