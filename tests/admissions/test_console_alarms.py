"""What of the cycles wants a person: deadlines near and past, steps that were not taken."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import operator
from admissions.console.alarms import deadlines, letters, steps
from admissions.models.applications import Application
from admissions.models.letters import Letter
from admissions.models.runs import StepRun
from audit.sequencer import sequence_all
from enigma.console.registry import Level
from tests.factories import applicants, apply, cycle

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def told(watch):
    return [(one.level, str(one.text)) for one in watch(None)]


def ended(of, state, *, ago=HOUR, **about):
    """A run of a step that has ended so."""
    at = timezone.now() - ago
    facts = {} if state == "done" else None
    about = {"step": "freeze", "actor_type": "staff", "actor_id": "user:7", **about}
    return StepRun.objects.create(
        admission_cycle=of, state=state, created_at=at, started_at=at, finished_at=at, facts=facts, **about
    )


@pytest.mark.parametrize(
    ("left", "wanted"),
    [
        (25 * HOUR, []),
        (23 * HOUR, [(Level.WARN, "fall-2026 closes within a day.")]),
        (-HOUR, [(Level.BAD, "fall-2026 has closed, and is not frozen yet.")]),
    ],
)
def test_a_deadline_is_told_a_day_before_and_until_the_freeze(left, wanted):
    cycle(closes_at=timezone.now() + left)
    assert told(deadlines) == wanted


def test_a_cycle_without_a_deadline_or_after_the_freeze_is_none():
    closed = cycle(closes_at=timezone.now() + HOUR)
    apply(closed, applicants(1))
    sequence_all()
    closed.freeze(actor=operator())
    cycle("spring-2027")
    assert told(deadlines) == []


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("failed", [(Level.BAD, "The step freeze of fall-2026 met a fault and was not taken.")]),
        ("refused", [(Level.WARN, "The step freeze of fall-2026 was refused.")]),
        ("done", []),
    ],
)
def test_a_step_that_was_not_taken_is_told(state, wanted):
    ended(cycle(), state)
    assert told(steps) == wanted


def test_a_step_of_long_ago_a_trial_and_one_that_was_tried_again_are_not():
    old, trial, again = (cycle(code) for code in ("old", "trial", "again"))
    ended(old, "failed", ago=25 * HOUR)
    ended(trial, "refused", dry_run=True)
    ended(again, "failed", ago=2 * HOUR)
    ended(again, "done")
    assert told(steps) == []


def test_many_cycles_cost_two_queries():
    for number in range(5):
        ended(cycle(f"c-{number}", closes_at=timezone.now() + HOUR), "failed")
    with CaptureQueriesContext(connection) as asked:
        assert (len(told(deadlines)), len(told(steps))) == (5, 5)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("about", "is_told"),
    [
        ({"state": "failed", "fault": "SMTPDataError"}, True),
        ({"state": "bounced", "bounce": "5.1.1", "sent_at": timezone.now()}, True),
        ({"state": "failed", "fault": Letter.ERASED}, False),
        ({"state": "failed", "fault": "SMTPDataError", "queued_at": timezone.now() - 8 * 24 * HOUR}, False),
        ({"state": "queued"}, False),
    ],
)
def test_letters_that_did_not_arrive_are_told_for_a_week(about, is_told):
    to = cycle()
    apply(to, applicants(1))
    Letter.objects.all().delete()
    letter = {"admission_cycle": to, "application": Application.objects.get(), "kind": "submitted", "language": "en"}
    Letter.objects.create(**letter, **about)
    assert [one.url for one in letters(None)] == (["/console/admissions/letter/"] if is_told else [])
