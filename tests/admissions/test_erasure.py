"""Erasure: keys are dropped, the log says so, and nothing else changes; in a running cycle it is refused."""

import io
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import second_factor
from accounts.actors import operator
from accounts.models import AdminUser, ApplicantSession, User
from accounts.newcomers import confirm_address
from admissions.attestation import Attested, Mismatch, attest
from admissions.changes import change
from admissions.disclosure import export_outcomes
from admissions.drafts import Save, save_section
from admissions.erasure import erase, obstacles
from admissions.late_access import grant
from admissions.letters import send_letters
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.models.late_access import LateAccess
from admissions.models.letters import Letter
from admissions.models.reviews import ReviewRequest
from admissions.phases import Phase, PhaseError
from admissions.posting import resend
from admissions.reviews import answer_review, ask_review, waiting_reviews
from admissions.rotation import rotate_keys, standing
from admissions.submission import FIELDS
from audit.models import HashChain
from audit.sequencer import sequence_all
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Denied, Refused
from enigma.keys import keyring
from tests.clients import applicant_client
from tests.factories import (
    AMINA,
    applicant,
    applicants,
    apply,
    cycle,
    lead,
    omar,
    run,
    submitted,
    tables,
    taken_back,
)

pytestmark = pytest.mark.django_db

RUNNING = [phase for phase in Phase if phase not in {Phase.PUBLISHED, Phase.COMPLETED}]


@pytest.fixture
def amina():
    one = cycle()
    apply(one, applicants(3))
    return submitted(one)


def led(application, phase):
    one = lead(AdmissionCycle.objects.get(pk=application.admission_cycle_id), phase)
    return Application.objects.select_related("admission_cycle").get(pk=application.pk), one


def erased():
    user, actor = applicant()
    count = erase(user, actor=actor)
    sequence_all()
    return count


def leaves(application):
    return list(
        HashChain.objects.filter(subject_ref=application.receipt_ref.hex).values_list("decision_type", flat=True)
    )


def changed(application, essay):
    user, actor = applicant()
    change(
        application, {**{name: AMINA[name] for name in FIELDS}, "gpa": "3.8", "essay": essay}, user=user, actor=actor
    )


def sql(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


# -- when ----------------------------------------------


@pytest.mark.parametrize("phase", RUNNING)
def test_in_a_running_cycle_it_is_refused_and_changes_nothing(amina, phase):
    application, _ = led(amina, phase)
    user, actor = applicant()
    (obstacle,) = obstacles(user)
    assert (obstacle.application, obstacle.can_withdraw) == (application, phase == Phase.SUBMISSION)
    before = tables("identity_mapping", "accounts_user", "log_outbox")
    with pytest.raises(PhaseError, match="still in its cycle"):
        erase(user, actor=actor)
    assert tables("identity_mapping", "accounts_user", "log_outbox") == before


@pytest.mark.parametrize("phase", ["submission", "processing", "selection"])
def test_what_is_withdrawn_is_erased_at_any_time_and_the_cycle_goes_on(amina, phase):
    taken_back(amina)
    application, one = led(amina, phase)
    assert erased() == 1
    assert leaves(application)[:3] == ["submission", "submission.withdraw", "erasure"]
    lead(one, "completed")
    assert attest(one, actor=operator()) == Attested(4, 3, 4, [], 1)


@pytest.mark.parametrize("phase", ["published", "completed"])
def test_after_publication_the_records_are_erased_and_the_log_still_holds(amina, phase):
    application, one = led(amina, phase)
    ranking = tables("applications", "anonymized_applications", "final_scores", "selection_logs")
    assert erased() == 1
    assert tables("applications", "anonymized_applications", "final_scores", "selection_logs") == ranking
    assert leaves(application) == ["submission", "decision", "erasure"]
    assert attest(one, actor=operator()) == Attested(4, 4, 4, [], 1)
    assert run("verify_records", "fall-2026")[0] == 0
    assert "4 decisions compared with the log; 1 erased" in run("verify_records", "fall-2026")[1]


def test_who_has_no_application_is_erased_too(amina):
    sam, actor = applicant("sam@example.org")
    assert (obstacles(sam), erase(sam, actor=actor)) == ([], 0)


# -- what ----------------------------------------------


def test_nothing_that_was_sealed_opens_any_more(amina):
    application, _ = led(amina, "published")
    request = ask_review(application, "Please look again.", actor=applicant()[1])
    copy = tables("identity_mapping")
    erased()
    identity = IdentityMapping.objects.get(pk=amina.pk)
    assert {getattr(identity, name) for name in IdentityMapping.ERASABLE} == {None}
    assert identity.anonymized_id is not None
    request.refresh_from_db()
    for opening in (identity.identity, identity.texts, identity.salt, request.text, request.answer):
        with pytest.raises(UnreadableRecord):
            opening()
    assert not list(waiting_reviews())
    assert len(copy["identity_mapping"]) == len(tables("identity_mapping")["identity_mapping"])


def test_an_imported_application_under_the_same_address_goes_with_the_account():
    one = cycle()
    apply(one, applicants(2))
    lead(one, "published")
    user, actor = applicant("amina1@example.org")
    assert erase(user, actor=actor) == 1
    assert IdentityMapping.objects.filter(erased_at=None).count() == 1


def test_the_account_is_closed_and_its_address_is_gone(amina):
    led(amina, "published")
    user, _ = applicant()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    second_factor.enrol(user)
    client = applicant_client()
    assert erased() == 1
    user.refresh_from_db()
    assert (user.is_active, user.has_usable_password(), user.last_login) == (False, False, None)
    assert user.email.endswith("@erased.invalid")
    assert not any(kind.objects.exists() for kind in (ApplicantSession, EmailAddress, Authenticator))
    assert client.get("/api/v1/applications").status_code == 401
    everything = str(tables("accounts_user", "account_emailaddress", "audit_logs", "hash_chain", "review_requests"))
    assert "amina@example.org" not in everything


def test_the_log_names_nobody(amina):
    led(amina, "published")
    erased()
    with connection.cursor() as cursor:
        cursor.execute("SELECT action, entity_type FROM audit_logs WHERE action LIKE '%erase' ORDER BY log_id")
        assert cursor.fetchall() == [("application.erase", "application"), ("own.erase", "user")]
    assert AMINA["name"] not in str(tables("audit_logs", "hash_chain"))


def test_the_list_of_the_office_has_an_empty_line_in_its_place(amina):
    application, one = led(amina, "published")
    erased()
    stream = io.BytesIO()
    assert export_outcomes(one, stream, format="csv", actor=operator()) == 4
    (line,) = [line for line in stream.getvalue().decode().splitlines() if application.reference in line]
    assert line.startswith(f"{application.reference},,,,,,")


def test_a_letter_that_waits_is_not_sent_any_more(amina, mailoutbox):
    _, one = led(amina, "published")
    erased()
    assert send_letters(one) == {"sent": 3, "failed": 1, "queued": 0}
    letter = Letter.objects.get(application=amina, kind="outcome")
    assert letter.fault == "erased"
    with pytest.raises(Conflict, match="had their data erased"):
        resend(letter, actor=operator())
    assert "amina@example.org" not in [to for letter in mailoutbox for to in letter.to]


def test_of_what_was_changed_every_version_stays_in_the_log_and_none_opens(amina):
    for essay in ("A better essay.", "The best essay."):
        changed(amina, essay)
    application, one = led(amina, "published")
    assert erased() == 1
    assert leaves(application) == ["submission", "submission", "submission", "decision", "erasure"]
    assert attest(one, actor=operator()) == Attested(4, 4, 4, [], 1)


def test_drafts_go_and_late_access_stays_under_the_number_of_the_account(amina):
    led(amina, "published")
    user, actor = applicant()
    other = cycle("spring-2027")
    confirm_address(user)
    grant(other, user.email, until=timezone.now() + timedelta(days=1), reason="the office was closed", actor=operator())
    save_section(other, {"essay": "Half."}, section="essay", save=Save(0, ""), user=user, actor=actor)
    erased()
    assert not ApplicationDraft.objects.exists()
    assert LateAccess.objects.get().user_id == user.pk
    assert set(Letter.objects.filter(user=user).values_list("state", "fault")) == {("failed", "erased")}


def test_new_master_keys_pass_over_what_was_erased(amina, settings):
    led(amina, "published")
    erased()
    settings.ENIGMA_FERNET_KEYS = ["bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM=", *settings.ENIGMA_FERNET_KEYS]
    assert rotate_keys(actor=operator()) == 4
    assert standing() == {keyring().primary_id: 4}


# -- who ----------------------------------------------


def test_staff_cannot_be_erased(amina):
    omar(email="amina@example.org")
    user, actor = applicant()
    assert AdminUser.objects.filter(user=user).exists()
    with pytest.raises(Refused, match="member of staff"):
        erase(user, actor=actor)


def test_only_applicants_erase_and_only_themselves(amina):
    with pytest.raises(Denied):
        erase(applicant()[0], actor=omar())


def test_an_answer_to_what_was_erased_is_refused(amina):
    application, _ = led(amina, "published")
    request = ask_review(application, "Please look again.", actor=applicant()[1])
    erased()
    with pytest.raises(Conflict, match="or was erased"):
        answer_review(request, "It stands.", "upheld", actor=operator())
    assert ReviewRequest.objects.get().is_erased


# -- what the database and a verification see ----------------------------------------------

GONE = ", ".join(f"{name} = NULL" for name in IdentityMapping.ERASABLE)


@pytest.mark.parametrize("phase", ["submission", "scored"])
def test_the_database_refuses_an_erasure_in_a_running_cycle(amina, phase):
    led(amina, phase)
    with pytest.raises(DatabaseError, match="needed until its result is published"):
        sql(f"UPDATE identity_mapping SET erased_at = now(), {GONE}")


def test_the_database_lets_an_erasure_change_nothing_else(amina):
    led(amina, "published")
    with pytest.raises(DatabaseError, match="changes nothing else"):
        sql(f"UPDATE identity_mapping SET erased_at = now(), anonymized_id = NULL, {GONE}")


def test_what_is_erased_stays_erased(amina):
    led(amina, "published")
    erased()
    with pytest.raises(DatabaseError, match="stays erased"):
        sql("UPDATE identity_mapping SET erased_at = now() WHERE erased_at IS NOT NULL")


def test_an_erasure_that_the_log_does_not_know_is_found(amina):
    application, one = led(amina, "published")
    sql(f"UPDATE identity_mapping SET erased_at = now(), {GONE} WHERE application_id = {amina.pk}")
    found = attest(one, actor=operator())
    why = "the log holds 0 entries for it instead of one"
    assert found.mismatches == [Mismatch("erasure", application.receipt_ref.hex, why)]


def test_an_erasure_that_only_the_log_knows_is_found(amina):
    _, one = led(amina, "published")
    held = IdentityMapping.objects.filter(pk=amina.pk).values().get()
    erased()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        IdentityMapping.objects.filter(pk=amina.pk).update(**held)
        cursor.execute("SET LOCAL session_replication_role = origin")
    found = attest(one, actor=operator())
    assert found.mismatches == [Mismatch("erasure", "-", "the log holds 1 of them, but only 0 records are there")]


def test_after_an_erasure_the_address_may_apply_again_with_a_new_account(amina):
    taken_back(amina)
    erased()
    again = submitted(AdmissionCycle.objects.get())
    assert (again.applicant_id == amina.applicant_id, User.objects.count()) == (False, 2)
