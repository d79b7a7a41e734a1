"""Stored records are held against the public log."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actors import operator
from accounts.roles import Role
from admissions.attestation import Mismatch, attest
from admissions.models.applications import Application
from audit.sequencer import sequence_all
from enigma.errors import Denied, Refused
from tests.factories import applicants, apply, cycle, lead, omar

pytestmark = pytest.mark.django_db

CHANGED = "the record is not what the log committed to"


@pytest.fixture
def published():
    one = cycle(seats=2)
    apply(one, applicants(4))
    return lead(one, "published")


def sql(statement, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def refs(**conditions):
    return {application.receipt_ref.hex for application in Application.objects.filter(**conditions)}


def test_untouched_records_are_what_the_log_committed_to(published):
    found = attest(published, actor=operator())
    assert (found.submissions, found.decisions, found.mismatches) == (4, 4, [])


def test_before_publication_only_submissions_are_compared():
    one = cycle()
    apply(one, applicants(3))
    sequence_all()
    assert attest(one, actor=operator()).decisions == 0


@pytest.mark.parametrize(
    ("column", "value", "kinds"),
    [
        ("gpa", "4.0", {"submission"}),
        ("test_scores", '{"SAT": 1600}', {"submission"}),
        ("rank", "99", {"decision"}),
        ("outcome", "not_selected", {"decision"}),
    ],
)
def test_a_record_changed_by_sql_is_named(published, column, value, kinds):
    ref = Application.objects.get(rank=1).receipt_ref
    sql(f"UPDATE applications SET {column} = %s WHERE receipt_ref = %s", value, ref)
    found = attest(published, actor=operator())
    assert found.mismatches == [Mismatch(kind, ref.hex, CHANGED) for kind in kinds]


def test_a_changed_score_is_named(published):
    sql("UPDATE final_scores SET total = 100 WHERE total = (SELECT min(total) FROM final_scores)")
    found = attest(published, actor=operator())
    assert [(one.kind, one.reason) for one in found.mismatches] == [("decision", CHANGED)]


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
    assert found.mismatches == [Mismatch("submission", first.receipt_ref.hex, "the record does not open")]


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
    assert {(one.kind, one.reason) for one in found.mismatches} >= {("submission", missing), ("decision", missing)}
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
