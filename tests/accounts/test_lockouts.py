"""Guessing is slow, nobody is locked for good, and nobody locks somebody else out from afar."""

from datetime import timedelta

import pytest
from django.db.models import F
from rest_framework.exceptions import Throttled

from accounts import lockouts, second_factor
from accounts.lockouts import attempt, succeeded
from accounts.models import AttemptCounter, User
from tests.clients import api
from tests.factories import omar
from tests.racing import together
from tests.visitors import PASSWORD, Browser

pytestmark = pytest.mark.django_db

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def pass_time(seconds):
    AttemptCounter.objects.update(window_ends_at=F("window_ends_at") - timedelta(seconds=seconds))


def tries(number, address=HOME, account="omar@example.org"):
    """What comes of each of so many attempts: True, or the seconds to wait."""
    results = []
    for _ in range(number):
        try:
            attempt(account, address)
            results.append(True)
        except Throttled as refusal:
            results.append(round(refusal.wait, -1))
    return results


def test_five_failures_lock_for_a_quarter_of_an_hour():
    assert tries(7) == [True] * 5 + [900, 900]
    pass_time(890)
    assert tries(1) == [10]
    pass_time(11)
    assert tries(1) == [True]


def test_ten_failures_lock_for_two_hours_and_each_one_after_again():
    tries(5)
    pass_time(901)
    assert tries(6) == [True] * 5 + [7200]
    pass_time(7201)
    assert tries(2) == [True, 7200]


def test_a_lock_that_is_long_over_is_forgotten():
    tries(5)
    pass_time(900 + 7201)
    assert tries(6) == [True] * 5 + [900]


def test_whoever_gets_in_begins_anew():
    tries(4)
    succeeded("omar@example.org", HOME)
    assert tries(6) == [True] * 5 + [900]


def test_a_lock_holds_for_one_address_and_one_account():
    tries(5)
    assert tries(1, ELSEWHERE) == [True]
    assert tries(1, account="aiza@example.org") == [True]


def test_an_account_that_is_guessed_at_from_everywhere_slows_down_but_stays_open():
    for number in range(20):
        assert tries(1, f"203.0.113.{number}") == [True]
    assert tries(2, ELSEWHERE) == [True, 10]
    pass_time(lockouts.SLOW_SECONDS)
    assert tries(1, ELSEWHERE) == [True]


def test_waiting_for_a_slow_account_does_not_lock_the_owner_out():
    for number in range(21):
        tries(1, f"203.0.113.{number}")
    assert tries(9, ELSEWHERE) == [10] * 9
    pass_time(lockouts.SLOW_SECONDS)
    assert tries(1, ELSEWHERE) == [True]


def test_getting_in_is_no_failure_of_the_account():
    for number in range(40):
        assert tries(1, f"203.0.113.{number}") == [True]
        succeeded("omar@example.org", f"203.0.113.{number}")


def test_whoever_signs_in_by_the_pages_or_the_api_begins_anew():
    omar()
    codes = second_factor.enrol(User.objects.get()).recovery_codes
    body = {"email": "omar@example.org", "password": PASSWORD}
    for code in codes[:2]:
        for _ in range(4):
            Browser().sign_in_by_password("omar@example.org", "wrong")
        assert api().post("/api/v1/admin/auth/login", {**body, "code": code}).status_code == 200
    for _ in range(2):
        for _ in range(4):
            Browser().sign_in_by_password("omar@example.org", "wrong")
        page = Browser().sign_in_by_password("omar@example.org")
        assert page.redirect_chain[0][0] == "/accounts/2fa/authenticate/"


@pytest.mark.django_db(transaction=True)
def test_of_fifty_guesses_at_once_five_are_looked_at():
    AttemptCounter.objects.all().delete()
    results = together(*[lambda: attempt("omar@example.org", HOME)] * 50)
    assert [result for result in results if not isinstance(result, Throttled)] == [None] * 5


def test_no_counter_names_anybody():
    tries(1)
    kept = str(list(AttemptCounter.objects.values()))
    assert "omar" not in kept
    assert HOME not in kept
