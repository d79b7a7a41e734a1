"""A cycle: rules that are sealed by the freeze, and the checks of each step."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.actors import operator
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics
from admissions.models.cycles import AdmissionCycle, SelectionLog
from admissions.preprocessing import preprocess_chunk
from admissions.selection import seed
from audit.models import AuditLog, HashChain, LogHead
from audit.sequencer import sequence_all
from enigma.errors import Refused
from tests.factories import applicants, apply, cycle, everything, lead, score, statuses, waiting, work_before

pytestmark = pytest.mark.django_db

TOKEN = "gAAAAABother"
OTHER = {  # another value for every field that the freeze seals
    "code": "another",
    "name": "Another name",
    "ref": uuid.UUID(int=1),
    "seats": 99,
    "opens_at": datetime(2026, 1, 1, tzinfo=UTC),
    "closes_at": datetime(2026, 2, 1, tzinfo=UTC),
    "results_at": datetime(2026, 3, 1, tzinfo=UTC),
    "rubric_version": "1999-1",
    "weight_academic": "0.1",
    "weight_test": "0.1",
    "weight_achievement": "0.1",
    "weight_essay": "0.1",
    "tests": {"SAT": [0, 1]},
    "gpa_scale": "5",
    "essay_max": 1,
    "achievements_max": 1,
    "judge_policy": "none",
    "attempts_allowed": 1,
    "tie_break": ["seed"],
    "is_demo": False,
    "tie_secret_sha256": bytes(32),
    "log_salt": bytes(32),
    "sealed_tie_secret": TOKEN,
}


def led_to(phase, count=3, **rules):
    one = cycle(**rules)
    apply(one, applicants(count))
    return lead(one, phase)


def refused(one, step):
    """Take a step that must be refused and change nothing; return the reason."""
    before = everything()
    with pytest.raises(Refused) as refusal:
        getattr(one, step)(actor=operator())
    assert everything() == before
    return str(refusal.value)


def sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def by_force(statement, *values):
    """Run SQL as a superuser who has switched all guards off."""
    sql("SET LOCAL session_replication_role = replica")
    sql(statement, *values)
    sql("SET LOCAL session_replication_role = origin")


# -- rules ----------------------------------------------


def test_every_field_is_sealed_or_belongs_to_the_steps_or_to_the_rotation_of_keys():
    fields = {field.attname for field in AdmissionCycle._meta.concrete_fields}
    free = {*AdmissionCycle.changed_by_steps, *AdmissionCycle.changed_by_rotation}
    assert fields == {"id", *OTHER, *free}


@pytest.mark.parametrize("field", OTHER)
def test_a_sealed_field_cannot_be_saved_after_the_freeze(field):
    one = led_to("frozen")
    setattr(one, field, OTHER[field])
    with pytest.raises(Refused, match=rf"is sealed since the freeze: {field} cannot change\.$"):
        one.save()


@pytest.mark.parametrize("field", OTHER)
def test_naming_a_sealed_field_in_the_save_does_not_help(field):
    one = led_to("frozen")
    setattr(one, field, OTHER[field])
    with pytest.raises(Refused, match=rf"is sealed since the freeze: {field} cannot change\.$"):
        one.save(update_fields=[field, "phase"])


@pytest.mark.parametrize("field", [*OTHER, "tie_seed"])
def test_the_database_refuses_to_change_a_sealed_field_too(field):
    one = led_to("frozen")
    with pytest.raises(DatabaseError, match="the rules of a cycle are sealed since its freeze"):
        AdmissionCycle.objects.filter(pk=one.pk).update(**{field: OTHER.get(field, bytes(32))})


@pytest.mark.parametrize("phase", ["published", "completed"])
def test_the_seal_holds_to_the_end(phase):
    one = led_to(phase)
    with pytest.raises(DatabaseError, match="the rules of a cycle are sealed since its freeze"):
        AdmissionCycle.objects.filter(pk=one.pk).update(seats=99)


def test_rules_may_change_while_applications_come_in():
    one = led_to("submission")
    one.seats, one.tie_break = 3, ["seed"]
    one.save()
    stored = AdmissionCycle.objects.get()
    assert (stored.seats, stored.tie_break) == (3, ["seed"])


def test_a_sealed_cycle_can_be_saved_as_it_is():
    one = led_to("frozen")
    before = everything()
    one.save()
    assert everything() == before


def test_keys_may_be_wrapped_anew_after_the_freeze():
    one = led_to("frozen")
    AdmissionCycle.objects.filter(pk=one.pk).update(wrapped_key=TOKEN, key_id="00000000")
    assert AdmissionCycle.objects.get().key_id == "00000000"


def test_whoever_still_holds_the_cycle_from_before_the_freeze_cannot_open_it_again():
    one = led_to("submission")
    stale = AdmissionCycle.objects.get()
    one.freeze(actor=operator())
    with pytest.raises(DatabaseError, match="no step leads from frozen to submission"), transaction.atomic():
        stale.save()
    assert AdmissionCycle.objects.get().phase == "frozen"


def test_the_seed_mixes_the_committed_secret_with_the_head_of_the_public_log():
    one = led_to("submission")
    sequence_all()
    head = bytes(LogHead.objects.get().chain_hash)
    one.freeze(actor=operator())
    assert bytes(AdmissionCycle.objects.get().tie_seed) == seed(one.tie_secret(), log_head=head)


def test_the_cycle_after_the_last_one_has_a_secret_of_its_own():
    assert cycle("one").tie_secret() != cycle("two").tie_secret()


# -- the checks of the steps ----------------------------------------------


def test_freeze_needs_an_application():
    assert refused(cycle(), "freeze") == "fall-2026 has no application to freeze."


def test_freeze_does_not_count_who_has_withdrawn():
    one = led_to("submission")
    Application.objects.update(status="withdrawn")
    assert refused(one, "freeze") == "fall-2026 has no application to freeze."


def test_freeze_seals_no_rules_that_do_not_hold():
    one = led_to("submission")
    sql("""UPDATE admission_cycles SET tie_break = '["luck", "seed"]'""")
    assert refused(one, "freeze") == "The rules of fall-2026 do not hold: the tie-break knows no 'luck'."


def test_batch_prep_waits_until_everybody_is_scrubbed():
    one = led_to("frozen")
    one.start_preprocessing(actor=operator())
    preprocess_chunk(one, limit=2)
    reason = "1 applications of fall-2026 are not scrubbed yet: is a worker running?"
    assert refused(one, "start_batch_prep") == reason


def test_batch_prep_waits_until_a_person_has_seen_what_could_not_be_read():
    one = led_to("frozen")
    damage(Application.objects.first())
    lead(one, "preprocessing")
    reason = "1 applications of fall-2026 could not be read; set them aside or restore them."
    assert refused(one, "start_batch_prep") == reason


def damage(application):
    """Let a sealed record be that of somebody else, which the encryption must notice."""
    other = IdentityMapping.objects.exclude(pk=application.pk).first()
    by_force(
        "UPDATE identity_mapping SET wrapped_key = %s, sealed_identity = %s WHERE application_id = %s",
        other.wrapped_key,
        other.sealed_identity,
        application.pk,
    )


def test_batch_prep_needs_a_blind_copy_of_everybody():
    one = led_to("frozen")
    one.start_preprocessing(actor=operator())
    preprocess_chunk(one, limit=2)
    Application.objects.update(status="batch_ready")
    reason = "3 applications of fall-2026 are ready, but there are 2 blind copies."
    assert refused(one, "start_batch_prep") == reason


def test_batch_prep_needs_the_metrics_of_everybody():
    one = led_to("preprocessing")
    DeterministicMetrics.objects.first().delete()
    assert refused(one, "start_batch_prep") == "3 blind copies of fall-2026 have only 2 rows of metrics."


def test_processing_needs_every_blind_copy_in_an_export():
    one = led_to("batch_prep")
    work_before(one)
    AnonymizedApplication.objects.filter(pk=AnonymizedApplication.objects.first().pk).update(is_exported=False)
    assert refused(one, "start_processing") == "1 blind copies of fall-2026 are in no export yet."


def test_scored_needs_a_final_score_for_every_blind_copy():
    one = led_to("processing")
    score(one, [50])
    waiting(one)
    reason = "2 blind copies of fall-2026 have no final score; 1 of them wait for a person."
    assert refused(one, "mark_scored") == reason


def test_selection_needs_valid_criteria():
    one = led_to("scored")
    by_force("""UPDATE admission_cycles SET tie_break = '["essay"]'""")
    assert refused(one, "perform_selection") == (
        "The criteria of fall-2026 are not valid: "
        "the tie-break must be a list that ends with «seed», or ties could stay unbroken."
    )


def test_publication_needs_an_outcome_for_everybody():
    one = led_to("selection")
    Application.objects.filter(pk=Application.objects.first().pk).update(status="scored", outcome=None, rank=None)
    assert refused(one, "publish_results") == "1 applications of fall-2026 have no outcome."


def test_publication_needs_the_evidence_of_every_outcome():
    one = led_to("selection")
    score_of_one = IdentityMapping.objects.order_by("pk").first().anonymized_id
    by_force("DELETE FROM final_scores WHERE anonymized_id = %s", score_of_one)
    reason = "3 applications of fall-2026 are to be published, but 2 decisions with a score stand behind them."
    assert refused(one, "publish_results") == reason


def test_publication_says_whose_record_does_not_open():
    one = led_to("selection")
    first = Application.objects.order_by("pk").first()
    damage(first)
    fault = f"the identity of record {first.pk} belongs to another record"
    assert refused(one, "publish_results") == f"An outcome of fall-2026 cannot be committed: {fault}."


def test_a_cycle_that_is_no_demo_does_not_publish_rehearsed_scores():
    one = led_to("selection", is_demo=False)
    reason = "3 scores of fall-2026 are rehearsal answers; only a demo may publish them."
    assert refused(one, "publish_results") == reason


def test_a_cycle_that_is_no_demo_publishes_the_scores_of_engines():
    one = led_to("processing", is_demo=False)
    score(one, [50, 60, 70])
    one.mark_scored(actor=operator())
    assert lead(one, "completed").phase == "completed"


def test_complete_waits_until_all_entries_are_in_the_chain():
    one = led_to("selection")
    one.publish_results(actor=operator())
    assert refused(one, "complete") == "5 entries are not in the chain yet: run a worker or sequence_log."


@pytest.mark.parametrize(
    ("table", "lie", "told"),
    [
        ("hash_chain", "subject_ref = repeat('0', 32) WHERE decision_type = 'decision'", "public entry"),
        ("audit_logs", "actor_id = 'user:7' WHERE action = 'cycle.freeze'", "audit entry"),
    ],
)
def test_complete_needs_a_log_that_verifies(table, lie, told):
    one = led_to("published")
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    sql(f"UPDATE {table} SET {lie}")
    assert refused(one, "complete").startswith(f"The audit log does not verify: {told} ")


# -- nothing is dropped ----------------------------------------------


def test_nobody_is_forgotten_beyond_any_limit():
    count, seats = 1_234, 100
    one = led_to("processing", count, seats=seats)
    score(one, [number % 101 for number in range(count)])
    one.mark_scored(actor=operator())
    lead(one, "published")
    assert statuses(one) == {"published": count}
    assert sorted(Application.objects.values_list("rank", flat=True)) == list(range(1, count + 1))
    assert Application.objects.filter(outcome="selected").count() == seats
    assert HashChain.objects.filter(decision_type="decision").count() == count
    log = SelectionLog.objects.get()
    assert (log.selected, log.not_selected, log.excluded) == (seats, count - seats, 0)
    assert AuditLog.objects.get(action="cycle.publish_results").details["letters"] == count


def test_another_cycle_is_left_alone():
    other = led_to("submission", code="other")
    before = list(Application.objects.of(other).order_by("pk").values())
    led_to("completed")
    assert list(Application.objects.of(other).order_by("pk").values()) == before
    assert lead(other, "completed").phase == "completed"
