"""Accounts of people who asked for a code."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts import newcomers
from accounts.models import User
from accounts.newcomers import confirm_address, person_for, purge_unconfirmed
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Malformed
from tests.clients import applicant_client
from tests.factories import omar
from tests.racing import together
from tests.visitors import Browser

pytestmark = pytest.mark.django_db

TOMORROW = timedelta(days=1, seconds=1)


def test_an_address_is_one_person():
    first = person_for(" Amina@Example.org ")
    assert (person_for("amina@example.org"), first.email) == (first, "amina@example.org")
    assert (User.objects.count(), EmailAddress.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_the_same_person():
    first, second = together(lambda: person_for("amina@example.org"), lambda: person_for("amina@example.org"))
    assert (first, User.objects.count()) == (second, 1)


@pytest.mark.parametrize(
    "email", ["\u017fam@example.org", f"sam@{'ü' * 60}.org", "sam@b\u0378c.org", "sam@\uff45xample.org"]
)
def test_an_address_that_no_mail_server_takes_makes_nobody(email):
    with pytest.raises(Malformed, match="of the address"):
        person_for(email)
    assert User.objects.count() == 0


def test_who_asked_and_never_came_is_forgotten_after_a_day():
    person_for("sam@example.org")
    assert purge_unconfirmed(timezone.now()) == 0
    assert purge_unconfirmed(timezone.now() + TOMORROW) == 1
    assert (User.objects.count(), EmailAddress.objects.count()) == (0, 0)
    sequence_all()
    assert AuditLog.objects.get().details == {"rows": 1}


def test_who_asks_again_waits_anew():
    person_for("sam@example.org")
    User.objects.update(date_joined=timezone.now() - TOMORROW)
    person_for("sam@example.org")
    assert purge_unconfirmed(timezone.now()) == 0


def test_who_came_by_any_door_stays():
    Browser().sign_in_by_code("amina@example.org")
    applicant_client(email="app@example.org")
    omar()
    EmailAddress.objects.all().delete()
    confirm_address(person_for("vouched@example.org"))
    assert purge_unconfirmed(timezone.now() + TOMORROW) == 0
    assert User.objects.count() == 4


def test_many_are_forgotten_in_parts(monkeypatch):
    monkeypatch.setattr(newcomers, "CHUNK", 2)
    for number in range(5):
        person_for(f"sam{number}@example.org")
    assert purge_unconfirmed(timezone.now() + TOMORROW) == 5
