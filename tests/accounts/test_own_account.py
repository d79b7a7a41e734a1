"""What an account holds of its owner."""

import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from accounts import second_factor
from accounts.own_account import account_of, close_account, demand_no_staff
from enigma.errors import Denied, Refused
from tests.clients import applicant_client
from tests.factories import applicant, omar

pytestmark = pytest.mark.django_db


def test_an_account_is_told_without_its_secrets():
    applicant_client()
    user, _ = applicant()
    user.set_password("a long enough password")
    user.save()
    enrolled = second_factor.enrol(user)
    told = account_of(user)
    assert (told["email"], told["id"], told["has_password"]) == ("amina@example.org", f"user:{user.pk}", True)
    assert [one["type"] for one in told["second_factors"]] == ["totp", "recovery_codes"]
    assert len(told["sessions_of_apps"]) == 1
    text = json.dumps(told, cls=DjangoJSONEncoder)
    assert not [secret for secret in (enrolled.secret, user.password, *enrolled.recovery_codes) if secret in text]


def test_who_is_staff_keeps_the_account():
    omar(email="amina@example.org")
    user, actor = applicant()
    with pytest.raises(Refused):
        demand_no_staff(user)
    with pytest.raises(Refused):
        close_account(user, actor=actor)


def test_only_an_applicant_closes_an_account():
    with pytest.raises(Denied):
        close_account(applicant()[0], actor=omar())


def test_what_a_provider_vouched_for_is_told_and_forgotten(monkeypatch):
    class Linked:
        provider, uid, gone = "school", "4711", False

        def delete(self):
            self.gone = True

    linked = Linked()
    monkeypatch.setattr("accounts.own_account._linked", lambda user: [linked])
    user, actor = applicant()
    assert account_of(user)["sign_in_by_others"] == [{"provider": "school", "uid": "4711"}]
    close_account(user, actor=actor)
    assert linked.gone
