"""Taking steps by command: one line or one object on stdout, refusals on stderr with an exit code."""

import json

import pytest
from django.core import mail

from accounts.models import AdminUser
from accounts.roles import Role
from admissions.models.cycles import AdmissionCycle
from audit.models import AuditLog
from audit.sequencer import sequence_all
from tests.factories import everything, led_to, omar, statuses, typed

pytestmark = pytest.mark.django_db


def told(*arguments):
    """Type a command with ``--json``; return the object that it prints."""
    code, text = typed(*arguments, "--json")
    assert code == 0, text
    return json.loads(text)


def test_advance_takes_the_step_and_says_one_line():
    led_to("submission")
    code, line = typed("advance", "fall-2026", "freeze")
    assert (code, line.count("\n")) == (0, 1)
    assert line.startswith("freeze led fall-2026 from submission to frozen: applications 3, ")
    assert AdmissionCycle.objects.get().phase == "frozen"


def test_advance_says_the_same_in_json():
    led_to("frozen")
    assert told("advance", "fall-2026", "start_preprocessing", "--wait") == {
        "code": "fall-2026",
        "step": "start_preprocessing",
        "dry_run": False,
        "from": "frozen",
        "to": "preprocessing",
        "heads_before": {"finalized": 3},
        "heads_after": {"preprocessing": 3},
        "applications": 3,
        "jobs": 1,
        "scrubbed": 3,
    }
    assert statuses(AdmissionCycle.objects.get()) == {"batch_ready": 3}


def test_without_wait_the_work_is_left_to_the_workers():
    one = led_to("frozen")
    typed("advance", "fall-2026", "start_preprocessing")
    assert statuses(one) == {"preprocessing": 3}


def test_waiting_for_the_publication_sends_the_letters():
    led_to("selection")
    assert told("advance", "fall-2026", "publish_results", "--wait")["letters_sent"] == len(mail.outbox) == 3


def test_letters_that_could_not_be_sent_are_a_problem_found_and_no_refusal(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    led_to("selection")
    refusal = typed("advance", "fall-2026", "publish_results", "--wait")
    assert refusal == (1, "3 letters were not sent; see cycle_status.")
    assert AdmissionCycle.objects.get().phase == "published"


def test_waiting_for_a_step_without_work_waits_for_nothing():
    led_to("submission")
    assert told("advance", "fall-2026", "freeze", "--wait")["heads_after"] == {"finalized": 3}


def test_a_rehearsed_step_says_what_it_would_do_and_keeps_nothing():
    led_to("submission")
    before = everything()
    code, line = typed("advance", "fall-2026", "freeze", "--dry-run", "--wait")
    assert (code, line.split(":")[0]) == (0, "freeze would lead fall-2026 from submission to frozen")
    assert everything() == before


def test_advance_leaves_nothing_waiting_for_the_log():
    led_to("published")
    assert told("advance", "fall-2026", "complete")["to"] == "completed"
    assert AuditLog.objects.filter(action="cycle.complete").count() == 1


def test_a_step_is_audited_under_the_officer_who_took_it():
    officer, _ = omar(), led_to("submission")
    typed("advance", "fall-2026", "freeze", "--actor", "Omar@example.org", "--reason", "the deadline has passed")
    entry = AuditLog.objects.get(action="cycle.freeze")
    assert (entry.actor_id, entry.role, entry.details["reason"]) == (officer.id, "admin", "the deadline has passed")


STRANGER = "There is no active member of staff with this address."


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["fall-2027", "freeze"], (2, "There is no cycle 'fall-2027'. There are: fall-2026.")),
        (["fall-2026", "complete"], (3, "complete needs the phase published, but fall-2026 is in submission.")),
        (["fall-2026", "freeze", "--actor", "sam@example.org"], (3, STRANGER)),
        (["fall-2026", "freeze", "--actor", "left@example.org"], (3, STRANGER)),
        (
            ["fall-2026", "freeze", "--actor", "aiza@example.org"],
            (3, "The role auditor does not include cycle.freeze."),
        ),
        (
            ["fall-2026", "freeze", "--actor", "rana@example.org"],
            (3, "The role reviewer does not include cycle.freeze."),
        ),
        (
            ["fall-2026", "freeze", "--reason", "omar@example.org said so"],
            (3, "The audit log takes no personal data, but an e-mail address stands in this entry."),
        ),
    ],
)
def test_advance_refuses(arguments, refusal):
    led_to("submission")
    omar(Role.AUDITOR, email="aiza@example.org")
    omar(Role.REVIEWER, email="rana@example.org")
    omar(Role.ADMIN, email="left@example.org")
    AdminUser.objects.filter(user__email="left@example.org").update(is_active=False)
    sequence_all()
    before = everything()
    assert typed("advance", *arguments) == refusal
    assert everything() == before


@pytest.mark.parametrize(("answer", "phase"), [("n", "submission"), ("", "submission"), ("Yes", "frozen")])
def test_somebody_at_a_terminal_is_asked_first(monkeypatch, answer, phase):
    led_to("submission")
    monkeypatch.setattr("enigma.operation.sys.stdin.isatty", lambda: True)
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
    code, _ = typed("advance", "fall-2026", "freeze")
    assert asked == ["freeze takes fall-2026 on from submission and cannot be undone. Go on? [y/N] "]
    assert (code, AdmissionCycle.objects.get().phase) == (0 if phase == "frozen" else 2, phase)


def test_yes_answers_the_question_beforehand(monkeypatch):
    led_to("submission")
    monkeypatch.setattr("enigma.operation.sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: pytest.fail("it was asked"))
    assert typed("advance", "fall-2026", "freeze", "--yes")[0] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["advance", "fall-2026", "freeze"], 0, b""),
        (["advance", "fall-2026", "jump"], 2, b"invalid choice: 'jump'"),
        (["advance", "spring", "freeze"], 2, b"There is no cycle 'spring'"),
        (["advance", "fall-2026", "complete"], 3, b"complete needs the phase published"),
        (["create_cycle", "fall-2026", "--name", "N", "--seats", "1"], 4, b"There is a cycle fall-2026 already"),
    ],
)
def test_the_shell_gets_the_exit_code_and_a_sentence_on_stderr(manage, arguments, code, told):
    led_to("submission")
    process = manage(*arguments)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, told in err, b"Traceback" in err, bool(out)) == (code, True, False, code == 0)
