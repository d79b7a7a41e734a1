"""What all eight steps share: one way forward, one winner, all heads counted, one entry in the log."""

import threading
from itertools import pairwise

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.actors import operator
from accounts.roles import STEPS, Role
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.workflow import moves
from admissions.phases import STATUSES_OF, Phase, PhaseError, Status
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
from enigma.errors import Denied
from tests.factories import applicants, apply, cycle, everything, lead, omar, statuses, work_before

ORDER = list(Phase)
LEGAL = dict(pairwise(ORDER))
STEP_TO = dict(zip(ORDER[1:], STEPS, strict=True))
THREADS = 8


def led_to(phase, count=3):
    """A cycle in a phase, with the work done that the next step waits for."""
    one = cycle()
    apply(one, applicants(count))
    work_before(lead(one, phase))
    sequence_all()
    return one


def attempt(one, target):
    """Try the step that leads to a phase, keep nothing; return the phase that was reached, or the refusal."""
    try:
        return getattr(one, STEP_TO[target])(actor=operator(), dry_run=True)["to"]
    except PhaseError as refusal:
        return str(refusal)


def force(one, target):
    """Write a phase by SQL, keep nothing; return the phase that stands there then, or the refusal."""
    statement = "UPDATE admission_cycles SET phase = %s, tie_seed = coalesce(tie_seed, log_salt) WHERE id = %s"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [target, one.pk])
            reached = AdmissionCycle.objects.get(pk=one.pk).phase
            transaction.set_rollback(True)
    except DatabaseError as refusal:
        return str(refusal).splitlines()[0]
    return reached


def test_no_step_leads_back_to_the_beginning():
    moves_there = {step: (getattr(AdmissionCycle, step).source, getattr(AdmissionCycle, step).target) for step in STEPS}
    assert moves_there == {STEP_TO[target]: (source, target) for source, target in LEGAL.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ORDER)
def test_of_the_steps_to_all_phases_only_the_next_is_taken(phase):
    one = led_to(phase)
    assert {target: attempt(one, target) for target in STEP_TO} == {
        target: target if target == LEGAL.get(phase) else refusal_of(target, phase) for target in STEP_TO
    }


def refusal_of(target, phase):
    source = ORDER[ORDER.index(target) - 1]
    return f"{STEP_TO[target]} needs the phase {source}, but fall-2026 is in {phase}."


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ORDER)
def test_sql_cannot_leap_between_phases_either(phase):
    one = led_to(phase)
    others = [target for target in ORDER if target != phase]
    assert {target: force(one, target) for target in others} == {
        target: target if target == LEGAL.get(phase) else f"no step leads from {phase} to {target}" for target in others
    }


@pytest.mark.django_db
@pytest.mark.parametrize("phase", ORDER[1:])
def test_a_cycle_cannot_begin_in_the_middle(phase):
    one = cycle()
    row = {field.attname: getattr(one, field.attname) for field in AdmissionCycle._meta.concrete_fields}
    copy = AdmissionCycle(**row | {"id": None, "code": "other", "ref": one.log_salt[:16].hex(), "phase": phase})
    copy.tie_seed = bytes(32)
    with pytest.raises(DatabaseError, match=f"a cycle begins in submission, not in {phase}"):
        AdmissionCycle.objects.bulk_create([copy])


@pytest.mark.django_db
def test_a_repeated_step_is_refused_and_changes_nothing():
    one = led_to("frozen")
    before = everything()
    with pytest.raises(PhaseError, match=r"^freeze needs the phase submission, but fall-2026 is in frozen\.$"):
        one.freeze(actor=operator())
    assert everything() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_of_eight_threads_one_takes_the_step_and_seven_are_told_why_not(step):
    source, target = getattr(AdmissionCycle, step).source, getattr(AdmissionCycle, step).target
    one = led_to(source)
    told = raced(one.pk, step)
    assert told == sorted([target, *[f"{step} needs the phase {source}, but fall-2026 is in {target}."] * 7])
    assert LogOutbox.objects.filter(log="audit", kind=f"cycle.{step}").count() == 1
    assert AdmissionCycle.objects.get(pk=one.pk).phase == target


def raced(pk, step):
    """Let eight threads take one step at once; return what each was told, sorted."""
    gate, told = threading.Barrier(THREADS), []

    def run():
        one = AdmissionCycle.objects.get(pk=pk)
        gate.wait()
        try:
            told.append(getattr(one, step)(actor=operator())["to"])
        except PhaseError as refusal:
            told.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


@pytest.mark.django_db
@pytest.mark.parametrize("step", STEPS)
def test_a_stray_application_makes_the_step_refuse_and_nothing_changes(step):
    source, target = getattr(AdmissionCycle, step).source, getattr(AdmissionCycle, step).target
    one = led_to(source)
    stray(one, forbidden_in=target)
    before = everything()
    with pytest.raises(PhaseError, match=STRAY):
        getattr(one, step)(actor=operator())
    assert everything() == before


# Some steps find the stray before the heads are counted: the blind copies, scores and ranks do not fit any more.
STRAY = (
    r"would leave applications behind: 1 |^2 applications of fall-2026 are |: the scores are not those that mark_scored"
    r"|: 1 applications have a rank, but the status of one that was not ranked"
)


def stray(one, *, forbidden_in):
    """Put one application where no step of this phase would look for it."""
    elsewhere = Status.PROCESSING if forbidden_in == Phase.FROZEN else Status.SUBMITTED
    assert elsewhere not in STATUSES_OF[forbidden_in]
    first = Application.objects.of(one).order_by("pk").first()
    Application.objects.filter(pk=first.pk).update(status=elsewhere)


@pytest.mark.django_db
def test_a_step_that_loses_an_application_is_refused():
    def freeze(one):
        Application.objects.of(one).update(status=Status.FINALIZED)
        other = cycle("other")
        Application.objects.filter(pk=Application.objects.of(one).first().pk).update(admission_cycle=other)
        return {}

    one = led_to("submission")
    with pytest.raises(PhaseError, match=r"^freeze would turn 3 applications into 2\.$"):
        moves(Phase.SUBMISSION, Phase.FROZEN)(freeze)(one, actor=operator())
    assert statuses(one) == {"submitted": 3}


@pytest.mark.django_db
@pytest.mark.parametrize("step", STEPS)
def test_a_dry_run_says_what_would_be_and_leaves_no_trace(step):
    one = led_to(getattr(AdmissionCycle, step).source)
    before, seen = everything(), vars(one) | {}
    rehearsed = getattr(one, step)(actor=operator(), dry_run=True)
    assert everything() == before
    assert {name: vars(one)[name] for name in one.changed_by_steps} == {n: seen[n] for n in one.changed_by_steps}
    assert getattr(one, step)(actor=operator()) == rehearsed


@pytest.mark.django_db
def test_each_step_writes_one_entry_with_the_heads_before_and_after():
    one = cycle()
    apply(one, applicants(3))
    lead(one, "completed")
    entries = AuditLog.objects.filter(entity_type="cycle", action__in=[f"cycle.{step}" for step in STEPS])
    assert [heads_of(entry) for entry in entries.order_by("log_id")] == [
        ("cycle.freeze", "fall-2026", {"submitted": 3}, {"finalized": 3}),
        ("cycle.start_preprocessing", "fall-2026", {"finalized": 3}, {"preprocessing": 3}),
        ("cycle.start_batch_prep", "fall-2026", {"batch_ready": 3}, {"batch_ready": 3}),
        ("cycle.start_processing", "fall-2026", {"batch_ready": 3}, {"processing": 3}),
        ("cycle.mark_scored", "fall-2026", {"processing": 3}, {"scored": 3}),
        ("cycle.perform_selection", "fall-2026", {"scored": 3}, {"selected": 2, "not_selected": 1}),
        ("cycle.publish_results", "fall-2026", {"selected": 2, "not_selected": 1}, {"published": 3}),
        ("cycle.complete", "fall-2026", {"published": 3}, {"published": 3}),
    ]


def heads_of(entry):
    return entry.action, entry.entity_id, entry.details["heads_before"], entry.details["heads_after"]


@pytest.mark.django_db
def test_the_milestones_stand_in_the_public_log_in_their_order():
    one = cycle()
    apply(one, applicants(3))
    lead(one, "completed")
    kinds = HashChain.objects.filter(subject_ref=one.ref.hex).order_by("chain_id")
    milestones = [kind for kind in kinds.values_list("decision_type", flat=True) if kind not in {"export", "import"}]
    assert milestones == [
        "cycle.open", "rubric.commit", "freeze", "scrub", "score", "selection", "publish", "complete",
    ]  # fmt: skip


@pytest.mark.django_db
def test_an_entry_names_who_took_the_step_and_why():
    one = led_to("submission")
    officer = omar()
    one.freeze(actor=officer, reason="the deadline has passed")
    sequence_all()
    entry = AuditLog.objects.get(action="cycle.freeze")
    told = (entry.actor_type, entry.actor_id, entry.role, entry.outcome, entry.details["reason"])
    assert told == ("staff", officer.id, "admin", "ok", "the deadline has passed")


@pytest.mark.django_db
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.SERVICE])
def test_a_role_that_does_not_lead_cycles_is_refused_every_step(role, step):
    one = cycle()
    with pytest.raises(Denied, match=rf"^The role {role} does not include cycle\.{step}\.$"):
        getattr(one, step)(actor=omar(role))
    assert AdmissionCycle.objects.get(pk=one.pk).phase == "submission"


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
def test_officers_lead_cycles(role):
    one = led_to("submission")
    assert one.freeze(actor=omar(role))["to"] == "frozen"


@pytest.mark.django_db
def test_a_refused_step_leaves_the_cycle_in_memory_as_the_database_has_it():
    one, late = led_to("submission"), AdmissionCycle.objects.get()
    stray(one, forbidden_in=Phase.FROZEN)
    with pytest.raises(PhaseError):
        one.freeze(actor=operator())
    assert (one.phase, one.tie_seed) == ("submission", None)
    Application.objects.update(status=Status.SUBMITTED)
    one.freeze(actor=operator())
    with pytest.raises(PhaseError):
        late.freeze(actor=operator())
    assert (late.phase, late.tie_seed, late.phase_since) == (one.phase, one.tie_seed, one.phase_since)


@pytest.mark.django_db
def test_a_step_that_breaks_leaves_the_cycle_in_memory_as_it_was():
    def freeze(one):
        one.tie_seed = bytes(32)
        raise ZeroDivisionError

    one = led_to("submission")
    with pytest.raises(ZeroDivisionError):
        moves(Phase.SUBMISSION, Phase.FROZEN)(freeze)(one, actor=operator())
    assert (one.phase, one.tie_seed) == ("submission", None)
