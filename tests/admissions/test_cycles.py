"""The checks of each step of a cycle: what makes it refuse, with the reason, and that nobody is forgotten."""

import pytest
from django.db import connection, transaction

from accounts.actors import operator
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics
from admissions.models.cycles import SelectionLog
from admissions.models.sealing import outside_the_rules
from admissions.preprocessing import preprocess_chunk
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
from enigma.errors import Refused
from tests.factories import (
    applicants,
    apply,
    cycle,
    damage,
    everything,
    lead,
    led_to,
    score,
    statuses,
    taken_back,
    waiting,
    work_before,
)

pytestmark = pytest.mark.django_db


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


def deleted():
    """Take the first application away; return how many are left."""
    first = Application.objects.order_by("pk").first().pk
    by_force("DELETE FROM identity_mapping WHERE application_id = %s", first)
    by_force("DELETE FROM applications WHERE id = %s", first)
    return 2


def doubled():
    """Put another application beside the first, as only SQL can; return how many there are."""
    first = Application.objects.order_by("pk").first()
    Application.objects.create(admission_cycle=first.admission_cycle, gpa=first.gpa, test_scores=first.test_scores)
    return 4


# -- the checks of the steps ----------------------------------------------


def test_freeze_needs_an_application():
    one = lead(cycle(), "submission")
    assert refused(one, "freeze") == "fall-2026 has no application to freeze."


def test_freeze_does_not_count_who_has_withdrawn():
    one = led_to("submission")
    for application in Application.objects.all():
        taken_back(application)
    sequence_all()
    assert refused(one, "freeze") == "fall-2026 has no application to freeze."


def test_freeze_finds_who_was_withdrawn_by_nobody():
    one = led_to("submission")
    Application.objects.filter(pk=Application.objects.first().pk).update(status="withdrawn")
    assert refused(one, "freeze") == (
        "1 applications of fall-2026 stand as withdrawn, but the log holds 0 withdrawals."
    )


def test_freeze_seals_no_rules_that_do_not_hold():
    one = led_to("submission")
    sql("""UPDATE admission_cycles SET tie_break = '["luck", "seed"]'""")
    assert refused(one, "freeze") == "The rules of fall-2026 do not hold: the tie-break knows no 'luck'."


def test_freeze_waits_until_everybody_is_in_the_log():
    one = cycle()
    apply(one, applicants(3))
    reason = "5 entries of fall-2026 are not in the log yet: run a worker or sequence_log."
    assert refused(one, "freeze") == reason


def test_freeze_does_not_wait_for_the_entries_of_other_cycles():
    one = led_to("submission")
    cycle("other")
    assert one.freeze(actor=operator())["applications"] == 3


@pytest.mark.parametrize("change", [deleted, doubled])
def test_freeze_needs_a_submission_in_the_log_for_everybody_who_is_stored(change):
    one = led_to("submission")
    stored = change()
    reason = f"{stored} applications of fall-2026 are stored, but the log holds 3 submissions."
    assert refused(one, "freeze") == reason


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ("admission_cycles SET gpa_scale = 2.2", 2),
        ("admission_cycles SET tests = '{\"ACT\": [1, 36]}'", 3),
        ("admission_cycles SET tests = '{\"SAT\": [400, 500]}'", 1),
        ("admission_cycles SET tests = '{\"SAT\": [401, 1600]}'", 1),
        ("applications SET test_scores = '[1]'", 3),
        ('applications SET test_scores = \'{"SAT": "many"}\'', 3),
        ("applications SET gpa = 9, test_scores = '{\"ACT\": 99}'", 3),
    ],
)
def test_freeze_seals_no_rules_that_stored_applications_break(change, count):
    one = led_to("submission")
    sql(f"UPDATE {change}")
    assert refused(one, "freeze") == (
        f"{count} applications of fall-2026 lie outside its rules (GPA scale, accepted tests and their ranges); "
        "the rules cannot be sealed so."
    )


def test_a_gpa_that_is_no_number_lies_outside_of_every_scale():
    one = led_to("submission")
    sql("UPDATE applications SET gpa = 'NaN'")
    assert outside_the_rules(one) == 3


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
    reason = "the ranking is not the one that selection logged"
    assert refused(one, "publish_results") == f"The outcomes of fall-2026 cannot be published: {reason}."


def test_publication_says_whose_record_does_not_open():
    one = led_to("selection")
    first = Application.objects.order_by("pk").first()
    damage(first)
    fault = f"the identity of record {first.pk} does not open"
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
    reason = "4 entries of fall-2026 are not in the log yet: run a worker or sequence_log."
    assert refused(one, "complete") == reason


def test_complete_does_not_wait_for_the_entries_of_other_cycles():
    one = led_to("published")
    other = cycle("other")
    assert one.complete(actor=operator())["to"] == "completed"
    assert LogOutbox.objects.filter(cycle_ref=other.ref.hex).exists()


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
