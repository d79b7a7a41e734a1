"""Letters about outcomes: one to each applicant, the right one, once, and never before publication."""

import email
import logging
import smtplib
from datetime import timedelta
from email import policy

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from admissions.letters import LettersLeft, cycles_with_letters, queued, send_letters
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.models.letters import Letter
from admissions.queue import SEND_LETTERS
from audit.sequencer import sequence_all
from enigma.errors import Refused
from enigma.keys import keyring
from tests.dying_sender import KILLED
from tests.factories import applicants, apply, cycle, lead, run, score
from tests.racing import together

pytestmark = pytest.mark.django_db
racing = pytest.mark.django_db(transaction=True)


@pytest.fixture
def faults(monkeypatch):
    """What the mail server says to some addresses instead of taking their letters."""
    said: dict[str, Exception] = {}
    deliver = EmailBackend.send_messages

    def send_messages(backend, messages):
        for message in messages:
            if fault := said.get(message.to[0]):
                raise fault
        return deliver(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    return said


def published(count=4, seats=2, **rules):
    """A cycle with that many letters to send."""
    one = cycle(seats=seats, **rules)
    apply(one, applicants(count))
    return lead(one, to="published")


def addresses(outbox):
    return sorted(message.to[0] for message in outbox)


def refused(address, code, text=b"no such user"):
    return smtplib.SMTPRecipientsRefused({address: (code, text)})


def states(one):
    letters = Letter.objects.filter(admission_cycle=one).order_by("application_id")
    return list(letters.values_list("state", "attempts", "fault"))


def test_every_applicant_gets_one_letter(mailoutbox):
    one = published(5)
    assert (queued(one), list(cycles_with_letters())) == (5, [one])
    assert send_letters(one) == {"sent": 5, "failed": 0, "queued": 0}
    assert addresses(mailoutbox) == [f"amina{number}@example.org" for number in range(5)]
    assert (queued(one), list(cycles_with_letters())) == (0, [])


def test_a_second_run_sends_nothing(mailoutbox):
    one = published(3)
    send_letters(one)
    assert send_letters(one) == {"sent": 3, "failed": 0, "queued": 0}
    assert len(mailoutbox) == 3


def test_the_letter_says_what_was_decided(mailoutbox):
    one = published(4, seats=1)
    send_letters(one)
    told = {message.to[0]: "glad to offer you a place" in message.body for message in mailoutbox}
    selected = Application.objects.of(one).filter(outcome="selected")
    identities = [IdentityMapping.objects.get(pk=application.pk).identity() for application in selected]
    assert [identity["email"] for identity in identities] == [address for address, place in told.items() if place]
    assert sum("cannot offer you a place" in message.body for message in mailoutbox) == 3


def test_a_letter_names_its_reader_the_cycle_and_the_reference_and_nobody_else(mailoutbox):
    one = published(2)
    send_letters(one)
    for message, application in zip(mailoutbox, Application.objects.of(one).order_by("pk"), strict=True):
        name = IdentityMapping.objects.get(pk=application.pk).identity()["name"]
        assert message.body.startswith(f"Dear {name},\n")
        assert message.subject == f"Your application to Fall 2026 ({application.reference})"
        assert application.reference in message.body
        assert len(message.recipients()) == 1


def test_who_could_not_be_assessed_is_told_so(mailoutbox):
    one = cycle(seats=2)
    apply(one, applicants(3))
    lead(one, to="processing")
    aside = AnonymizedApplication.objects.order_by("pk").first()
    lead_all_but(one, aside)
    send_letters(one)
    person = IdentityMapping.objects.get(anonymized=aside).identity()
    [letter] = [message for message in mailoutbox if message.to == [person["email"]]]
    assert "could not be assessed in this round" in letter.body
    assert len(mailoutbox) == 3


def lead_all_but(one, aside):
    """Publish with one blind copy set aside."""
    scored = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), 50)
    for copy in AnonymizedApplication.objects.of(one).exclude(pk=aside.pk):
        FinalScore.objects.create(
            anonymized=copy, admission_cycle=one, status="scored", evidence_sha256=bytes(32), **scored
        )
    waits = FinalScore.objects.create(
        anonymized=aside, admission_cycle=one, status="waiting", waiting_reason="three attempts"
    )
    assert waits.status == "waiting"
    code, _, err = run("decide", one.code, aside.pk.hex, "--set-aside", "--reason", "nothing to read")
    assert code == 0, err
    for step in ("mark_scored", "perform_selection", "publish_results"):
        getattr(one, step)(actor=operator())


def test_a_name_is_not_turned_into_html_and_no_address_breaks_the_run(mailoutbox):
    addresses = ["o'brien+x@mail.example", "{a|b}~!#$%&*/=?^_`@mail.example", "amina@b\u00fccher.example"]
    one = cycle()
    apply(
        one,
        [
            row | {"email": address, "name": "Zoë <b> O'Hara & Sons"}
            for row, address in zip(applicants(3), addresses, strict=True)
        ],
    )
    lead(one, to="published")
    assert send_letters(one) == {"sent": 3, "failed": 0, "queued": 0}
    assert {message.body.splitlines()[0] for message in mailoutbox} == {"Dear Zoë <b> O'Hara & Sons,"}
    assert [message.message()["To"] for message in mailoutbox] == [*addresses[:2], "amina@xn--bcher-kva.example"]


@pytest.mark.parametrize("phase", ["submission", "selection"])
def test_no_letter_goes_out_before_publication(mailoutbox, phase):
    one = cycle()
    apply(one, applicants(2))
    lead(one, to=phase)
    applications = Application.objects.of(one)
    Letter.objects.bulk_create(
        Letter(application=application, admission_cycle=one, kind="outcome", language="en")
        for application in applications
    )
    with pytest.raises(Refused, match=r"^fall-2026 is not published: no letter may go out\.$"):
        send_letters(one)
    assert mailoutbox == []


def test_a_letter_says_which_one_it_is_the_same_each_time(mailoutbox, settings):
    settings.DEFAULT_FROM_EMAIL = "Admissions <office@uni.example>"
    one = published(1)
    send_letters(one)
    Letter.objects.update(state="queued", sent_at=None)  # as after a death between «yes» and commit
    send_letters(one)
    letter_id = Letter.objects.get().mail_id.hex
    headers = [(mail.message()["Message-ID"], mail.message()["Auto-Submitted"]) for mail in mailoutbox]
    assert headers == [(f"<outcome.{letter_id}@uni.example>", "auto-generated")] * 2


def test_nothing_in_a_letter_leads_to_the_public_log_or_the_ranking(mailoutbox):
    one = published(3)
    send_letters(one)
    refs = {ref.hex for ref in Application.objects.values_list("receipt_ref", flat=True)}
    text = "".join(mail.message().as_string() for mail in mailoutbox).replace("-", "")
    assert (len(refs), [ref for ref in refs if ref in text]) == (3, [])


@pytest.mark.parametrize("backend", ["console", "dummy"])
def test_the_letters_of_a_real_cycle_are_not_printed_and_called_sent(settings, capsys, backend):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    one = published(2)
    one.is_demo = False
    with pytest.raises(LettersLeft, match=r"^2 letters of fall-2026 stay queued: EMAIL_URL names no mail server\.$"):
        send_letters(one)
    assert (states(one), capsys.readouterr()) == ([("queued", 0, "")] * 2, ("", ""))


@pytest.mark.parametrize(("is_demo", "debug"), [(True, False), (False, True)])
def test_the_letters_of_a_demo_and_those_of_development_are_printed(settings, capsys, is_demo, debug):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    one = published(2)
    one.is_demo, settings.DEBUG = is_demo, debug
    assert send_letters(one) == {"sent": 2, "failed": 0, "queued": 0}
    assert capsys.readouterr().err.count("Dear Amina") == 2


def test_the_letters_of_a_real_cycle_may_go_into_files(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    one = published(2)
    one.is_demo = False
    assert send_letters(one) == {"sent": 2, "failed": 0, "queued": 0}


def test_a_real_cycle_is_published_without_a_mail_server_and_advance_says_that_its_letters_wait(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    one = cycle(is_demo=False)
    apply(one, applicants(2))
    lead(one, to="processing")
    score(one, [90, 80])
    one.mark_scored(actor=operator())
    lead(one, to="selection")
    code, _, err = run("advance", one.code, "publish_results", "--wait")
    assert (code, err) == (0, "2 letters of fall-2026 stay queued: EMAIL_URL names no mail server.\n")
    one.refresh_from_db()
    assert (one.phase, states(one)) == ("published", [("queued", 0, "")] * 2)


def test_a_sender_that_is_no_address_fails_no_letter(settings):
    one = published(2)
    settings.DEFAULT_FROM_EMAIL = "Office: <office@uni.example>"
    with pytest.raises(LettersLeft, match=r"stay queued: DEFAULT_FROM_EMAIL is not an address\.$"):
        send_letters(one)
    assert states(one) == [("queued", 0, "")] * 2


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("amina0@example.org\nBcc: sam@example.org", "BadHeaderError"),
        ("amina0@example.org, sam@example.org", "ValueError"),
    ],
)
def test_a_letter_that_cannot_be_built_fails_for_good_and_the_others_get_theirs(mailoutbox, caplog, address, fault):
    one = published(3)
    readdress(IdentityMapping.objects.order_by("pk").first(), address)
    assert send_letters(one) == {"sent": 2, "failed": 1, "queued": 0}
    assert addresses(mailoutbox) == ["amina1@example.org", "amina2@example.org"]
    assert states(one) == [("failed", 1, fault), ("sent", 1, ""), ("sent", 1, "")]
    assert "example" not in caplog.text


def readdress(record, address):
    """Give an applicant an address that intake would not take."""
    key = keyring().unwrap(record.wrapped_key)
    sealed = key.seal({**record.identity(), "email": address}, record=str(record.pk), kind=record.IDENTITY)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # an identity is written once
        cursor.execute(
            "UPDATE identity_mapping SET sealed_identity = %s WHERE application_id = %s", [sealed, record.pk]
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_line_break_in_the_name_of_a_cycle_breaks_no_subject(mailoutbox):
    one = published(1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # intake takes no such name, and it is sealed
        cursor.execute("UPDATE admission_cycles SET name = E'Fall\\n2026'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    send_letters(one)
    assert mailoutbox[0].subject == f"Your application to Fall 2026 ({Application.objects.get().reference})"


def test_a_refused_recipient_fails_for_good_and_the_others_get_theirs(faults, mailoutbox):
    one = published(3)
    faults["amina1@example.org"] = refused("amina1@example.org", 550)
    assert send_letters(one) == {"sent": 2, "failed": 1, "queued": 0}
    assert addresses(mailoutbox) == ["amina0@example.org", "amina2@example.org"]
    assert states(one) == [("sent", 1, ""), ("failed", 1, "SMTPRecipientsRefused"), ("sent", 1, "")]
    _, out, _ = run("cycle_status", one.code, "--json")
    assert '"letters": {"failed": 1, "sent": 2}' in out


@pytest.mark.parametrize("fault", [refused("amina0@example.org", 450), smtplib.SMTPDataError(451, b"not now")])
def test_a_letter_that_is_put_off_stays_queued_and_holds_nobody_back(faults, mailoutbox, fault):
    one = published(3)
    faults["amina0@example.org"] = fault
    assert send_letters(one) == {"sent": 2, "failed": 0, "queued": 1}
    assert states(one)[0] == ("queued", 1, type(fault).__name__)
    faults.clear()
    assert send_letters(one) == {"sent": 2, "failed": 0, "queued": 1}  # not at once
    Letter.objects.update(due_at=timezone.now())
    assert send_letters(one) == {"sent": 3, "failed": 0, "queued": 0}
    assert states(one)[0] == ("sent", 2, "")
    assert addresses(mailoutbox) == [f"amina{number}@example.org" for number in range(3)]


def test_a_letter_whose_content_is_refused_fails_for_good(faults):
    one = published(1)
    faults["amina0@example.org"] = smtplib.SMTPDataError(554, b"spam")
    assert send_letters(one) == {"sent": 0, "failed": 1, "queued": 0}


def test_a_mail_server_that_is_away_leaves_all_letters_queued(monkeypatch, mailoutbox):
    def nobody_answers(backend):
        raise ConnectionRefusedError

    one = published(3)
    monkeypatch.setattr(EmailBackend, "open", nobody_answers)
    assert send_letters(one) == {"sent": 0, "failed": 0, "queued": 3}
    assert (states(one), mailoutbox) == ([("queued", 0, "")] * 3, [])


def test_a_mail_server_that_goes_away_leaves_the_rest_queued(faults, mailoutbox):
    one = published(4)
    faults["amina2@example.org"] = smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
    assert send_letters(one) == {"sent": 2, "failed": 0, "queued": 2}
    assert states(one) == [("sent", 1, ""), ("sent", 1, ""), ("queued", 0, ""), ("queued", 0, "")]


def test_advance_says_that_letters_are_left(faults):
    one = cycle()
    apply(one, applicants(3))
    lead(one, to="selection")
    faults["amina0@example.org"] = refused("amina0@example.org", 550)
    faults["amina1@example.org"] = refused("amina1@example.org", 450)
    code, out, err = run("advance", one.code, "publish_results", "--wait")
    assert (code, err) == (1, "2 letters were not sent; see cycle_status.\n")
    assert out.endswith("letters_sent 1, letters_failed 1, letters_queued 1\n")


def test_the_log_of_faults_names_nobody(faults, caplog):
    caplog.set_level(logging.DEBUG)
    one = published(3)
    faults["amina0@example.org"] = refused("amina0@example.org", 550, b"amina0@example.org is unknown")
    faults["amina1@example.org"] = smtplib.SMTPSenderRefused(501, b"amina1@example.org", "amina1@example.org")
    send_letters(one)
    told = [record.getMessage() for record in caplog.records if record.name == "admissions.letters"]
    pk = Letter.objects.order_by("pk").first().pk
    assert told == [
        f"letter {pk} was not sent: SMTPRecipientsRefused",
        "the mail server cannot be used: SMTPSenderRefused",
    ]
    assert "amina" not in caplog.text.lower()


@racing
def test_two_senders_at_once_send_each_letter_once(mailoutbox):
    one = published(60)
    together(lambda: send_letters(one), lambda: send_letters(one))
    assert addresses(mailoutbox) == sorted(f"amina{number}@example.org" for number in range(60))
    assert states(one) == [("sent", 1, "")] * 60


@racing
@pytest.mark.parametrize("letter", [1, 4, 7])
def test_a_sender_killed_before_a_delivery_loses_and_doubles_nothing(manage, tmp_path, letter):
    one = published(7)
    sequence_all()
    mail = {"EMAIL_URL": f"filemail:///{tmp_path}/letters"}
    killed = manage(str(letter), program=["-m", "tests.dying_sender"], env=mail)
    killed.communicate()
    assert (killed.returncode, queued(one)) == (KILLED, 8 - letter)
    again = manage("run_worker", "--once", env=mail)
    again.communicate()
    assert again.returncode == 0
    sent = [message["To"] for path in (tmp_path / "letters").iterdir() for message in messages(path)]
    assert sorted(sent) == [f"amina{number}@example.org" for number in range(7)]
    assert states(one) == [("sent", 1, "")] * 7


@racing
def test_the_job_is_tried_again_when_the_mail_server_is_away(manage):
    one = published(2)
    process = manage("run_worker", "--once", env={"EMAIL_URL": "smtp://127.0.0.1:1"})
    _, err = process.communicate()
    assert process.returncode == 0
    job = ProcrastinateJob.objects.get(task_name=SEND_LETTERS)
    assert (job.status, job.attempts, job.scheduled_at > timezone.now() - timedelta(seconds=10)) == ("todo", 1, True)
    assert (queued(one), states(one)) == (2, [("queued", 0, "")] * 2)
    assert b"amina" not in err.lower()


def messages(path):
    """The letters of a file of Django's file backend."""
    parts = path.read_bytes().split(b"-" * 79 + b"\n")
    return [email.message_from_bytes(part, policy=policy.default) for part in parts if part.strip()]
