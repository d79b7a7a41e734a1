"""Deciding by command: it lists what waits, scores it, or sets it aside."""

import json

import pytest
from django.test import override_settings

from admissions.models.applications import Application
from admissions.models.blind import FinalScore
from admissions.preprocessing import preprocess_chunk
from enigma.keys import keyring
from tests.factories import damage, lead, led_to, statuses, typed, waiting

pytestmark = pytest.mark.django_db


def told(*arguments):
    """Type a command with ``--json``; return the object that it prints."""
    code, text = typed(*arguments, "--json")
    assert code == 0, text
    return json.loads(text)


def test_decide_lists_what_waits():
    one = led_to("processing")
    assert typed("decide", "fall-2026") == (0, "nothing waits for a person\n")
    final, unreadable = waiting(one), Application.objects.last()
    Application.objects.filter(pk=unreadable.pk).update(status="failed")
    reasons = {
        final.pk.hex: "the judge rejected all 3 attempts",
        unreadable.reference: "no blind copy could be made of it",
    }
    assert told("decide", "fall-2026") == {"waiting": [{"id": i, "reason": reason} for i, reason in reasons.items()]}
    assert typed("decide", "fall-2026")[1] == "".join(f"{i}  {reason}\n" for i, reason in reasons.items())


def test_decide_scores():
    final = waiting(led_to("processing"))
    arguments = ("--scores", "80,70,60,50", "--reason", "read by two of us")
    assert typed("decide", "fall-2026", final.pk.hex, *arguments) == (0, f"decided {final.pk.hex}\n")
    assert FinalScore.objects.values_list("status", "total").get() == ("scored", 66.5)


def test_decide_sets_aside():
    final = waiting(led_to("processing"))
    given = told("decide", "fall-2026", final.pk, "--set-aside", "--reason", "not theirs")
    assert given == {"code": "fall-2026", "id": str(final.pk)}
    assert FinalScore.objects.get().status == "set_aside"


def test_decide_acknowledges_what_does_not_open():
    one = led_to("frozen")
    application = Application.objects.first()
    damage(application)
    lead(one, "preprocessing")
    assert typed("decide", "fall-2026", application.reference, "--set-aside", "--reason", "lost")[0] == 0
    assert Application.objects.get(pk=application.pk).set_aside_reason == "lost"
    scores = typed("decide", "fall-2026", application.reference, "--scores", "1,1,1,1", "--reason", "lost")
    assert scores == (2, "An application that failed can only be set aside.")


FOUR = "--scores takes four numbers: academic,test,achievement,essay."
IN_RANGE = "Scores are four numbers from 0 to 100 with up to four decimals: academic, test, achievement, essay."
REASON = ["--reason", "read by two of us"]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ([], (2, "Say --scores or --set-aside.")),
        (["--scores", "1,2,3", *REASON], (2, FOUR)),
        (["--scores", "1,2,3,x", *REASON], (2, FOUR)),
        (["--scores", "1,2,3,NaN", *REASON], (2, IN_RANGE)),
        (["--scores", "1,2,3,9999", *REASON], (2, IN_RANGE)),
        (["--scores", "1,2,3,4"], (2, "A decision by a person needs a reason.")),
        (
            ["--set-aside", *REASON, "--actor", "sam@example.org"],
            (3, "There is no active member of staff with this address."),
        ),
    ],
)
def test_decide_refuses(arguments, refusal):
    final = waiting(led_to("processing"))
    assert typed("decide", "fall-2026", final.pk.hex, *arguments) == refusal
    assert FinalScore.objects.get().status == "waiting"


def test_decide_refuses_what_is_no_id_and_what_is_decided():
    final = waiting(led_to("processing"))
    aside = ("--set-aside", "--reason", "r")
    assert typed("decide", "fall-2026", "amina", *aside) == (2, "'amina' is not a blind id.")
    typed("decide", "fall-2026", final.pk.hex, *aside)
    assert typed("decide", "fall-2026", final.pk.hex, *aside) == (4, f"{final.pk.hex} does not wait for a person.")


def test_decide_tries_again_what_failed_for_want_of_a_master_key(settings):
    one = led_to("frozen")
    new, old = "bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM=", settings.ENIGMA_FERNET_KEYS
    with override_settings(ENIGMA_FERNET_KEYS=[new, *old]):
        wrapped = keyring().rewrap(one.wrapped_key)
        one.wrapped_key, one.key_id = wrapped.token, wrapped.key_id
        one.save(update_fields=["wrapped_key", "key_id"])
    with override_settings(ENIGMA_FERNET_KEYS=[new]):
        lead(one, "preprocessing")
    assert statuses(one) == {"failed": 3}
    arguments = ("decide", "fall-2026", "--retry-failed", "--reason", "the old key is back")
    with override_settings(ENIGMA_FERNET_KEYS=[new, *old]):
        assert typed(*arguments) == (0, "3 applications of fall-2026 are tried again\n")
        assert (preprocess_chunk(one), statuses(one)) == (3, {"batch_ready": 3})
        assert told(*arguments) == {"code": "fall-2026", "retried": 0}


def test_decide_tries_all_again_or_nobody():
    led_to("preprocessing")
    refusal = (2, "--retry-failed takes all that failed, and no id.")
    assert typed("decide", "fall-2026", "7K3M-9Q2X-4TBH", "--retry-failed", *REASON) == refusal
