"""Stored records are held against the public log."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actors import operator
from accounts.roles import Role
from admissions.attestation import CHANGED, UNREADABLE, Attested, Mismatch, attest
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication
from audit.sequencer import sequence_all
from enigma.errors import Denied, Refused
from enigma.keys import keyring
from tests.factories import applicants, apply, cycle, damage, lead, led_to, omar

pytestmark = pytest.mark.django_db

RANKING = "the ranking is not the one that selection logged"
SCORES = "the scores are not those that were committed"
SCRUB = "the blind copies, or who stands behind them, are not those that were committed"
SEED = "the seed of the tie-break is not what its secret and the log give"
RULES = "rules and facts are not those that were sealed"


@pytest.fixture
def published():
    one = cycle(seats=2)
    apply(one, applicants(4))
    return lead(one, "published")


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def by_force(*statements):
    """Run SQL as a superuser who has switched off the guards of all tables but the logs."""
    sql("SET LOCAL session_replication_role = replica")
    for statement in statements:
        sql(statement)
    sql("SET LOCAL session_replication_role = origin")


def refs(**conditions):
    return {application.receipt_ref.hex for application in Application.objects.filter(**conditions)}


def test_untouched_records_are_what_the_log_committed_to(published):
    found = attest(published, actor=operator())
    assert found == Attested(4, 4, 4, [])


def test_before_publication_only_submissions_are_compared():
    one = cycle()
    apply(one, applicants(3))
    sequence_all()
    assert attest(one, actor=operator()).decisions == 0


@pytest.mark.parametrize(
    ("column", "value", "kinds"),
    [
        ("gpa", "4.0", ["submission"]),
        ("gpa", "NaN", ["submission"]),
        ("test_scores", '{"SAT": 1600}', ["submission"]),
        ("test_scores", '{"SAT": "many"}', ["submission"]),
        ("test_scores", "[1]", ["submission"]),
        ("rank", "99", ["ranking", "ranking", "ranking", "decision"]),
        ("outcome", "not_selected", ["ranking", "decision"]),
        ("status", "failed", ["score", "ranking"]),
    ],
)
def test_a_record_changed_by_sql_is_named(published, column, value, kinds):
    ref = Application.objects.get(rank=1).receipt_ref
    sql(f"UPDATE applications SET {column} = %s WHERE receipt_ref = %s", value, ref)
    found = attest(published, actor=operator())
    assert [one.kind for one in found.mismatches] == kinds
    own = [one for one in found.mismatches if one.kind in {"submission", "decision"}]
    assert {(one.ref, one.reason) for one in own} <= {(ref.hex, CHANGED)}


def test_a_changed_score_is_named(published):
    sql("UPDATE final_scores SET total = 100 WHERE total = (SELECT min(total) FROM final_scores)")
    found = attest(published, actor=operator())
    assert [(one.kind, one.reason) for one in found.mismatches] == [
        ("score", SCORES), ("ranking", RANKING), ("decision", CHANGED),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ("admission_cycles SET seats = 3", "freeze", RULES),
        ("admission_cycles SET is_demo = false", "freeze", RULES),
        ("admission_cycles SET essay_max = 1", "freeze", RULES),
        ("admission_cycles SET results_at = now()", "freeze", RULES),
        (
            "admission_cycles SET tests = '[]'",
            "freeze",
            "the sealed rules do not hold: at least one test must be accepted",
        ),
        ("admission_cycles SET rubric_version = 'x'", "freeze", "the sealed rules do not hold: there is no rubric 'x'"),
        ("admission_cycles SET tie_seed = sha256('')", "freeze", SEED),
        ("admission_cycles SET tie_secret_sha256 = sha256('')", "freeze", SEED),
        ("admission_cycles SET log_salt = ''", "score", SCORES),
        ("anonymized_applications SET gpa = 4", "scrub", SCRUB),
        ("anonymized_applications SET gpa = 'NaN'", "scrub", SCRUB),
        ("anonymized_applications SET test_scores = '[]'", "scrub", SCRUB),
        ("anonymized_applications SET texts_sha256 = sha256('')", "scrub", SCRUB),
        ("final_scores SET evidence_sha256 = NULL", "score", SCORES),
        ("selection_logs SET cutoff = 0", "selection", "the run of selection is not the one that was committed"),
        ("selection_logs SET cutoff = 'NaN'", "selection", "the run of selection is not the one that was committed"),
    ],
)
def test_a_change_of_the_whole_is_named(published, change, kind, reason):
    by_force(f"UPDATE {change}")
    assert Mismatch(kind, published.ref.hex, reason) in attest(published, actor=operator()).mismatches


@pytest.mark.parametrize(
    ("phase", "kinds"),
    [
        ("preprocessing", []),
        ("batch_prep", ["scrub"]),
        ("scored", ["scrub", "score"]),
        ("selection", ["scrub", "score", "ranking"]),
    ],
)
def test_each_digest_is_compared_from_the_phase_on_that_commits_it(phase, kinds):
    one = led_to(phase)
    by_force("UPDATE final_scores SET evidence_sha256 = NULL")
    by_force("UPDATE anonymized_applications SET gpa = 4")
    by_force("UPDATE applications SET rank = 4 - rank")
    by_force("UPDATE final_scores SET total = 1")
    found = attest(one, actor=operator()).mismatches
    assert list(dict.fromkeys(wrong.kind for wrong in found)) == kinds


def test_two_people_who_swapped_their_blind_copies_are_found(published):
    first, second = IdentityMapping.objects.order_by("pk")[:2]
    change = "UPDATE identity_mapping SET anonymized_id = {} WHERE application_id = {}"
    by_force(
        change.format("NULL", first.pk),
        change.format(f"'{first.anonymized_id}'", second.pk),
        change.format(f"'{second.anonymized_id}'", first.pk),
    )
    kinds = {one.kind for one in attest(published, actor=operator()).mismatches}
    assert kinds == {"scrub", "score", "ranking", "decision"}


def test_a_blind_copy_with_another_text_than_its_digest_is_named(published):
    copy, key = AnonymizedApplication.objects.first(), keyring().unwrap(published.wrapped_key)
    token = key.seal({"essay": "A better one.", "achievements": ""}, record=copy.pk.hex, kind="blind")
    by_force(f"UPDATE anonymized_applications SET sealed_texts = '{token}' WHERE anonymized_id = '{copy.pk}'")
    ref = IdentityMapping.objects.get(anonymized=copy).application.receipt_ref.hex
    reason = "the blind copy holds another text than its digest says"
    assert attest(published, actor=operator()).mismatches == [Mismatch("scrub", ref, reason)]


def test_a_blind_copy_that_does_not_open_is_named(published):
    first, second = AnonymizedApplication.objects.order_by("pk")[:2]
    AnonymizedApplication.objects.filter(pk=first.pk).update(sealed_texts=second.sealed_texts)
    ref = IdentityMapping.objects.get(anonymized=first).application.receipt_ref.hex
    assert attest(published, actor=operator()).mismatches == [Mismatch("scrub", ref, "the blind copy does not open")]


def test_blind_copies_whose_key_does_not_open_are_named_once(published):
    by_force("UPDATE admission_cycles SET wrapped_key = 'gAAAAABother'")
    wrong = {(one.kind, one.reason) for one in attest(published, actor=operator()).mismatches}
    assert wrong == {("scrub", "the key of the blind copies does not open"), ("freeze", SEED)}


def test_an_identity_with_the_key_of_another_is_named_and_the_others_are_compared(published):
    first = Application.objects.order_by("pk").first()
    damage(first)
    found = attest(published, actor=operator())
    assert found == Attested(
        4, 4, 4, [Mismatch(k, first.receipt_ref.hex, UNREADABLE) for k in ("submission", "decision")]
    )


def test_a_run_of_selection_that_is_gone_is_named(published):
    by_force("DELETE FROM selection_logs")
    wrong = [(one.kind, one.reason) for one in attest(published, actor=operator()).mismatches]
    assert wrong == [
        ("selection", "the run of selection is gone"),
        ("ranking", "there is no run of selection"),
        ("decision", "none can be recomputed without the run of selection"),
    ]


def test_a_freeze_that_the_audit_log_does_not_tell_of_is_named(published):
    sql("ALTER TABLE audit_logs DISABLE TRIGGER USER")
    sql("DELETE FROM audit_logs WHERE action = 'cycle.freeze'")
    reason = "the audit log holds no entry of the freeze"
    assert attest(published, actor=operator()).mismatches == [Mismatch("freeze", published.ref.hex, reason)]


def test_a_swapped_identity_does_not_open(published):
    first, second = Application.objects.order_by("pk")[:2]
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE identity_mapping DISABLE TRIGGER identity_guard")
    sql(
        "UPDATE identity_mapping SET sealed_texts = other.sealed_texts FROM identity_mapping AS other"
        " WHERE identity_mapping.application_id = %s AND other.application_id = %s",
        first.pk,
        second.pk,
    )
    found = attest(published, actor=operator())
    assert found.mismatches == [Mismatch("submission", first.receipt_ref.hex, UNREADABLE)]


def test_a_vanished_record_is_missed():
    one = cycle()
    apply(one, applicants(3))
    sequence_all()
    sql("DELETE FROM identity_mapping WHERE application_id = (SELECT min(application_id) FROM identity_mapping)")
    found = attest(one, actor=operator())
    reason = "the log holds 3 of them, but only 2 records are there"
    assert found.mismatches == [Mismatch("submission", "-", reason)]


def test_a_record_that_was_never_logged_is_named(published):
    stranger = next(iter(refs(rank=1)))
    sql("UPDATE applications SET receipt_ref = gen_random_uuid() WHERE rank = 1")
    found = attest(published, actor=operator())
    missing = "the log holds 0 entries for it instead of one"
    named = {(one.kind, one.reason) for one in found.mismatches}
    assert named >= {("submission", missing), ("decision", missing)}
    assert stranger not in {one.ref for one in found.mismatches}


def test_entries_that_wait_for_the_log_are_waited_for():
    one = cycle()
    apply(one, applicants(1))
    with pytest.raises(Refused, match="not in the log yet"):
        attest(one, actor=operator())


def test_an_admin_does_not_audit_the_log(published):
    with pytest.raises(Denied):
        attest(published, actor=omar(Role.ADMIN))


def test_the_command_says_so_and_exits_with_one(published):
    sql("UPDATE applications SET gpa = 4 WHERE rank = 1")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 records differ") as refusal:
        call_command("verify_records", published.code, "--json", stdout=out, stderr=err)
    assert refusal.value.returncode == 1
    assert json.loads(out.getvalue())["ok"] is False
    assert CHANGED in err.getvalue()
