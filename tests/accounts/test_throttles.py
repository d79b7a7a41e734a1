"""Limits are counted in the database, by actor or else by address, and never by what a client says of itself."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import RequestFactory
from rest_framework.exceptions import Throttled

from accounts.callers import address_of
from accounts.models import AttemptCounter
from accounts.throttles import count, limit, purge_counters
from tests.clients import api, applicant_client, staff_client
from tests.racing import together
from tests.visitors import Browser

pytestmark = pytest.mark.django_db

ME = "/api/v1/admin/auth/me"


def pass_time(**amount):
    AttemptCounter.objects.update(window_ends_at=F("window_ends_at") - timedelta(**amount))


def test_one_too_many_is_told_how_long_to_wait(settings):
    settings.RATES = {"default": (2, 60)}
    client = staff_client()
    answers = [client.get(ME) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 58 <= int(answers[2]["Retry-After"]) <= 60


def test_a_new_window_begins_when_the_old_one_is_over(settings):
    settings.RATES = {"default": (2, 60)}
    for _ in range(3):
        with pytest.raises(Throttled) if _ == 2 else pytest.MonkeyPatch.context():
            limit("default", "x")
    pass_time(seconds=61)
    limit("default", "x")
    assert AttemptCounter.objects.get().count == 1


def test_people_are_counted_apart(settings):
    settings.RATES = {"default": (1, 60)}
    omar, aiza, amina = staff_client(), staff_client(email="aiza@example.org"), applicant_client()
    mine = "/api/v1/auth/sessions"
    assert [omar.get(ME).status_code, aiza.get(ME).status_code, amina.get(mine).status_code] == [200] * 3
    assert [omar.get(ME).status_code, aiza.get(ME).status_code, amina.get(mine).status_code] == [429] * 3


def test_who_has_not_signed_in_is_counted_by_address(settings):
    settings.RATES = {"token": (1, 60)}
    body = {"challenge": "x", "code": "x"}
    told = [api().post("/api/v1/auth/token", body, REMOTE_ADDR=f"192.0.2.{last}").status_code for last in (1, 1, 2)]
    assert told == [401, 429, 401]


@pytest.mark.parametrize(
    ("proxies", "headers", "address"),
    [
        (0, {}, "192.0.2.1"),
        (0, {"X-Forwarded-For": "203.0.113.9"}, "192.0.2.1"),
        (1, {"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9"),
        (1, {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9"),
        (2, {"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"),
        (1, {}, "192.0.2.1"),
        (1, {"X-Forwarded-For": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        (1, {"X-Forwarded-For": "::ffff:203.0.113.9"}, "203.0.113.9"),
        (1, {"X-Forwarded-For": "rubbish"}, "rubbish"),
    ],
)
def test_an_address_is_what_trusted_proxies_say(settings, proxies, headers, address):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    assert address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")) == address


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_is_counted():
    tallies = together(*[lambda: count("default", "x", seconds=60).count] * 20)
    assert sorted(tallies) == list(range(1, 21))


def test_old_counters_are_purged():
    limit("default", "old")
    pass_time(days=1, seconds=61)
    limit("default", "new")
    assert (purge_counters(), AttemptCounter.objects.count()) == (1, 1)


def test_the_page_for_codes_and_the_api_share_one_count_by_the_address_of_the_client(settings):
    settings.RATES = {"code": (2, 60)}
    told = [Browser().ask_for_code(f"sam{number}@example.org").content.decode() for number in range(3)]
    assert ["tried too often" in page for page in told] == [False, False, True]
    assert api().post("/api/v1/auth/code", {"email": "amina@example.org"}).status_code == 429
