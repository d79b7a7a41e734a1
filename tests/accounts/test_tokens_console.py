"""Machines' tokens in the console: made, shown once, ended after being asked again."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ServiceToken
from accounts.roles import Role
from accounts.tokens import sha256
from audit.models import AuditLog
from audit.sequencer import sequence_all
from tests.visitors import member, staff_browser

pytestmark = pytest.mark.django_db

LIST, ADD = "/console/accounts/servicetoken/", "/console/accounts/servicetoken/token/add/"
TOKEN = re.compile(r'<p class="secret code" dir="ltr">(\S+)</p>')


@pytest.fixture
def officer():
    return staff_browser(Role.ADMIN)[0]


def asked(**changes):
    day = timezone.localdate() + timedelta(days=7)
    return {"name": "carrier", "verb": "batches.export", "cycle": "fall-2026", "last_day": day.isoformat(), **changes}


def test_a_token_is_shown_once_and_only_its_hash_is_kept(officer):
    answer = officer.post(ADD, asked())
    [text] = TOKEN.findall(answer.content.decode())
    row = ServiceToken.objects.get()
    assert (bytes(row.token_sha256), "no-store" in answer.headers["Cache-Control"]) == (sha256(text), True)
    sequence_all()
    log = "".join(AuditLog.objects.values_list("body", flat=True))
    pages = "".join(officer.get(path).content.decode() for path in (LIST, f"{LIST}{row.pk}/change/"))
    assert (text in log, text in pages, sha256(text).hex() in pages) == (False, False, False)
    assert row.expires_at.date() == timezone.localdate() + timedelta(days=8)


@pytest.mark.parametrize(("days", "lives"), [(89, 90), (90, 90)])
def test_its_last_day_may_be_the_ninetieth(officer, days, lives):
    officer.post(ADD, asked(last_day=(timezone.localdate() + timedelta(days=days)).isoformat()))
    assert ServiceToken.objects.get().expires_at <= timezone.now() + timedelta(days=lives)


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"verb": "people.manage"}, {"cycle": "no code"}, {"last_day": "2020-01-01"}]
)
def test_what_no_token_can_be_is_refused(officer, wrong):
    answer = officer.post(ADD, asked(**wrong))
    assert (answer.status_code, ServiceToken.objects.count()) == (422, 0)
    assert "<title>Error: " in answer.content.decode()


def test_too_long_a_life_is_told_in_words(officer):
    far = timezone.localdate() + timedelta(days=200)
    assert "within 90 days" in officer.post(ADD, asked(last_day=far.isoformat())).content.decode()


def test_a_token_is_ended_after_being_asked(officer):
    officer.post(ADD, asked())
    row = ServiceToken.objects.get()
    place = f"/console/accounts/servicetoken/token/{row.pk}/end/"
    assert "Yes, do it" in officer.get(place).content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None
    assert "The token has ended" in officer.post(place).content.decode()
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert place not in officer.get(LIST).content.decode()
    sequence_all()
    assert AuditLog.objects.filter(action="token.revoke").count() == 1


def test_a_token_that_is_not_there_cannot_be_ended(officer):
    assert (
        officer.get("/console/accounts/servicetoken/token/00000000-0000-0000-0000-000000000000/end/").status_code == 404
    )


def test_an_empty_list_says_what_to_do(officer):
    assert "Make one for a script" in officer.get(LIST).content.decode()


@pytest.mark.parametrize("count", [3, 60])
def test_the_list_costs_the_same_queries_however_many_there_are(officer, count):
    maker, now = member(), timezone.now()
    ServiceToken.objects.bulk_create(
        ServiceToken(
            name=f"carrier {number}",
            verb="batches.export",
            cycle_code="fall-2026",
            token_sha256=bytes([number]) * 32,
            made_by=maker,
            created_at=now - timedelta(days=2),
            expires_at=now + timedelta(days=1 if number % 2 else -1),
        )
        for number in range(count)
    )
    with CaptureQueriesContext(connection) as queries:
        page = officer.get(LIST).content.decode()
    assert (len(queries), "Run out" in page, "In use" in page) == (7, True, True)
