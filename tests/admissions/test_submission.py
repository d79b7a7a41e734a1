"""People hand in applications themselves, one in a cycle, and take them back while it takes applications in."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.actors import nobody, operator
from admissions.attestation import UNREADABLE, Attested, Mismatch, attest
from admissions.letters import send_letters
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.phases import Phase, PhaseError
from admissions.readers import Fault
from admissions.rotation import rotate_keys, standing
from admissions.submission import Faulty, submit, withdraw
from audit.chain import commitment
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
from audit.verification import verify
from enigma.errors import Conflict, Denied, Refused
from tests.factories import (
    AMINA,
    amina,
    applicant,
    applicants,
    apply,
    cycle,
    damage,
    everything,
    lead,
    led_to,
    omar,
    statuses,
    submitted,
    taken_back,
)
from tests.racing import another_session, together

pytestmark = pytest.mark.django_db

EMAIL = AMINA["email"]
VALUES = {
    **{name: AMINA[name] for name in ("name", "phone", "address", "essay", "achievements")},
    "gpa": Decimal("3.8"),
}
VALUES["test_scores"] = {"SAT": 1450}
ALREADY = "You have an application in fall-2026 already; a cycle takes one from each person."


def hand_in(one, email=EMAIL, **changes):
    user, actor = applicant(email)
    return submit(one, {**VALUES, **changes}, user=user, actor=actor)


def row_of(application):
    """What is stored of an application, without what chance gave it."""
    identity = IdentityMapping.objects.get(pk=application.pk)
    person = identity.identity()
    person.pop("salt")
    plain = (application.gpa, application.test_scores, application.status, application.external_id)
    return plain, person, identity.texts(), bytes(identity.fingerprint)


# -- handing in ----------------------------------------------


def test_a_submission_is_stored_as_an_import_stores_it():
    one = cycle()
    receipt = hand_in(one)
    sent = Application.objects.get(reference=receipt.reference)
    sent_row = row_of(sent)
    Application.objects.filter(pk=sent.pk).update(applicant=None)
    apply(one, [amina()])  # the same content is the same application
    assert Application.objects.count() == 1

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM letters")
        cursor.execute("DELETE FROM identity_mapping")
        cursor.execute("DELETE FROM applications")
    apply(one, [amina()])
    assert row_of(Application.objects.get()) == sent_row


def test_a_receipt_tells_what_the_log_holds():
    one = cycle()
    receipt = hand_in(one)
    sequence_all()
    stored = Application.objects.get()
    leaf = HashChain.objects.get(decision_type="submission")
    assert (receipt.reference, receipt.receipt) == (stored.reference, stored.receipt_ref.hex)
    assert (leaf.subject_ref, leaf.data_json[11:75]) == (receipt.receipt, receipt.commitment)
    assert (receipt.submitted_at, stored.applicant.email) == (stored.submitted_at, EMAIL)
    assert attest(one, actor=operator()) == Attested(1, 0, 0, [])


def test_the_address_is_the_one_that_somebody_is_signed_in_with():
    hand_in(cycle(), email="sam@example.org", email_of_somebody_else=EMAIL)
    assert IdentityMapping.objects.get().identity()["email"] == "sam@example.org"


def test_the_sign_of_a_zero_is_neither_stored_nor_committed():
    one = cycle(tests={"TOEFL": [0, 120]})
    submitted(one, test_scores={"TOEFL": Decimal("-0.0")})
    sequence_all()
    assert attest(one, actor=operator()) == Attested(1, 0, 0, [])


def test_a_submission_is_audited_without_personal_data():
    receipt = hand_in(cycle())
    sequence_all()
    entry = AuditLog.objects.get(action="application.submit")
    user, _ = applicant(EMAIL)
    assert (entry.actor_type, entry.actor_id, entry.role) == ("applicant", f"user:{user.pk}", "applicant")
    assert (entry.entity_type, entry.entity_id) == ("application", receipt.receipt)
    assert entry.details == {"cycle": "fall-2026"}


def test_all_faults_are_told_at_once_and_nothing_is_stored():
    one = cycle()
    applicant(EMAIL)
    before = everything()
    with pytest.raises(Faulty) as refused:
        hand_in(one, name="=1+1", gpa=Decimal("4.5"), test_scores={"SAT": 1601}, essay=None)
    assert refused.value.faults == [
        Fault("name", "looks like a spreadsheet formula"),
        Fault("gpa", "is outside its range: 4.5, accepted are 0 to 4.0"),
        Fault("test_scores", "SAT is outside its range: 1601, accepted are 400 to 1600"),
        Fault("essay", "is required"),
    ]
    assert everything() == before


@pytest.mark.parametrize("actor", [nobody, operator, omar])
def test_only_applicants_hand_in_and_withdraw(actor):
    one = cycle()
    mine, by = submitted(one), actor()
    with pytest.raises(Denied):
        submit(one, VALUES, user=applicant("sam@example.org")[0], actor=by)
    with pytest.raises(Denied):
        withdraw(mine, actor=by)


@pytest.mark.parametrize("phase", list(Phase)[1:])
def test_after_the_freeze_nobody_hands_in_or_withdraws(phase):
    one = led_to(phase)
    with pytest.raises(PhaseError, match=f"fall-2026 takes no more applications: it is in {phase}"):
        hand_in(one)
    with pytest.raises(PhaseError, match="an application can no longer be withdrawn here"):
        taken_back(Application.objects.first())


def test_the_dates_of_a_cycle_count_by_the_clock_of_the_database(monkeypatch):
    at = timezone.now()
    coming = cycle("coming", opens_at=at + timedelta(hours=1))
    closed = cycle("closed", opens_at=at - timedelta(hours=2), closes_at=at - timedelta(hours=1))
    between = cycle("between", opens_at=at - timedelta(hours=1), closes_at=at + timedelta(hours=1))
    monkeypatch.setattr(timezone, "now", lambda: at + timedelta(days=9))  # ours goes wrong
    with pytest.raises(PhaseError, match="coming takes applications from "):
        hand_in(coming)
    with pytest.raises(PhaseError, match="closed takes no more applications: it closed at "):
        hand_in(closed)
    hand_in(between)


# -- once ----------------------------------------------


def test_a_second_application_is_refused_whatever_it_says():
    one = cycle()
    hand_in(one)
    before = everything()
    with pytest.raises(Conflict, match=ALREADY):
        hand_in(one, essay="Another essay.")
    assert everything() == before


def test_an_address_that_was_imported_has_its_application_in_any_spelling():
    one = cycle()
    apply(one, [amina(email=EMAIL.upper())])
    with pytest.raises(Conflict, match=ALREADY):
        hand_in(one)


def test_an_account_that_changed_its_address_has_its_application():
    one = cycle()
    hand_in(one)
    user, actor = applicant(EMAIL)
    user.email = "new@example.org"
    user.save()
    with pytest.raises(Conflict, match=ALREADY):
        submit(one, VALUES, user=user, actor=actor)


def test_another_cycle_takes_another_application():
    hand_in(cycle())
    hand_in(cycle("spring-2027"))
    assert Application.objects.count() == 2


def test_who_has_withdrawn_may_not_hand_in_again():
    one = cycle()
    taken_back(submitted(one, EMAIL))
    with pytest.raises(Conflict, match="You have withdrawn your application to fall-2026"):
        hand_in(one)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_taken_and_nothing_of_the_others_stays():
    one = cycle()
    applicant(EMAIL)
    came = together(*[lambda: hand_in(one)] * 6)
    refused = [str(fault) for fault in came if isinstance(fault, Conflict)]
    assert refused == [ALREADY] * 5
    assert (Application.objects.count(), IdentityMapping.objects.count()) == (1, 1)
    assert LogOutbox.objects.filter(kind="submission").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_import_of_the_same_address_at_the_same_moment_leaves_one():
    one = cycle()
    applicant(EMAIL)
    for number in range(5):
        email = f"amina{number}@example.org"
        applicant(email)
        together(lambda email=email: hand_in(one, email), lambda email=email: apply(one, [amina(email=email)]))
    assert (Application.objects.count(), IdentityMapping.objects.count()) == (5, 5)


@pytest.mark.django_db(transaction=True)
def test_a_freeze_at_the_same_moment_takes_it_in_or_refuses_it():
    for number in range(5):
        one = cycle(f"cycle-{number}")
        apply(one, applicants(2))
        sequence_all()
        applicant(EMAIL)
        same = AdmissionCycle.objects.get(pk=one.pk)
        came, froze = together(lambda one=one: hand_in(one), lambda one=same: one.freeze(actor=operator()))
        if isinstance(froze, PhaseError):  # it came in first, and is not in the log yet
            sequence_all()
            froze = AdmissionCycle.objects.get(pk=one.pk).freeze(actor=operator())
        taken = 2 if isinstance(came, PhaseError) else 3
        assert (froze["applications"], statuses(one)) == (taken, {"finalized": taken})


# -- taking back ----------------------------------------------


def test_a_withdrawn_application_keeps_its_row_and_stands_in_the_log():
    one = cycle()
    mine = submitted(one)
    taken_back(mine)
    sequence_all()
    leaf = HashChain.objects.get(decision_type="submission.withdraw")
    salt = bytes.fromhex(IdentityMapping.objects.get(pk=mine.pk).identity()["salt"])
    fields = {"outcome": "withdrawn", "version": 1}
    assert leaf.subject_ref == mine.receipt_ref.hex
    assert leaf.data_json[11:75] == commitment("submission.withdraw", fields, salt=salt).hex()
    assert (statuses(one), Application.objects.get().reference) == ({"withdrawn": 1}, mine.reference)
    entry = AuditLog.objects.get(action="application.withdraw")
    assert (entry.entity_id, entry.details) == (mine.receipt_ref.hex, {"cycle": "fall-2026"})


def test_nothing_is_withdrawn_twice():
    mine = submitted(cycle())
    taken_back(mine)
    before = everything()
    with pytest.raises(Conflict, match="withdrawn already"):
        taken_back(Application.objects.get())
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_withdrawals_at_once_one_counts():
    mine = submitted(cycle())
    came = together(*[lambda: taken_back(Application.objects.get(pk=mine.pk))] * 4)
    assert sorted(type(one).__name__ for one in came) == ["Conflict", "Conflict", "Conflict", "NoneType"]
    assert LogOutbox.objects.filter(kind="submission.withdraw").count() == 1


def test_what_does_not_open_is_not_withdrawn():
    one = cycle()
    mine, _ = submitted(one), submitted(one, "sam@example.org")
    damage(mine)
    with pytest.raises(Refused, match="please write to the admissions office"):
        taken_back(mine)
    assert statuses(one) == {"submitted": 2}


def without_waiting(deed):
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL lock_timeout = '50ms'")
        deed()


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_waits_for_a_freeze_that_is_under_way():
    one = cycle()
    mine = submitted(one)
    sequence_all()
    with another_session() as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM admission_cycles FOR UPDATE")
        with pytest.raises(OperationalError, match="lock timeout"):
            without_waiting(lambda: taken_back(mine))
        other.execute("ROLLBACK")
    assert statuses(one) == {"submitted": 1}


def test_a_cycle_with_a_withdrawn_application_goes_to_its_end(settings, mailoutbox):
    one = cycle(seats=1)
    apply(one, applicants(3))
    gone = submitted(one)
    taken_back(gone)
    lead(one, "published")
    settings.ENIGMA_FERNET_KEYS = ["bmV3LW1hc3Rlci1rZXktZm9yLWEtdGVzdC0wMDAwMDE=", *settings.ENIGMA_FERNET_KEYS]
    rotate_keys(actor=operator())
    send_letters(one)
    lead(one, "completed")
    assert statuses(one) == {"published": 3, "withdrawn": 1}
    assert attest(one, actor=operator()) == Attested(4, 3, 4, [])
    assert verify().ok
    assert len(standing()) == 1
    assert (len(mailoutbox), Letter.objects.outcomes().filter(application=gone).exists()) == (3, False)


def test_a_withdrawal_that_the_log_does_not_hold_stands_against_the_freeze():
    one = cycle()
    submitted(one)
    other = submitted(one, "sam@example.org")
    sequence_all()
    Application.objects.filter(pk=other.pk).update(status="withdrawn")
    told = "1 applications of fall-2026 stand as withdrawn, but the log holds 0 withdrawals"
    with pytest.raises(PhaseError, match=told):
        one.freeze(actor=operator())


def test_a_withdrawn_application_that_does_not_open_any_more_holds_up_nobody():
    one = cycle(seats=1)
    apply(one, applicants(3))
    gone = submitted(one)
    taken_back(gone)
    damage(gone)
    lead(one, "completed")
    found = [Mismatch(kind, gone.receipt_ref.hex, UNREADABLE) for kind in ("submission", "submission.withdraw")]
    assert (statuses(one), attest(one, actor=operator())) == (
        {"published": 3, "withdrawn": 1},
        Attested(4, 3, 4, found),
    )


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        (
            "UPDATE applications SET status = 'submitted' WHERE status = 'withdrawn'",
            "-",
            "the log holds 1 of them, but",
        ),
        ("UPDATE applications SET status = 'withdrawn'", "ref", "the log holds 0 entries for it instead of one"),
    ],
)
def test_a_withdrawal_by_sql_alone_or_undone_by_it_is_found(change, kind, reason):
    one = cycle()
    other = submitted(one, "sam@example.org")
    taken_back(submitted(one))
    sequence_all()
    with connection.cursor() as cursor:
        cursor.execute(change)
    (found,) = attest(one, actor=operator()).mismatches
    expected = "-" if kind == "-" else other.receipt_ref.hex
    assert found == Mismatch("submission.withdraw", expected, found.reason)
    assert found.reason.startswith(reason)
