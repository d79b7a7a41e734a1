"""The database refuses what must never be: each constraint and trigger of admissions and accounts, by SQL."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone

from accounts.models import (
    AdminSession,
    AdminUser,
    ApplicantSession,
    AttemptCounter,
    IdempotentRequest,
    ServiceToken,
    User,
)
from accounts.roles import Role
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics, FinalScore
from admissions.models.cycles import SelectionLog
from admissions.models.drafts import ApplicationDraft
from admissions.models.late_access import LateAccess
from admissions.models.reviews import ReviewRequest
from admissions.models.runs import StepRun
from tests import letter_breaches
from tests.factories import applicants, apply, cycle, lead, omar

pytestmark = pytest.mark.django_db

TOKEN = "gAAAAABtoken"
ANSWERED = "state = 'answered', answered_at = now(), answered_by = 'user:1'"
PARTS = ("academic", "test", "achievement", "essay", "total")
METRICS = ("gpa_score", "test_score", "academic_score", "test_percentile", "percentile_rank")
SCORES = [f"final_{part}_within_0_and_100" for part in PARTS] + [f"metric_{name}_within_0_and_100" for name in METRICS]


@pytest.fixture
def world():
    """At least one row in every table of both apps, in an open cycle."""
    one = cycle()
    apply(one, applicants(2))
    for application in Application.objects.order_by("pk"):
        copy = AnonymizedApplication.objects.create(
            admission_cycle=one, gpa=3, test_scores={}, sealed_texts=TOKEN, texts_sha256=bytes(32), scrubber="1"
        )
        IdentityMapping.objects.filter(pk=application.pk).update(anonymized=copy)
        DeterministicMetrics.objects.create(anonymized=copy, **dict.fromkeys(METRICS, Decimal(50)))
        FinalScore.objects.create(
            anonymized=copy, admission_cycle=one, status="scored", **dict.fromkeys(PARTS, Decimal(50))
        )
        ReviewRequest.asked(application, "Please look again.").save()
    SelectionLog.objects.create(
        admission_cycle=one, criteria={}, selected=1, not_selected=1, excluded=0, tied_at_cutoff=2, tied_and_selected=1
    )
    letter_breaches.letters(one)
    now = timezone.now()
    for number, role in enumerate((Role.ADMIN, Role.AUDITOR)):
        omar(role, email=f"staff{number}@example.org")
        AdminSession.objects.create(
            admin_user=AdminUser.objects.get(role=role),
            **holding_a_hash(number),
        )
        ApplicantSession.objects.create(
            user=User.objects.get(email=f"staff{number}@example.org"), **holding_a_hash(number)
        )
        AttemptCounter.objects.create(kind="login", key_hmac=bytes([number]) * 32, window_ends_at=now, count=1)
        IdempotentRequest.objects.create(key_sha256=bytes([number]) * 32, request_sha256=bytes(32))
        ServiceToken.objects.create(
            name="evaluation",
            verb="batches.export",
            cycle_code=one.code,
            token_sha256=bytes([number]) * 32,
            made_by=AdminUser.objects.get(role=role),
            expires_at=now + timedelta(days=1),
        )
        StepRun.objects.create(admission_cycle=one if number else cycle("other"), step="freeze")
        user = User.objects.get(email=f"staff{number}@example.org")
        ApplicationDraft.begun(one, user.pk, {}).save()
        terms = {"until": now + timedelta(days=1), "reason": "the office was closed", "granted_by": "user:1"}
        LateAccess.objects.create(admission_cycle=one, user=user, **terms)


def holding_a_hash(number):
    """Hash and times of a session."""
    times = {"idle_expires_at": timedelta(minutes=30), "absolute_expires_at": timedelta(hours=12)}
    ends = {name: timezone.now() + lasting for name, lasting in times.items()}
    return {"refresh_sha256": bytes([number]) * 32, **ends}


def sql(statement, *values, guards=True):
    """Run SQL as a superuser, with the triggers or without; constraints hold always."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = {'origin' if guards else 'replica'}")
        cursor.execute(statement, values)


# What breaks each constraint: an UPDATE of all rows of a table.
BREACHES = {
    "cycle_phase_is_known": ["admission_cycles SET phase = 'limbo', tie_seed = log_salt"],
    "cycle_has_seats": ["admission_cycles SET seats = 0"],
    "cycle_allows_an_attempt": ["admission_cycles SET attempts_allowed = 0"],
    "cycle_gpa_scale_is_positive": ["admission_cycles SET gpa_scale = 0", "admission_cycles SET gpa_scale = -4"],
    "cycle_judge_policy_is_known": ["admission_cycles SET judge_policy = 'some'"],
    "cycle_closes_after_it_opens": [
        "admission_cycles SET opens_at = now(), closes_at = now()",
        "admission_cycles SET opens_at = now(), closes_at = now() - interval '1 day'",
    ],
    "cycle_weights_sum_to_one": [
        "admission_cycles SET weight_test = 0.2501",
        "admission_cycles SET weight_test = -0.0500, weight_academic = 0.6000",
    ],
    "cycle_seed_comes_with_the_freeze": [
        "admission_cycles SET tie_seed = log_salt",
        "admission_cycles SET phase = 'frozen'",
    ],
    "cycle_wrapped_key_is_sealed": ["admission_cycles SET wrapped_key = 'the key itself'"],
    "cycle_sealed_tie_secret_is_sealed": ["admission_cycles SET sealed_tie_secret = 'the secret itself'"],
    "application_status_is_known": ["applications SET status = 'lost'"],
    "application_outcome_is_known": ["applications SET outcome = 'perhaps', rank = 1"],
    "application_outcome_is_whole": ["applications SET outcome = 'selected'", "applications SET rank = 1"],
    "application_outcome_matches_status": [
        "applications SET status = 'selected', outcome = 'not_selected', rank = 1",
        "applications SET status = 'not_selected', outcome = 'selected', rank = 1",
        "applications SET status = 'selected'",
    ],
    "published_has_outcome": ["applications SET status = 'published'"],
    "setting_aside_is_whole": [
        "applications SET set_aside_at = now()",
        "applications SET set_aside_at = now(), set_aside_by = 'user:1'",
        "applications SET set_aside_by = 'user:1', set_aside_reason = 'unreadable'",
    ],
    "application_gpa_is_not_negative": ["applications SET gpa = -0.0001"],
    "one_application_per_applicant": ["applications SET applicant_id = (SELECT min(id) FROM accounts_user)"],
    "one_application_per_external_id": ["applications SET external_id = 'A-1'"],
    "one_application_per_email": ["identity_mapping SET email_bidx = 'same'"],
    "identity_wrapped_key_is_sealed": ["identity_mapping SET wrapped_key = 'the key itself'"],
    "identity_sealed_identity_is_sealed": ["identity_mapping SET sealed_identity = 'Amina'"],
    "identity_sealed_texts_is_sealed": ["identity_mapping SET sealed_texts = 'My name is Amina'"],
    "identity_is_whole_or_erased": [
        "identity_mapping SET erased_at = now()",
        *(
            f"identity_mapping SET {name} = NULL"
            for name in ("email_bidx", "fingerprint", "wrapped_key", "key_id", "sealed_identity", "sealed_texts")
        ),
    ],
    "review_decision_is_known": [
        f"review_requests SET {ANSWERED}, decision = 'perhaps', sealed_answer = '{TOKEN}'",
    ],
    "review_answer_is_whole": [
        "review_requests SET state = 'answered'",
        "review_requests SET state = 'lost'",
        "review_requests SET decision = 'upheld'",
        "review_requests SET answered_at = now(), answered_by = 'user:1'",
        f"review_requests SET sealed_answer = '{TOKEN}'",
    ],
    "review_is_whole_or_erased": [
        "review_requests SET wrapped_key = NULL",
        "review_requests SET key_id = NULL",
        "review_requests SET sealed_request = NULL",
        f"review_requests SET {ANSWERED}, decision = 'upheld'",
    ],
    "review_wrapped_key_is_sealed": ["review_requests SET wrapped_key = 'the key itself'"],
    "review_sealed_request_is_sealed": ["review_requests SET sealed_request = 'I am Amina'"],
    "review_sealed_answer_is_sealed": [
        f"review_requests SET {ANSWERED}, decision = 'upheld', sealed_answer = 'Dear Amina'",
    ],
    **letter_breaches.BREACHES,
    "blind_copy_sealed_texts_is_sealed": ["anonymized_applications SET sealed_texts = 'My name is [NAME]'"],
    "final_score_status_is_known": ["final_scores SET status = 'lost', " + ", ".join(f"{p} = NULL" for p in PARTS)],
    "final_score_is_whole": [
        *(f"final_scores SET {part} = NULL" for part in PARTS),
        "final_scores SET status = 'waiting'",
    ],
    "final_score_decision_is_whole": [
        "final_scores SET decided_at = now()",
        "final_scores SET decided_at = now(), decided_by = 'user:1'",
        "final_scores SET decided_by = 'user:1', decided_reason = 'an appeal'",
    ],
    "setting_aside_names_who": ["final_scores SET status = 'set_aside', " + ", ".join(f"{p} = NULL" for p in PARTS)],
    "one_selection_per_cycle": [],  # takes a second row, below
    "selection_ties_are_in_order": ["selection_logs SET tied_and_selected = 3"],
    "user_email_is_lower_case": ["accounts_user SET email = 'Omar' || id || '@example.org'"],
    "staff_role_is_known": ["admin_users SET role = 'owner'"],
    "session_revocation_is_whole": [
        "admin_sessions SET revoked_at = now()",
        "admin_sessions SET revoked_reason = 'left'",
    ],
    "session_times_are_in_order": [
        "admin_sessions SET absolute_expires_at = created_at, idle_expires_at = created_at",
        "admin_sessions SET idle_expires_at = absolute_expires_at + interval '1 second'",
    ],
    "session_holds_a_hash": ["admin_sessions SET refresh_sha256 = 'a token'"],
    "applicant_session_revocation_is_whole": [
        "applicant_sessions SET revoked_at = now()",
        "applicant_sessions SET revoked_reason = 'left'",
    ],
    "applicant_session_times_are_in_order": [
        "applicant_sessions SET absolute_expires_at = created_at, idle_expires_at = created_at",
        "applicant_sessions SET idle_expires_at = absolute_expires_at + interval '1 second'",
    ],
    "applicant_session_holds_a_hash": ["applicant_sessions SET refresh_sha256 = 'a token'"],
    "nobody_is_a_superuser": ["accounts_user SET is_superuser = true"],
    "service_token_verb_is_known": ["service_tokens SET verb = 'cycle.freeze'"],
    "service_token_expires": ["service_tokens SET expires_at = created_at"],
    "service_token_holds_a_hash": ["service_tokens SET token_sha256 = 'a token'"],
    "one_counter_per_key": ["attempt_counters SET key_hmac = 'same'"],
    "step_run_step_is_known": ["step_runs SET step = 'rewind'"],
    "step_run_ends_when_finished": [
        "step_runs SET state = 'failed'",
        "step_runs SET finished_at = now()",
        "step_runs SET state = 'lost', finished_at = now()",
    ],
    "step_run_facts_come_with_done": [
        "step_runs SET state = 'done', finished_at = now()",
        "step_runs SET facts = '{}'",
    ],
    "one_unfinished_run_per_cycle": ["step_runs SET admission_cycle_id = (SELECT min(id) FROM admission_cycles)"],
    "one_draft_per_person": ["application_drafts SET user_id = (SELECT min(id) FROM accounts_user)"],
    "draft_wrapped_key_is_sealed": ["application_drafts SET wrapped_key = 'the key itself'"],
    "draft_sealed_values_is_sealed": ["application_drafts SET sealed_values = 'My name is Amina'"],
    "one_late_access_per_person": ["late_access SET user_id = (SELECT min(id) FROM accounts_user)"],
    "late_access_lasts": ["late_access SET until = granted_at"],
    "late_access_says_who_and_why": ["late_access SET reason = ''", "late_access SET granted_by = ''"],
    "late_access_ending_is_whole": [
        "late_access SET ended_at = now()",
        "late_access SET ended_by = 'user:1'",
    ],
    **{
        name: [f"{table} SET {name.split('_', 1)[1].removesuffix('_within_0_and_100')} = {value}" for value in values]
        for name in SCORES
        for table in ["final_scores" if name.startswith("final") else "deterministic_metrics"]
        for values in [("-0.0001", "-5", "100.0001", "999.9999")]
    },
}
UNIQUE_COLUMNS = {  # a unique field has no constraint of its own name
    "accounts_user": "email = 'same@example.org'",
    "admin_users": "user_id = (SELECT min(user_id) FROM admin_users)",
    "admin_sessions": f"refresh_sha256 = '{32 * 's'}'",
    "applicant_sessions": f"refresh_sha256 = '{32 * 's'}'",
    "service_tokens": f"token_sha256 = '{32 * 's'}'",
    "idempotent_requests": "key_sha256 = 'same'",
    "letters": "mail_id = '00000000000000000000000000000001'",
    "applications": ["reference = 'SAME-SAME-SAME'", "receipt_ref = '00000000000000000000000000000001'"],
    "identity_mapping": "anonymized_id = (SELECT anonymized_id FROM identity_mapping LIMIT 1)",
}


def test_every_constraint_of_both_apps_is_broken_here():
    models = [model for label in ("admissions", "accounts") for model in apps.get_app_config(label).get_models()]
    constraints = [constraint for model in models for constraint in model._meta.constraints]
    assert {type(constraint) for constraint in constraints} == {CheckConstraint, UniqueConstraint}
    assert sorted(BREACHES) == sorted(constraint.name for constraint in constraints)


@pytest.mark.parametrize(
    ("name", "breach"), [(name, breach) for name, breaches in BREACHES.items() for breach in breaches]
)
def test_the_database_refuses(world, name, breach):
    with pytest.raises(DatabaseError) as refusal:
        sql(f"UPDATE {breach}", guards=False)
    assert refusal.value.__cause__.diag.constraint_name == name


@pytest.mark.parametrize(
    ("table", "same"),
    [
        (table, same)
        for table, all_same in UNIQUE_COLUMNS.items()
        for same in ([all_same] if isinstance(all_same, str) else all_same)
    ],
)
def test_two_rows_cannot_share(world, table, same):
    with pytest.raises(DatabaseError, match=f'duplicate key value violates unique constraint "{table}_'):
        sql(f"UPDATE {table} SET {same}", guards=False)


@pytest.mark.parametrize(("table", "column"), [("final_scores", "total"), ("deterministic_metrics", "test_score")])
def test_a_score_of_9999_does_not_even_fit(world, table, column):
    with pytest.raises(DataError, match="numeric field overflow"):
        sql(f"UPDATE {table} SET {column} = 9999")


def test_there_is_one_selection_for_a_cycle(world):
    with pytest.raises(DatabaseError, match="one_selection_per_cycle"):
        SelectionLog.objects.create(**{**SelectionLog.objects.values().get(), "id": None})


def test_several_applications_may_be_without_applicant_and_external_id(world):
    assert set(Application.objects.values_list("applicant", "external_id")) == {(None, None)}


# -- triggers ----------------------------------------------

TRIGGERS = {"cycle_guard", "intake_guard", "identity_guard", "selection_guard", "letter_template_guard", "review_guard"}


def test_every_trigger_of_both_apps_is_known_here():
    tables = [m._meta.db_table for label in ("admissions", "accounts") for m in apps.get_app_config(label).get_models()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal AND relname = ANY(%s)",
            [tables],
        )
        assert dict(cursor.fetchall()) == dict.fromkeys(TRIGGERS, "O")


@pytest.mark.parametrize("deed", ["UPDATE letter_templates SET body = 'rewritten'", "DELETE FROM letter_templates"])
def test_a_version_of_a_letter_is_never_changed(world, deed):
    with pytest.raises(DatabaseError, match="a version of a letter is never changed"):
        sql(deed)


@pytest.mark.parametrize("phase", ["frozen", "preprocessing", "completed"])
def test_no_application_comes_in_after_the_freeze(phase):
    one = cycle()
    apply(one, applicants(1))
    lead(one, phase)
    with pytest.raises(DatabaseError, match="cycle fall-2026 takes no more applications"):
        Application.objects.create(admission_cycle=one, gpa=3, test_scores={})


IDENTITY = {
    "application_id": "application_id + 1000",
    "admission_cycle_id": "admission_cycle_id + 1000",
    "email_bidx": "'other'",
    "fingerprint": "'other'",
    "sealed_identity": "'gAAAAABother'",
    "sealed_texts": "'gAAAAABother'",
}


def test_every_column_of_an_identity_is_written_once_or_belongs_to_the_keys_or_the_blind_copy():
    columns = {field.column for field in IdentityMapping._meta.concrete_fields}
    assert columns == {*IDENTITY, "anonymized_id", "wrapped_key", "key_id", "erased_at"}


@pytest.mark.parametrize("column", IDENTITY)
def test_an_identity_is_written_once(world, column):
    with pytest.raises(DatabaseError, match="an identity is written once"):
        sql(f"UPDATE identity_mapping SET {column} = {IDENTITY[column]}")


@pytest.mark.parametrize("blind", ["NULL", "gen_random_uuid()"])
def test_the_way_to_the_blind_copy_is_laid_once(world, blind):
    with pytest.raises(DatabaseError, match="an identity is written once"):
        sql(f"UPDATE identity_mapping SET anonymized_id = {blind}")


def test_the_key_of_an_identity_may_be_wrapped_anew(world):
    sql("UPDATE identity_mapping SET wrapped_key = 'gAAAAABother', key_id = '00000000'")
    assert set(IdentityMapping.objects.values_list("key_id", flat=True)) == {"00000000"}


@pytest.mark.parametrize("deed", ["UPDATE selection_logs SET selected = 2", "DELETE FROM selection_logs"])
def test_a_run_of_selection_is_never_changed(world, deed):
    with pytest.raises(DatabaseError, match="a run of selection is never changed"):
        sql(deed)


@pytest.mark.parametrize("table", ["applications", "anonymized_applications", "admission_cycles"])
def test_nobody_is_deleted_who_is_still_spoken_of(world, table):
    with pytest.raises(DatabaseError, match="violates foreign key constraint"):
        sql(f"SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM {table}")


# -- what the models refuse before the database is asked ----------------------------------------------


def test_a_session_stores_the_hash_of_a_token_and_never_a_token(world):
    session = AdminSession.objects.first()
    session.refresh_sha256 = b"eyJhbGciOiJIUzI1NiJ9"
    with pytest.raises(ValueError, match="takes the 32 bytes of a SHA-256"):
        session.save()


def test_addresses_are_stored_in_lower_case_and_found_in_any(world):
    user = User.objects.create_user(" Amina@Example.ORG ")
    assert (user.email, User.objects.get_by_natural_key("AMINA@example.org")) == ("amina@example.org", user)
