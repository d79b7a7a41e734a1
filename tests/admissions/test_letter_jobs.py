"""The jobs that send letters: soon, fairly between cycles, once, and again when the mail server is back."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from admissions import letters
from admissions.letters import LettersLeft, send_singles, send_slice
from admissions.models.letters import Letter
from admissions.queue import PREPROCESS, SEND_LETTERS, SEND_SINGLES
from admissions.recovery import recover
from admissions.tasks import Patiently, send, send_to_single_people
from audit.sequencer import sequence_all
from enigma.errors import Refused
from tests.dying_sender import KILLED
from tests.factories import applicants, apply, cycle, lead, submitted
from tests.racing import together

pytestmark = pytest.mark.django_db
racing = pytest.mark.django_db(transaction=True)


def published(count, code="fall-2026"):
    one = cycle(code)
    apply(one, applicants(count))
    return lead(one, to="published")


def confirmations(count, one=None):
    """That many people who have handed in."""
    one = one or cycle()
    for number in range(count):
        submitted(one, f"amina{number}@example.org", name=f"Amina Qureshi{chr(97 + number)}")
    return one


def waiting_jobs():
    """The jobs in the order in which workers take them; of those for a cycle with its key."""
    jobs = ProcrastinateJob.objects.filter(status="todo").order_by("-priority", "id")
    return [(job.task_name, job.args.get("cycle_id")) for job in jobs]


def sweep():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def states(*fields):
    return list(Letter.objects.order_by("pk").values_list("state", *fields))


def away(monkeypatch):
    def nobody_answers(backend):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "open", nobody_answers)


# -- fairly ----------------------------------------------


def test_confirmations_go_before_all_other_work():
    one = cycle("other")
    apply(one, applicants(2))
    lead(one, to="frozen")
    one.start_preprocessing(actor=operator())
    confirmations(2)
    assert waiting_jobs() == [(SEND_SINGLES, None), (PREPROCESS, one.pk)]


def test_a_publication_gives_way_after_a_while_and_its_rest_stands_behind_what_has_come(monkeypatch, mailoutbox):
    monkeypatch.setattr(letters, "SLICE", 0)
    large, small = published(4), published(1, "small")
    sweep()
    send(large.pk)
    assert (len(mailoutbox), waiting_jobs()) == (1, [(SEND_LETTERS, large.pk)])
    confirmations(1, cycle("third"))
    assert waiting_jobs() == [(SEND_SINGLES, None), (SEND_LETTERS, large.pk)]
    send_to_single_people()
    send(small.pk)
    assert [mail.to for mail in mailoutbox][1:] == [["amina0@example.org"]] * 2
    assert states() == [("sent",), *[("queued",)] * 3, ("sent",), ("sent",)]


def test_the_rest_of_a_publication_waits_behind_that_of_another(monkeypatch, mailoutbox):
    monkeypatch.setattr(letters, "SLICE", 0)
    large, other = published(3), published(2, "other")
    order = []
    sweep()
    for one in (large, other):
        send(one.pk)
    while waiting := ProcrastinateJob.objects.filter(status="todo").order_by("-priority", "id").first():
        order.append(waiting.args["cycle_id"])
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [waiting.pk])
        send(waiting.args["cycle_id"])
    assert order == [large.pk, other.pk, large.pk]
    assert (len(mailoutbox), states()) == (5, [("sent",)] * 5)


def test_single_letters_are_sent_oldest_first_whatever_their_cycle(mailoutbox):
    one, other = cycle(), cycle("other")
    for number, which in enumerate((one, other, one)):
        submitted(which, f"amina{number}@example.org")
    assert send_singles() is False
    assert [mail.to[0][5] for mail in mailoutbox] == ["0", "1", "2"]


def test_a_job_for_many_single_letters_gives_way_too(monkeypatch, mailoutbox):
    monkeypatch.setattr(letters, "SLICE", 0)
    confirmations(2)
    sweep()
    send_to_single_people()
    assert (len(mailoutbox), waiting_jobs()) == (1, [(SEND_SINGLES, None)])


def test_a_job_that_finds_nothing_opens_no_connection(monkeypatch):
    one = published(1)
    assert send_slice(one) is False
    away(monkeypatch)
    assert (send_slice(one), send_singles()) == (False, False)


def written(one, count, state, kind="outcome", first=1_000_000):
    """That many letters to applications that are not there."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO letters (application_id, admission_cycle_id, kind, sequence, language, mail_id, state,"
            " attempts, fault, bounce, queued_at, due_at, sent_at)"
            " SELECT n, %s, %s, 1, 'en', gen_random_uuid(), %s, 0, '', '', now(), now(),"
            " CASE WHEN %s = 'sent' THEN now() END FROM generate_series(%s, %s) AS n",
            [one.pk, kind, state, state, first, first + count - 1],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE letters")


def rows_read(queryset):
    """How many rows the database looks at to find the first of these."""
    told = json.loads(queryset.order_by("pk")[:1].explain(format="json", analyze=True))
    waiting, read = [told[0]["Plan"]], 0
    while waiting:
        node = waiting.pop()
        read += node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        waiting += node.get("Plans", [])
    return read


def test_no_letter_is_looked_for_among_those_of_another_cycle_or_of_a_publication():
    large, other = cycle("large"), cycle("other")
    written(large, 20_000, "sent", kind="submitted")
    written(large, 20_000, "queued", first=2_000_000)
    written(other, 100, "queued", first=3_000_000)
    confirmations(1)
    singles, outcomes = Letter.objects.singles().due(), Letter.objects.outcomes().due()
    assert rows_read(singles) <= 2
    assert rows_read(outcomes.filter(admission_cycle=other)) <= 2
    assert rows_read(outcomes.filter(admission_cycle=large)) <= 2


# -- the mail server is away ----------------------------------------------


def test_what_nobody_takes_stays_queued_and_the_job_is_tried_again(monkeypatch):
    one = published(1)
    confirmations(1, cycle("other"))
    away(monkeypatch)
    with pytest.raises(LettersLeft, match=r"^The mail server cannot be used; the letters stay queued\.$"):
        send_to_single_people()
    with pytest.raises(LettersLeft):
        send(one.pk)
    assert states("attempts") == [("queued", 0)] * 2


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (3, 8), (8, 256), (9, 300), (10_000, 300)])
def test_a_job_is_tried_again_soon_and_then_every_five_minutes(attempts, seconds):
    job = ProcrastinateJob(attempts=attempts)
    decision = Patiently().get_retry_decision(exception=LettersLeft("x"), job=job)
    assert abs((decision.retry_at - timezone.now()).total_seconds() - seconds) < 2


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend", "EMAIL_URL names no mail server."),
        ("SITE_URL", "", "SITE_URL does not say where their links lead."),
        ("DEFAULT_FROM_EMAIL", "Office: <office@uni.example>", "DEFAULT_FROM_EMAIL is not an address."),
    ],
)
def test_a_real_cycle_waits_for_good_settings_and_holds_up_no_other(settings, mailoutbox, setting, value, why):
    confirmations(1, cycle(is_demo=False))
    setattr(settings, setting, value)
    if setting != "DEFAULT_FROM_EMAIL":
        confirmations(1, cycle("other"))
    with pytest.raises(LettersLeft) as refusal:
        send_singles()
    assert str(refusal.value) == f"1 letters of fall-2026 stay queued: {why}"
    assert states("attempts") == [("queued", 0), ("sent", 1)][: Letter.objects.count()]


def test_a_real_cycle_sends_where_the_settings_are_good(settings, mailoutbox):
    confirmations(1, cycle(is_demo=False))
    send_singles()
    assert "https://admissions.example.edu/applications/" in mailoutbox[0].body


def test_a_demo_without_a_site_is_on_this_machine(settings, mailoutbox):
    settings.SITE_URL = ""
    confirmations(1)
    send_singles()
    assert "http://127.0.0.1:8000/applications/" in mailoutbox[0].body


def test_letters_about_outcomes_do_not_go_out_before_publication():
    one = cycle()
    apply(one, applicants(1))
    with pytest.raises(Refused, match="is not published"):
        send_slice(one)


# -- one letter is put off ----------------------------------------------


def put_off(monkeypatch, code=451):
    def not_now(backend, messages):
        raise letters.smtplib.SMTPDataError(code, b"try later")

    monkeypatch.setattr(EmailBackend, "send_messages", not_now)


@pytest.mark.parametrize(("attempts", "minutes"), [(0, 2), (3, 16), (8, 240), (20, 240)])
def test_the_pauses_of_a_letter_grow(monkeypatch, attempts, minutes):
    put_off(monkeypatch)
    confirmations(1)
    Letter.objects.update(attempts=attempts)
    assert send_singles() is False
    [letter] = Letter.objects.all()
    assert (letter.state, letter.attempts, letter.fault) == ("queued", attempts + 1, "SMTPDataError")
    assert abs(letter.due_at - timezone.now() - timedelta(minutes=minutes)) < timedelta(seconds=10)


def test_a_letter_that_is_put_off_for_five_days_fails(monkeypatch):
    put_off(monkeypatch)
    confirmations(1)
    Letter.objects.update(attempts=letters.ATTEMPTS - 1)
    send_singles()
    assert states("fault") == [("failed", "SMTPDataError")]
    pauses = [min(2**attempt, letters.LONGEST_PAUSE) for attempt in range(1, letters.ATTEMPTS)]
    assert 5 * 24 * 60 < sum(pauses) < 5.5 * 24 * 60


# -- what a killed worker left ----------------------------------------------


def test_single_letters_without_a_job_get_one():
    confirmations(2)
    assert recover() == 0
    sweep()
    assert (recover(), recover(), waiting_jobs()) == (1, 0, [(SEND_SINGLES, None)])


def test_a_job_that_waits_for_the_mail_server_is_waited_for_unless_a_worker_begins():
    confirmations(1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '5 minutes'")
    assert (recover(), recover(at_once=True), recover(at_once=True)) == (0, 1, 0)


def test_a_letter_that_is_not_due_yet_gets_no_job():
    one = published(1)
    confirmations(1, cycle("other"))
    Letter.objects.update(due_at=timezone.now() + timedelta(minutes=5))
    sweep()
    assert (recover(), waiting_jobs()) == (0, [])
    assert send_slice(one) is False


@racing
def test_two_workers_at_once_send_each_confirmation_once(mailoutbox):
    confirmations(20)
    together(send_singles, send_singles)
    assert sorted(mail.to[0] for mail in mailoutbox) == sorted(f"amina{number}@example.org" for number in range(20))
    assert states("attempts") == [("sent", 1)] * 20


@racing
@pytest.mark.parametrize("letter", [1, 3])
def test_a_worker_that_is_killed_before_a_delivery_loses_and_doubles_no_confirmation(manage, tmp_path, letter):
    confirmations(4)
    sequence_all()
    mail = {"EMAIL_URL": f"filemail:///{tmp_path}/letters"}
    killed = manage(str(letter), program=["-m", "tests.dying_sender"], env=mail)
    killed.communicate()
    assert (killed.returncode, Letter.objects.filter(state="queued").count()) == (KILLED, 5 - letter)
    again = manage("run_worker", "--once", env=mail)
    _, err = again.communicate()
    assert again.returncode == 0
    parts = [part for path in (tmp_path / "letters").iterdir() for part in path.read_bytes().split(b"-" * 79 + b"\n")]
    sent = [message_from_bytes(part, policy=policy.default)["To"] for part in parts if part.strip()]
    assert sorted(sent) == [f"amina{number}@example.org" for number in range(4)]
    assert states("attempts") == [("sent", 1)] * 4
    assert b"amina" not in err.lower()
