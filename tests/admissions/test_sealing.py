"""The rules of a cycle are sealed by its freeze: every field, by the model and by the database."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction

from accounts.actors import operator
from admissions.models.cycles import AdmissionCycle
from admissions.selection import seed
from audit.models import LogHead
from audit.sequencer import sequence_all
from enigma.errors import Refused
from tests.factories import (
    cycle,
    everything,
    led_to,
)

pytestmark = pytest.mark.django_db

TOKEN = "gAAAAABother"
OTHER = {  # another value for every field that the freeze seals
    "code": "another",
    "name": "Another name",
    "ref": uuid.UUID(int=1),
    "seats": 99,
    "opens_at": datetime(2026, 1, 1, tzinfo=UTC),
    "closes_at": datetime(2026, 2, 1, tzinfo=UTC),
    "results_at": datetime(2026, 3, 1, tzinfo=UTC),
    "rubric_version": "1999-1",
    "weight_academic": "0.1",
    "weight_test": "0.1",
    "weight_achievement": "0.1",
    "weight_essay": "0.1",
    "tests": {"SAT": [0, 1]},
    "gpa_scale": "5",
    "essay_max": 1,
    "achievements_max": 1,
    "judge_policy": "none",
    "attempts_allowed": 1,
    "tie_break": ["seed"],
    "is_demo": False,
    "tie_secret_sha256": bytes(32),
    "log_salt": bytes(32),
    "sealed_tie_secret": TOKEN,
}


def test_every_field_is_sealed_or_belongs_to_the_steps_or_to_the_rotation_of_keys():
    fields = {field.attname for field in AdmissionCycle._meta.concrete_fields}
    free = {*AdmissionCycle.changed_by_steps, *AdmissionCycle.changed_by_rotation}
    assert fields == {"id", *OTHER, *free}


@pytest.mark.parametrize("field", OTHER)
def test_a_sealed_field_cannot_be_saved_after_the_freeze(field):
    one = led_to("frozen")
    setattr(one, field, OTHER[field])
    with pytest.raises(Refused, match=rf"is sealed since the freeze: {field} cannot change\.$"):
        one.save()


@pytest.mark.parametrize("field", OTHER)
def test_naming_a_sealed_field_in_the_save_does_not_help(field):
    one = led_to("frozen")
    setattr(one, field, OTHER[field])
    with pytest.raises(Refused, match=rf"is sealed since the freeze: {field} cannot change\.$"):
        one.save(update_fields=[field, "phase"])


@pytest.mark.parametrize("field", [*OTHER, "tie_seed"])
def test_the_database_refuses_to_change_a_sealed_field_too(field):
    one = led_to("frozen")
    with pytest.raises(DatabaseError, match="the rules of a cycle are sealed since its freeze"):
        AdmissionCycle.objects.filter(pk=one.pk).update(**{field: OTHER.get(field, bytes(32))})


@pytest.mark.parametrize("phase", ["published", "completed"])
def test_the_seal_holds_to_the_end(phase):
    one = led_to(phase)
    with pytest.raises(DatabaseError, match="the rules of a cycle are sealed since its freeze"):
        AdmissionCycle.objects.filter(pk=one.pk).update(seats=99)


def test_rules_may_change_while_applications_come_in():
    one = led_to("submission")
    one.seats, one.tie_break = 3, ["seed"]
    one.save()
    stored = AdmissionCycle.objects.get()
    assert (stored.seats, stored.tie_break) == (3, ["seed"])


def test_a_sealed_cycle_can_be_saved_as_it_is():
    one = led_to("frozen")
    before = everything()
    one.save()
    assert everything() == before


def test_keys_may_be_wrapped_anew_after_the_freeze():
    one = led_to("frozen")
    AdmissionCycle.objects.filter(pk=one.pk).update(wrapped_key=TOKEN, key_id="00000000")
    assert AdmissionCycle.objects.get().key_id == "00000000"


def test_whoever_still_holds_the_cycle_from_before_the_freeze_cannot_open_it_again():
    one = led_to("submission")
    stale = AdmissionCycle.objects.get()
    one.freeze(actor=operator())
    with pytest.raises(DatabaseError, match="no step leads from frozen to submission"), transaction.atomic():
        stale.save()
    assert AdmissionCycle.objects.get().phase == "frozen"


def test_the_seed_mixes_the_committed_secret_with_the_head_of_the_public_log():
    one = led_to("submission")
    sequence_all()
    head = bytes(LogHead.objects.get().chain_hash)
    one.freeze(actor=operator())
    assert bytes(AdmissionCycle.objects.get().tie_seed) == seed(one.tie_secret(), log_head=head)


def test_the_cycle_after_the_last_one_has_a_secret_of_its_own():
    assert cycle("one").tie_secret() != cycle("two").tie_secret()
