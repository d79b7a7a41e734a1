"""The row of a session decides: it ends by any of seven ways, and its refresh token is exchanged once."""

from datetime import timedelta

import jwt
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from accounts import sessions
from accounts.models import AdminSession, AdminUser, ApplicantSession, User
from accounts.roles import Role
from accounts.tokens import Audience
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Conflict
from tests.clients import applicant_client, staff_client
from tests.racing import together

pytestmark = pytest.mark.django_db

ME, MINE = "/api/v1/admin/auth/me", "/api/v1/auth/sessions"
KINDS = [
    pytest.param(staff_client, AdminSession, ME, Audience.STAFF, id="staff"),
    pytest.param(applicant_client, ApplicantSession, MINE, Audience.APPLICANT, id="applicant"),
]


def pass_time(rows, **amount):
    """Let that much time pass for these sessions."""
    columns = ("created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at", "rotated_at")
    rows.update(**{name: F(name) - timedelta(**amount) for name in columns})


def noted(action):
    sequence_all()
    return list(AuditLog.objects.filter(action=action).order_by("pk").values_list("actor_id", "outcome"))


@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_only_hashes_are_kept(client, model, route, audience):
    one = client()
    with connection.cursor() as cursor:
        row = str(cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t").fetchall())
    assert [text in row for text in (one.tokens.access, one.tokens.refresh)] == [False, False]
    assert bytes(model.objects.get().refresh_sha256) == sessions.tokens.sha256(one.tokens.refresh)


@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_an_access_token_lives_for_minutes(client, model, route, audience):
    said = jwt.decode(client().tokens.access, options={"verify_signature": False})
    minutes = {Audience.STAFF: 5, Audience.APPLICANT: 10}[audience]
    assert said["aud"] == str(audience)
    assert minutes * 60 - (said["exp"] - said["iat"]) in {0, 1}  # a second may end between the two


ENDS = {
    "revoked": lambda rows: rows.update(revoked_at=timezone.now(), revoked_reason="logout"),
    "idle": lambda rows: rows.update(idle_expires_at=timezone.now()),
    "old": lambda rows: rows.update(
        created_at=F("created_at") - timedelta(days=8),
        idle_expires_at=timezone.now(),
        absolute_expires_at=timezone.now(),
    ),
    "disabled": lambda rows: User.objects.update(is_active=False),
    "gone": lambda rows: rows.delete(),
    "rotated twice": lambda rows: rows.update(generation=2, rotated_at=timezone.now()),
    "rotated before": lambda rows: rows.update(generation=1, rotated_at=timezone.now() - sessions.GRACE),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_a_session_that_is_over_is_401_on_the_next_request(client, model, route, audience, end):
    one = client()
    assert one.get(route).status_code == 200
    end(model.objects.all())
    assert one.get(route).status_code == 401


@pytest.mark.parametrize("end", [ENDS[name] for name in ("revoked", "idle", "old", "disabled", "gone")])
@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_a_session_that_is_over_is_not_refreshed(client, model, route, audience, end):
    one = client()
    end(model.objects.all())
    with pytest.raises(AuthenticationFailed):
        sessions.refresh(one.tokens.refresh, audience)


def test_a_staff_record_out_of_use_ends_the_session_of_staff():
    omar = staff_client()
    AdminUser.objects.update(is_active=False)
    assert omar.get(ME).status_code == 401
    with pytest.raises(AuthenticationFailed):
        sessions.refresh(omar.tokens.refresh, Audience.STAFF)


def test_a_request_asks_for_its_session_once():
    omar = staff_client()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        omar.get(ME)
    assert sum("admin_sessions" in query["sql"] for query in asked) == 1


def test_use_keeps_a_session_alive_and_is_noted_once_a_minute():
    omar = staff_client()
    rows = AdminSession.objects.all()
    omar.get(ME)
    before = rows.get().idle_expires_at
    omar.get(ME)
    assert rows.get().idle_expires_at == before
    pass_time(rows, minutes=29)
    omar.get(ME)
    assert rows.get().idle_expires_at > timezone.now() + timedelta(minutes=29)


def test_use_does_not_keep_a_session_alive_beyond_its_last_moment():
    omar = staff_client()
    rows = AdminSession.objects.all()
    last = timezone.now() + timedelta(minutes=3)
    rows.update(last_seen_at=F("last_seen_at") - timedelta(minutes=2), idle_expires_at=last, absolute_expires_at=last)
    omar.get(ME)
    assert rows.get().idle_expires_at == last


@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_the_newer_tokens_of_a_refresh_work(client, model, route, audience):
    one = client()
    newer = sessions.refresh(one.tokens.refresh, audience)
    assert one.get(route).status_code == 200  # requests that were on their way
    assert one.bearing(newer.access).get(route).status_code == 200
    assert sessions.refresh(newer.refresh, audience).access != newer.access


@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_a_token_that_was_exchanged_a_moment_ago_is_told_to_wait_and_harms_nobody(client, model, route, audience):
    one = client()
    newer = sessions.refresh(one.tokens.refresh, audience)
    with pytest.raises(Conflict, match="a moment ago"):
        sessions.refresh(one.tokens.refresh, audience)
    assert one.bearing(newer.access).get(route).status_code == 200
    assert noted("session.reuse") == []


@pytest.mark.parametrize(("client", "model", "route", "audience"), KINDS)
def test_a_token_that_comes_again_later_ends_the_session_for_both(client, model, route, audience):
    one = client()
    newer = sessions.refresh(one.tokens.refresh, audience)
    pass_time(model.objects.all(), seconds=10)
    for token in (one.tokens.refresh, newer.refresh):
        with pytest.raises(AuthenticationFailed):
            sessions.refresh(token, audience)
    assert one.bearing(newer.access).get(route).status_code == 401
    assert model.objects.get().revoked_reason == "reuse"
    assert noted("session.reuse") == [(one.actor.id, "refused")]


def test_a_refresh_token_that_was_signed_and_never_handed_out_is_nothing():
    omar = staff_client()
    claims = sessions.read_refresh(omar.tokens.refresh, Audience.STAFF)
    with pytest.raises(AuthenticationFailed):
        sessions.refresh(sessions.tokens.write(claims, "refresh"), Audience.STAFF)
    assert sessions.refresh(omar.tokens.refresh, Audience.STAFF)


def test_a_token_two_generations_old_ends_the_session_at_once():
    omar = staff_client()
    newer = sessions.refresh(omar.tokens.refresh, Audience.STAFF)
    sessions.refresh(newer.refresh, Audience.STAFF)
    with pytest.raises(AuthenticationFailed):
        sessions.refresh(omar.tokens.refresh, Audience.STAFF)
    assert AdminSession.objects.get().revoked_reason == "reuse"


def test_tokens_of_one_audience_are_nothing_to_the_other():
    omar, amina = staff_client(), applicant_client()
    for tokens, audience in ((omar.tokens, Audience.APPLICANT), (amina.tokens, Audience.STAFF)):
        with pytest.raises(AuthenticationFailed):
            sessions.refresh(tokens.refresh, audience)
        with pytest.raises(AuthenticationFailed):
            sessions.refresh(tokens.access, audience)
    assert (omar.get(MINE).status_code, amina.get(ME).status_code) == (403, 403)
    assert omar.bearing(omar.tokens.refresh).get(ME).status_code == 401


def test_a_member_of_staff_who_signs_in_as_an_applicant_is_an_applicant():
    staff_client(Role.SUPER_ADMIN)
    omar = applicant_client(email="omar@example.org")
    assert (omar.actor.role, omar.get(ME).status_code, omar.get(MINE).status_code) == (Role.APPLICANT, 403, 200)


@pytest.mark.django_db(transaction=True)
def test_of_eight_refreshes_at_once_exactly_one_wins_two_hundred_times_over():
    omar = staff_client()
    tokens = omar.tokens
    for generation in range(1, 201):
        results = together(*[lambda token=tokens.refresh: sessions.refresh(token, Audience.STAFF)] * 8)
        winners = [result for result in results if isinstance(result, sessions.Tokens)]
        assert (len(winners), sum(isinstance(result, Conflict) for result in results)) == (1, 7)
        (tokens,) = winners
        row = AdminSession.objects.get()
        assert (row.generation, row.revoked_at) == (generation, None)
