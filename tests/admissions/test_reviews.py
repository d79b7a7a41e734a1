"""A person can be asked, once, to look at a published result; the decision itself stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.actors import operator
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.models.reviews import ReviewRequest
from admissions.phases import PhaseError
from admissions.reviews import (
    TEXT_MAX,
    answer_review,
    ask_review,
    may_ask,
    published_at,
    read_review,
    review_of,
    review_until,
    waiting_reviews,
)
from admissions.rotation import rotate_keys, standing
from audit.models import LogOutbox
from audit.sequencer import sequence_all
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Denied, Malformed
from enigma.keys import keyring
from tests.factories import applicant, applicants, apply, cycle, lead, omar, submitted, tables, taken_back

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = "My second test was not counted. Amina"


@pytest.fixture
def amina():
    """Amina, who has applied to a cycle that is open, with two others."""
    one = cycle()
    apply(one, applicants(2))
    return submitted(one)


def led(application, phase):
    lead(AdmissionCycle.objects.get(pk=application.admission_cycle_id), phase)
    return Application.objects.select_related("admission_cycle").get(pk=application.pk)


def asked(application, text=TEXT):
    return ask_review(application, text, actor=applicant()[1])


def entries(action):
    return [row.body for row in LogOutbox.objects.filter(kind=action)]


@pytest.mark.parametrize("phase", ["submission", "processing", "selection"])
def test_nobody_asks_before_publication(amina, phase):
    application = led(amina, phase)
    assert (may_ask(application), review_until(application.admission_cycle)) == (False, None)
    with pytest.raises(PhaseError, match="no result"):
        asked(application)


def test_a_request_is_sealed_and_noted_without_a_word_of_it(amina):
    application = led(amina, "published")
    assert may_ask(application)
    request = asked(application, f"  {TEXT}\r\nThank you. ")
    assert request.text() == f"{TEXT}\nThank you."
    assert "second test" not in str(tables("review_requests", "log_outbox"))
    (entry,) = entries("review.ask")
    assert f'"cycle":"fall-2026"}},"entity_id":"{application.receipt_ref.hex}"' in entry


def test_asking_and_answering_change_nothing_of_the_application_or_its_scores(amina):
    application = led(amina, "published")
    held = ("applications", "final_scores", "selection_logs", "admission_cycles", "identity_mapping")
    before = tables(*held)
    answer_review(asked(application), "We have added it.", "to_correct", actor=omar())
    assert tables(*held) == before
    assert Letter.objects.get(kind="review_answered").application_id == amina.pk


def test_there_is_one_request_for_each_application(amina):
    application = led(amina, "published")
    asked(application)
    assert not may_ask(application)
    with pytest.raises(Conflict, match="already"):
        asked(application)
    assert ReviewRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [(" \n ", "Write what"), ("x" * (TEXT_MAX + 1), "At most 5000 characters"), ("a\0b", "a character")],
)
def test_a_text_must_be_there_and_fit(amina, text, said):
    with pytest.raises(Malformed, match=said):
        asked(led(amina, "published"), text)


def test_a_withdrawn_application_has_nothing_to_be_looked_at(amina):
    taken_back(amina)
    application = led(amina, "published")
    assert not may_ask(application)
    with pytest.raises(PhaseError):
        asked(application)


def test_whole_days_are_given_and_then_it_is_over(amina, settings):
    settings.REVIEW_DAYS = 2
    application = led(amina, "published")
    one = application.admission_cycle
    one.phase_since = NOON
    assert (published_at(one), review_until(one)) == (NOON, datetime(2026, 3, 4, tzinfo=UTC))
    assert not may_ask(application)
    with pytest.raises(PhaseError, match="over"):
        asked(application)


def test_the_end_of_the_cycle_moves_no_deadline(amina):
    application = led(amina, "published")
    before = review_until(application.admission_cycle)
    application = led(application, "completed")
    AdmissionCycle.objects.update(phase_since=timezone.now() + timedelta(days=300))
    one = AdmissionCycle.objects.get()
    assert review_until(one) == before
    assert abs(published_at(one) - application.admission_cycle.phase_since) < timedelta(minutes=5)


def test_what_waits_is_answered_longest_first_and_once(amina):
    application = led(amina, "published")
    other = Application.objects.exclude(pk=amina.pk).select_related("admission_cycle").first()
    first, second = asked(application), asked(other)
    assert list(waiting_reviews()) == [first, second]
    officer = omar()
    assert read_review(first, actor=officer) == TEXT
    done = answer_review(first, " It counts now. ", "upheld", actor=officer)
    assert (done.answer(), done.state, done.decision, done.answered_by) == (
        "It counts now.",
        "answered",
        "upheld",
        officer.id,
    )
    assert list(waiting_reviews()) == [second]
    with pytest.raises(Conflict, match="answered already"):
        answer_review(first, "Again.", "upheld", actor=officer)
    (entry,) = entries("review.answer")
    assert '"decision":"upheld"' in entry
    assert "counts" not in entry


def test_an_answer_comes_to_one_of_two_things(amina):
    request = asked(led(amina, "published"))
    with pytest.raises(Malformed, match="upheld, to_correct"):
        answer_review(request, "Well.", "perhaps", actor=operator())


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_who_may_not_answer_may_not_read_either(amina, role):
    request = asked(led(amina, "published"))
    actor = omar(role)
    for deed in (
        lambda: read_review(request, actor=actor),
        lambda: answer_review(request, "x", "upheld", actor=actor),
        lambda: ask_review(amina, "x", actor=actor),
    ):
        with pytest.raises(Denied):
            deed()


def test_an_answer_that_is_not_there_does_not_open(amina):
    request = asked(led(amina, "published"))
    assert review_of(amina) == request
    with pytest.raises(UnreadableRecord):
        request.answer()


def test_new_master_keys_wrap_the_keys_of_reviews_too(amina, settings):
    request = answer_review(asked(led(amina, "published")), "It stands.", "upheld", actor=operator())
    settings.ENIGMA_FERNET_KEYS = ["bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM=", *settings.ENIGMA_FERNET_KEYS]
    assert rotate_keys(actor=operator()) == 5  # of the cycle, three applicants and the request
    assert standing() == {keyring().primary_id: 5}
    settings.ENIGMA_FERNET_KEYS = settings.ENIGMA_FERNET_KEYS[:1]
    request.refresh_from_db()
    assert (request.text(), request.answer()) == (TEXT, "It stands.")


@pytest.mark.parametrize(
    "change",
    [
        "sealed_request = 'gAAAAABother'",
        "asked_at = now()",
        "decision = 'to_correct'",
        "sealed_answer = 'gAAAAABother'",
        "state = 'asked', decision = '', answered_at = NULL, answered_by = '', sealed_answer = NULL",
    ],
)
def test_the_database_lets_nobody_rewrite_an_answered_request(amina, change):
    answer_review(asked(led(amina, "published")), "It stands.", "upheld", actor=operator())
    sequence_all()
    with (
        pytest.raises(DatabaseError, match="written once, and answered once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE review_requests SET {change}")
