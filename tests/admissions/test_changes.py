"""An applicant may replace what they handed in until the deadline: the log keeps every version, the last one counts."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.actors import operator
from admissions.attestation import CHANGED, Attested, attest
from admissions.changes import change
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.phases import PhaseError
from admissions.submission import FIELDS, Faulty
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
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
    submitted,
    taken_back,
)
from tests.racing import together

pytestmark = pytest.mark.django_db

VALUES = {**{name: AMINA[name] for name in FIELDS}, "gpa": Decimal("3.8")}
EMAIL = "amina@example.org"


def changed(application, **changes):
    user, actor = applicant(EMAIL)
    return change(Application.objects.get(pk=application.pk), {**VALUES, **changes}, user=user, actor=actor)


def leaves_of(application):
    own = HashChain.objects.filter(decision_type="submission", subject_ref=application.receipt_ref.hex)
    return [leaf.data_json[11:75] for leaf in own.order_by("chain_id")]


def test_a_change_replaces_what_was_handed_in_and_keeps_its_names():
    mine = submitted(cycle())
    before = IdentityMapping.objects.get()
    receipt = changed(mine, essay="A better essay.", gpa="3.9", test_scores={"ACT": 30})
    stored, identity = Application.objects.get(), IdentityMapping.objects.get()
    assert (stored.reference, stored.receipt_ref, stored.submitted_at) == (
        mine.reference, mine.receipt_ref, mine.submitted_at,
    )  # fmt: skip
    assert (stored.gpa, stored.test_scores) == (Decimal("3.9"), {"ACT": 30})
    assert (identity.texts()["essay"], identity.identity()["email"]) == ("A better essay.", EMAIL)
    assert (receipt.reference, receipt.submitted_at) == (mine.reference, stored.changed_at)
    assert bytes(identity.email_bidx) == bytes(before.email_bidx)
    assert (identity.salt() == before.salt(), identity.wrapped_key == before.wrapped_key) == (False, False)


def test_the_log_holds_every_version_and_the_last_one_counts():
    one = cycle()
    mine = submitted(one)
    receipts = [changed(mine, essay=f"Version {number}.") for number in (2, 3)]
    sequence_all()
    assert leaves_of(mine)[1:] == [receipt.commitment for receipt in receipts]
    assert attest(one, actor=operator()) == Attested(1, 0, 0, [])


def test_an_earlier_version_put_back_by_sql_is_found():
    one = cycle()
    mine = submitted(one)
    before = IdentityMapping.objects.values("wrapped_key", "sealed_identity", "sealed_texts", "fingerprint").get()
    changed(mine, essay="A better essay.")
    sequence_all()
    IdentityMapping.objects.update(**before)
    assert [found.reason for found in attest(one, actor=operator()).mismatches] == [CHANGED]


def test_a_change_is_audited_without_personal_data():
    mine = submitted(cycle())
    changed(mine, essay="A better essay.")
    sequence_all()
    entry = AuditLog.objects.get(action="application.change")
    assert (entry.entity_id, entry.details) == (mine.receipt_ref.hex, {"cycle": "fall-2026"})


def test_the_same_again_changes_nothing_and_adds_nothing_to_the_log():
    mine = submitted(cycle())
    first = changed(mine, essay="A better essay.")
    before = everything()
    assert changed(mine, essay="A better essay.") == first
    assert everything() == before


def test_a_faulty_change_leaves_what_was_handed_in():
    mine = submitted(cycle())
    before = everything()
    with pytest.raises(Faulty):
        changed(mine, essay="")
    assert everything() == before


def test_an_imported_application_keeps_its_id_and_its_address():
    one = cycle()
    apply(one, [amina(email="AMINA@Example.org", external_id="A-1")])
    changed(Application.objects.get(), essay="A better essay.")
    assert Application.objects.get().external_id == "A-1"
    assert IdentityMapping.objects.get().identity()["email"] == "AMINA@Example.org"


@pytest.mark.parametrize("phase", ["frozen", "preprocessing", "published"])
def test_nothing_changes_after_the_freeze(phase):
    one = cycle()
    apply(one, applicants(2))
    mine = submitted(one)
    lead(one, phase)
    before = everything()
    with pytest.raises(PhaseError, match=f"fall-2026 takes no more applications: it is in {phase}"):
        changed(mine, essay="A better essay.")
    assert everything() == before


def test_nothing_changes_after_the_closing_time():
    one = cycle()
    mine = submitted(one)
    now = timezone.now()
    AdmissionCycle.objects.update(opens_at=now - timedelta(days=2), closes_at=now - timedelta(seconds=1))
    with pytest.raises(PhaseError, match="it closed at"):
        changed(mine, essay="A better essay.")


def test_what_was_withdrawn_is_not_changed():
    mine = submitted(cycle())
    taken_back(mine)
    with pytest.raises(Conflict, match="withdrawn"):
        changed(mine, essay="A better essay.")


def test_what_does_not_open_is_not_changed():
    one = cycle()
    mine, _ = submitted(one), submitted(one, "sam@example.org")
    damage(mine)
    with pytest.raises(Refused, match="please write to the admissions office"):
        changed(mine, essay="A better essay.")


@pytest.mark.parametrize("actor", [operator, omar])
def test_only_applicants_change(actor):
    mine = submitted(cycle())
    with pytest.raises(Denied):
        change(mine, VALUES, user=applicant(EMAIL)[0], actor=actor())


def test_a_changed_application_goes_to_its_end(mailoutbox):
    one = cycle(seats=1)
    apply(one, applicants(3))
    mine = submitted(one)
    changed(mine, essay="A better essay.", gpa="4.0")
    lead(one, "completed")
    assert attest(one, actor=operator()) == Attested(4, 4, 4, [])


def test_a_changed_application_is_withdrawn_under_its_last_salt():
    one = cycle()
    mine = submitted(one)
    changed(mine, essay="A better essay.")
    taken_back(mine)
    sequence_all()
    assert attest(one, actor=operator()).mismatches == []


@pytest.mark.django_db(transaction=True)
def test_of_the_same_change_twice_at_once_one_entry_comes():
    mine = submitted(cycle())
    together(*[lambda: changed(mine, essay="A better essay.")] * 4)
    assert LogOutbox.objects.filter(kind="submission").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_freeze_at_the_same_moment_takes_the_change_or_refuses_it():
    one = cycle()
    mine = submitted(one)
    apply(one, applicants(1))
    sequence_all()
    same = AdmissionCycle.objects.get()
    came, _ = together(lambda: changed(mine, essay="A better essay."), lambda: same.freeze(actor=operator()))
    sequence_all()
    if AdmissionCycle.objects.get().phase == "submission":  # the change was first, and not yet in the log
        AdmissionCycle.objects.get().freeze(actor=operator())
        sequence_all()
    stands = IdentityMapping.objects.get(pk=mine.pk).texts()["essay"] == "A better essay."
    assert stands is not isinstance(came, PhaseError)
    assert attest(one, actor=operator()).mismatches == []


# -- what the database itself refuses ----------------------------------------------


def rewrite(column):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE identity_mapping SET {column} = {REWRITTEN[column]}")


REWRITTEN = {
    "application_id": "application_id + 1000",
    "admission_cycle_id": "admission_cycle_id + 1000",
    "email_bidx": "'other'",
    "fingerprint": "'other'",
    "sealed_identity": "'gAAAAABother'",
    "sealed_texts": "'gAAAAABother'",
}
REPLACEABLE = ("fingerprint", "sealed_identity", "sealed_texts")


@pytest.mark.parametrize("column", REPLACEABLE)
def test_the_database_lets_an_identity_be_replaced_while_applications_come_in(column):
    submitted(cycle())
    rewrite(column)


@pytest.mark.parametrize("column", sorted(REWRITTEN.keys() - set(REPLACEABLE)))
def test_whose_it_is_never_changes(column):
    submitted(cycle())
    with pytest.raises(DatabaseError, match="an identity is written once"):
        rewrite(column)


@pytest.mark.parametrize("column", REWRITTEN)
def test_the_database_refuses_any_rewriting_after_the_freeze(column):
    led_to("frozen", 1)
    with pytest.raises(DatabaseError, match="an identity is written once"):
        rewrite(column)


def test_a_change_is_confirmed_by_letter_and_what_changes_nothing_is_not():
    mine = submitted(cycle())
    changed(mine)
    changed(mine, essay="Another essay.")
    changed(mine, essay="A third essay.")
    assert list(Letter.objects.order_by("pk").values_list("kind", "sequence")) == [
        ("submitted", 1),
        ("changed", 1),
        ("changed", 2),
    ]
