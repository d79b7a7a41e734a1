"""A letter is queued with the deed that it tells about, in the reader's language, and again when it did not arrive."""

import json
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.transaction import TransactionManagementError
from django.utils.translation import override
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from accounts.roles import Role
from admissions.letters import send_letters, send_singles
from admissions.models.applications import Application
from admissions.models.letters import Letter
from admissions.posting import queue_letter, resend
from admissions.queue import SEND_LETTERS, SEND_SINGLES
from admissions.submission import submit
from audit.models import LogOutbox
from enigma.errors import Conflict, Denied
from tests.factories import AMINA, applicant, applicants, apply, cycle, lead, omar, submitted, taken_back

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)


def jobs(task=SEND_SINGLES):
    return ProcrastinateJob.objects.filter(task_name=task, status="todo").count()


def kinds(one):
    letters = Letter.objects.filter(admission_cycle=one).order_by("pk")
    return list(letters.values_list("kind", "sequence", "language", "state"))


def test_a_submission_queues_its_confirmation_and_the_job_that_sends_it(mailoutbox):
    one = cycle()
    submitted(one)
    assert (kinds(one), jobs(), len(mailoutbox)) == ([("submitted", 1, "en", "queued")], 1, 0)


def test_a_confirmation_names_reference_and_receipt_and_goes_to_the_address_of_the_application(mailoutbox):
    mine = submitted(cycle())
    assert send_singles() is False
    [letter] = mailoutbox
    assert letter.to == ["amina@example.org"]
    assert letter.subject == f"We have your application to Fall 2026 ({mine.reference})"
    assert (mine.receipt_ref.hex in letter.body, letter.body.startswith("Dear Amina Qureshi-Holt,\n")) == (True, True)
    [(html, kind)] = letter.alternatives
    assert (kind, f"<bdi>{mine.receipt_ref.hex}</bdi>" in html) == ("text/html", True)
    assert letter.message()["Message-ID"] == f"<submitted.{Letter.objects.get().mail_id.hex}@localhost>"
    assert letter.message().get_content_type() == "multipart/alternative"


def test_a_withdrawal_queues_its_letter(mailoutbox):
    one = cycle()
    taken_back(submitted(one))
    assert kinds(one) == [("submitted", 1, "en", "queued"), ("withdrawn", 1, "en", "queued")]
    send_singles()
    assert [letter.subject.partition(" (")[0] for letter in mailoutbox] == [
        "We have your application to Fall 2026",
        "Your application to Fall 2026 was withdrawn",
    ]


def test_an_import_confirms_nothing():
    one = cycle()
    apply(one, applicants(3))
    assert (kinds(one), jobs()) == ([], 0)


def test_a_deed_that_is_taken_back_leaves_no_letter_and_no_job():
    one = cycle()
    with transaction.atomic():
        submitted(one)
        assert jobs() == 1
        transaction.set_rollback(True)
    assert (kinds(one), jobs()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_a_letter_is_queued_inside_the_transaction_of_a_deed_only():
    mine = submitted(cycle())
    with pytest.raises(TransactionManagementError, match="inside the deed's own transaction"):
        queue_letter("changed", application=mine)


@pytest.mark.parametrize(
    ("active", "language"), [("ur", "ur"), ("ar-eg", "ar"), ("de", "en"), (None, "en"), ("en-gb", "en")]
)
def test_a_letter_is_in_the_language_that_was_active(active, language):
    one = cycle()
    with override(active):
        submitted(one)
    assert kinds(one) == [("submitted", 1, language, "queued")]


def test_an_urdu_letter_is_an_urdu_letter(mailoutbox):
    with override("ur"):
        submitted(cycle())
    send_singles()
    [letter] = mailoutbox
    assert "آپ کی درخواست ہمیں مل گئی ہے" in letter.subject
    assert '<html lang="ur" dir="rtl">' in letter.alternatives[0][0]
    assert letter.message()["Content-Language"] == "ur"
    assert letter.message().as_bytes().decode("ascii", errors="replace")


def test_the_letter_about_the_outcome_is_in_the_language_of_the_confirmation(mailoutbox):
    one = cycle(seats=3)
    apply(one, applicants(1))
    with override("ar"):
        submitted(one)
    lead(one, to="published")
    outcomes = Letter.objects.outcomes().order_by("pk")
    assert list(outcomes.values_list("language", flat=True)) == ["en", "ar"]
    send_letters(one)
    assert "يسرنا أن نعرض عليك مقعدًا" in mailoutbox[1].body


def test_two_changes_are_two_letters(mailoutbox):
    one = cycle()
    mine = submitted(one)
    for _ in range(2):
        queue_letter("changed", application=mine)
    assert [(kind, sequence) for kind, sequence, *_ in kinds(one)] == [("submitted", 1), ("changed", 1), ("changed", 2)]
    send_singles()
    assert len(mailoutbox) == 3
    assert len({letter.extra_headers["Message-ID"] for letter in mailoutbox}) == 3


def test_many_letters_wait_for_one_job():
    mine = submitted(cycle())
    for _ in range(5):
        queue_letter("changed", application=mine)
    assert jobs() == 1


def test_late_access_is_told_to_a_user_without_an_application(mailoutbox):
    user, _ = applicant("sam@example.org")
    one, other = cycle(), cycle("other")
    for which in (one, other, one):
        queue_letter("late_access", user=user, cycle=which, until=UNTIL)
    assert list(Letter.objects.order_by("pk").values_list("admission_cycle", "sequence")) == [
        (one.pk, 1),
        (other.pk, 1),
        (one.pk, 2),
    ]
    send_singles()
    assert {tuple(letter.to) for letter in mailoutbox} == {("sam@example.org",)}
    assert "until 31 December 2026, 23:59 UTC." in mailoutbox[0].body


def test_the_answer_to_a_review_is_told(mailoutbox):
    one = cycle()
    apply(one, applicants(1))
    lead(one, to="published")
    queue_letter("review_answered", application=Application.objects.get())
    send_singles()
    assert mailoutbox[0].subject.startswith("Your request for a review is answered: Fall 2026 (")


@pytest.mark.parametrize("about", [{}, {"user": True}, {"application": True, "until": UNTIL}])
def test_a_letter_to_nobody_or_about_nothing_is_refused(about):
    one = cycle()
    mine = submitted(one)
    given = {"application": mine, "user": mine.applicant}
    arguments = {name: given.get(name, value) for name, value in about.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        queue_letter("changed", cycle=one, **arguments)


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="greeting"):
        queue_letter("greeting", application=submitted(cycle()))


def test_a_submission_asks_few_queries_more_for_its_letter(django_assert_max_num_queries):
    one = cycle()
    user, actor = applicant()
    with django_assert_max_num_queries(20) as asked:
        submit(one, {**AMINA, "gpa": "3.8"}, user=user, actor=actor)
    about_mail = [query["sql"] for query in asked if "letters" in query["sql"] or "procrastinate" in query["sql"]]
    assert len(about_mail) == 3  # the letter, whether a job waits, the job


def test_no_mail_server_is_asked_by_a_submission(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.SITE_URL = "127.0.0.1", 1, ""
    settings.DEFAULT_FROM_EMAIL = "nobody"
    assert submitted(cycle()).status == "submitted"
    assert mail.outbox == []


# -- once more ----------------------------------------------


def stopped(state="bounced", **fields):
    """A letter that did not arrive."""
    mine = submitted(cycle())
    send_singles()
    states = {"bounced": {"bounce": "5.1.1"}, "failed": {"fault": "SMTPDataError", "sent_at": None}}
    Letter.objects.filter(application=mine).update(state=state, attempts=4, **states.get(state, {}), **fields)
    ProcrastinateJob.objects.all()._raw_delete("default")
    return Letter.objects.get()


@pytest.mark.parametrize(("state", "why"), [("bounced", "5.1.1"), ("failed", "SMTPDataError")])
def test_a_letter_that_did_not_arrive_is_sent_again_under_another_name(mailoutbox, state, why):
    letter, actor = stopped(state), omar()
    mailoutbox.clear()
    resend(letter, actor=actor)
    again = Letter.objects.get()
    assert (again.state, again.attempts, again.fault, again.bounce, jobs()) == ("queued", 0, "", "", 1)
    send_singles()
    assert len(mailoutbox) == 1
    assert again.mail_id != letter.mail_id
    said = json.loads(LogOutbox.objects.get(kind="letters.resend").body)
    assert (said["entity_id"], said["details"]) == (
        str(letter.pk),
        {"kind": "submitted", "was": state, "why": why, "cycle": "fall-2026"},
    )


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_a_letter_that_waits_or_has_arrived_is_not_sent_again(state):
    letter = stopped()
    Letter.objects.update(state=state, bounce="", **({"sent_at": None} if state == "queued" else {}))
    with pytest.raises(Conflict, match=f"^This letter is {state}; only one that failed or came back is sent again"):
        resend(letter, actor=operator())


def test_two_who_send_it_again_send_it_once(mailoutbox):
    letter = stopped()
    resend(letter, actor=operator())
    with pytest.raises(Conflict):
        resend(letter, actor=operator())


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_only_who_may_edit_letters_sends_again(role):
    with pytest.raises(Denied):
        resend(stopped(), actor=omar(role))


def test_an_outcome_letter_is_sent_again_by_the_job_of_its_cycle():
    one = cycle()
    apply(one, applicants(2))
    lead(one, to="published")
    send_letters(one)
    ProcrastinateJob.objects.all()._raw_delete("default")
    Letter.objects.update(state="bounced", bounce="5.1.1")
    resend(Letter.objects.order_by("pk").first(), actor=operator())
    assert (jobs(SEND_LETTERS), jobs()) == (1, 0)
