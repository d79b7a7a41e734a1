"""Signing in by the API: one answer for whatever was wrong, codes that are used once, and no door beside the door."""

import re
import time
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from unittest.mock import Mock

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session as BrowserSession
from django.core.mail.backends import locmem
from django.test import override_settings
from django.utils import timezone

from accounts import second_factor
from accounts.models import AdminSession, AdminUser, ApplicantSession, User
from accounts.roles import Role
from audit.models import AuditLog
from audit.sequencer import sequence_all
from tests.clients import api, applicant_client, staff_client
from tests.factories import omar
from tests.racing import together
from tests.visitors import Browser

pytestmark = pytest.mark.django_db

LOGIN, CODE, TOKEN = "/api/v1/admin/auth/login", "/api/v1/auth/code", "/api/v1/auth/token"
PASSWORD = "a long enough password"


def log_in(email="omar@example.org", password=PASSWORD, **more):
    return api().post(LOGIN, {"email": email, "password": password, **more})


def enrolled(role=Role.ADMIN):
    """Omar with a second factor, and his recovery codes."""
    omar(role)
    return second_factor.enrol(User.objects.get(email="omar@example.org")).recovery_codes


def code_in(letter):
    return re.search(r"\b[B-Z]{4}-[B-Z]{4}\b", letter.body)[0]


def ask(mailoutbox, email="amina@example.org"):
    """Ask for a code; return the challenge and the code."""
    challenge = api().post(CODE, {"email": email}).json()["challenge"]
    return {"challenge": challenge, "code": code_in(mailoutbox[-1])}


def test_staff_sign_in_with_password_and_second_factor():
    codes = enrolled()
    answer = log_in(code=codes[0])
    assert (answer.status_code, answer.json()["token_type"], answer.json()["expires_in"]) == (200, "Bearer", 300)
    me = api().bearing(answer.json()["access"]).get("/api/v1/admin/auth/me").json()
    assert (me["email"], me["role"]) == ("omar@example.org", "admin")
    assert AdminSession.objects.get().mfa_at is not None
    assert AdminUser.objects.get().last_login_at is not None


def test_a_recovery_code_lets_in_once():
    codes = enrolled()
    assert [log_in(code=codes[0]).status_code for _ in range(2)] == [200, 401]


def test_whatever_is_wrong_the_answer_is_the_same():
    codes = enrolled()
    applicant_client(email="amina@example.org")
    wrong = [
        log_in(code="000000"),
        log_in(),
        log_in(password="another password", code=codes[0]),
        log_in("nobody@example.org"),
        log_in("amina@example.org"),
    ]
    User.objects.update(is_active=False)
    wrong.append(log_in(code=codes[0]))
    assert {(one.status_code, one.content) for one in wrong} == {(401, wrong[0].content)}
    assert {tuple(sorted(one.headers.items())) for one in wrong} == {tuple(sorted(wrong[0].headers.items()))}


def test_every_failure_costs_one_hash_of_a_password(monkeypatch):
    enrolled()
    applicant_client(email="amina@example.org")
    made = []
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"
    original = __import__("django.contrib.auth.hashers", fromlist=["x"]).MD5PasswordHasher.encode
    monkeypatch.setattr(hasher, lambda *a, **k: made.append(1) or original(*a, **k))
    costs = []
    for email in ("omar@example.org", "nobody@example.org", "amina@example.org"):
        made.clear()
        log_in(email, "wrong")
        costs.append(len(made))
    assert costs == [1, 1, 1]


def test_a_staff_record_that_is_a_machines_signs_nobody_in():
    codes = enrolled()
    client = api().bearing(log_in(code=codes[0]).json()["access"])
    AdminUser.objects.update(role=Role.SERVICE)
    assert client.get("/api/v1/admin/auth/me").status_code == 401
    assert log_in(code=codes[1]).status_code == 401


@pytest.mark.parametrize("fault", [SMTPRecipientsRefused({"amina@example.org": (550, b"no")}), TimeoutError("amina")])
def test_a_letter_that_is_not_taken_is_told_and_nobody_is_named_in_the_log(fault, caplog, monkeypatch):
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", Mock(side_effect=fault))
    answer = api().post(CODE, {"email": "amina@example.org"})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "undelivered", "60")
    assert [type(fault).__name__ in caplog.text, "amina" in caplog.text] == [True, False]


def test_without_a_mail_server_no_code_is_printed(settings, capsys):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert api().post(CODE, {"email": "amina@example.org"}).status_code == 503
    assert "amina" not in "".join(capsys.readouterr())
    settings.DEBUG = True
    assert api().post(CODE, {"email": "amina@example.org"}).status_code == 202
    assert "amina" in capsys.readouterr().out


def test_without_a_second_factor_staff_are_told_where_to_enrol():
    omar()
    answer = log_in()
    assert (answer.status_code, "/accounts/2fa/" in answer.json()["detail"]) == (403, True)


@override_settings(SECOND_FACTOR_OPTIONAL=True)
def test_a_demo_lets_staff_in_without_but_only_who_has_none():
    omar()
    assert log_in().status_code == 200
    second_factor.enrol(User.objects.get())
    assert log_in().status_code == 401


def test_the_sixth_guess_is_not_looked_at():
    codes = enrolled()
    assert [log_in(password="wrong").status_code for _ in range(5)] == [401] * 5
    answer = log_in(code=codes[0])
    assert (answer.status_code, 880 < int(answer["Retry-After"]) <= 900) == (429, True)


def test_a_right_password_on_the_pages_wins_no_new_guesses_of_the_second_factor():
    codes = enrolled()
    for _ in range(5):
        assert log_in(code="000000").status_code == 401
        Browser().sign_in_by_password("omar@example.org")
    assert log_in(code=codes[0]).status_code == 429


def test_guesses_of_the_second_factor_are_counted_over_all_challenges_and_audited(mailoutbox):
    codes = enrolled()
    for _ in range(5):
        api().post(TOKEN, {**ask(mailoutbox, "omar@example.org"), "second_factor": "000000"})
    asked = ask(mailoutbox, "omar@example.org")
    assert api().post(TOKEN, {**asked, "second_factor": codes[0]}).status_code == 429
    sequence_all()
    entries = AuditLog.objects.filter(action="login.failed").values_list("entity_id", "details")
    assert list(entries) == [(str(User.objects.get().pk), {"reason": "second_factor"})] * 5


def test_failures_are_audited_without_address():
    enrolled()
    log_in(password="wrong")
    log_in("nobody@example.org")
    sequence_all()
    entries = AuditLog.objects.filter(action="login.failed").order_by("pk")
    assert [entry.entity_type for entry in entries] == ["user", "address"]
    assert "example.org" not in "".join(entry.body for entry in entries)


def test_an_applicant_signs_up_and_in_by_a_code(mailoutbox):
    answer = api().post(TOKEN, ask(mailoutbox))
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 600)
    assert api().bearing(answer.json()["access"]).get("/api/v1/auth/sessions").status_code == 200
    assert ApplicantSession.objects.get().user.email == "amina@example.org"
    assert EmailAddress.objects.get().verified


def test_a_code_lets_in_once(mailoutbox):
    asked = ask(mailoutbox)
    assert [api().post(TOKEN, asked).status_code for _ in range(2)] == [200, 401]


def test_three_wrong_codes_end_the_challenge(mailoutbox):
    asked = ask(mailoutbox)
    wrong = [api().post(TOKEN, {**asked, "code": "BBBB-BBBB"}).status_code for _ in range(3)]
    assert [*wrong, api().post(TOKEN, asked).status_code] == [401] * 4
    assert BrowserSession.objects.count() == 0


def test_the_third_try_may_still_be_right(mailoutbox):
    asked = ask(mailoutbox)
    wrong = [api().post(TOKEN, {**asked, "code": "BBBB-BBBB"}).status_code for _ in range(2)]
    assert [*wrong, api().post(TOKEN, asked).status_code] == [401, 401, 200]


def test_a_code_is_worth_nothing_to_another_challenge_or_after_its_time(mailoutbox):
    mine, hers = ask(mailoutbox), ask(mailoutbox, "sam@example.org")
    assert api().post(TOKEN, {**mine, "code": hers["code"]}).status_code == 401
    BrowserSession.objects.update(expire_date="2020-01-01T00:00:00Z")
    assert api().post(TOKEN, mine).status_code == 401


def test_a_challenge_that_a_browser_sends_as_its_cookie_lives_no_longer(mailoutbox, monkeypatch):
    asked = ask(mailoutbox)
    browser = Browser()
    browser.cookies["sessionid"] = asked["challenge"]
    BrowserSession.objects.update(expire_date=timezone.now() + timedelta(seconds=30))
    browser.ask_for_code("sam@example.org")
    assert BrowserSession.objects.get(pk=asked["challenge"]).expire_date > timezone.now() + timedelta(minutes=9)
    later = time.time() + 601
    monkeypatch.setattr("time.time", lambda: later)
    assert api().post(TOKEN, asked).status_code == 401


def test_known_unknown_inactive_and_staff_addresses_get_the_same_answer_and_letter(mailoutbox):
    omar()
    User.objects.create_user("inactive@example.org")
    User.objects.filter(email="inactive@example.org").update(is_active=False)
    applicant_client(email="amina@example.org")
    told = set()
    for email in ("omar@example.org", "inactive@example.org", "amina@example.org", "new@example.org"):
        answer = api().post(CODE, {"email": email})
        challenge = answer.json().pop("challenge")
        letter = mailoutbox[-1].subject + mailoutbox[-1].body.replace(code_in(mailoutbox[-1]), "").replace(email, "")
        told.add((answer.status_code, answer.content.decode().replace(challenge, ""), len(challenge), letter))
    assert len(told) == 1


def test_an_inactive_person_is_not_let_in_and_told_nothing(mailoutbox):
    asked = ask(mailoutbox)
    User.objects.update(is_active=False)
    right, wrong = api().post(TOKEN, asked), api().post(TOKEN, {**asked, "code": "BBBB-BBBB"})
    assert (right.status_code, right.content) == (401, wrong.content)


def test_who_has_a_second_factor_needs_it_beside_the_code(mailoutbox):
    asked = ask(mailoutbox)
    codes = second_factor.enrol(User.objects.get()).recovery_codes
    refused = api().post(TOKEN, asked)
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_needed")
    assert api().post(TOKEN, {**asked, "second_factor": codes[0]}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_code_used_eight_times_at_once_lets_in_once(mailoutbox):
    asked = ask(mailoutbox)
    results = together(*[lambda: api().post(TOKEN, asked).status_code] * 8)
    assert sorted(results) == [200, *[401] * 7]


def test_the_code_itself_is_not_kept(mailoutbox):
    asked = ask(mailoutbox)
    kept = BrowserSession.objects.get().get_decoded()
    assert asked["code"] not in str(kept)
    assert "amina" not in str(kept)


def test_a_browsers_session_is_no_challenge(mailoutbox, client):
    session = client.session
    session["x"] = 1
    session.save()
    assert api().post(TOKEN, {"challenge": session.session_key, "code": "x"}).status_code == 401


def test_an_expired_token_in_the_header_does_not_keep_anybody_out(mailoutbox):
    client = api().bearing("long.gone.x")
    assert client.post(CODE, {"email": "amina@example.org"}).status_code == 202


@pytest.mark.parametrize(
    ("route", "body", "pointers"),
    [
        (CODE, {"email": "amina"}, ["/email"]),
        (CODE, {"email": "amina@example.org", "role": "admin"}, ["/role"]),
        (TOKEN, {"challenge": "A/B", "code": ""}, ["/challenge", "/code"]),
        (LOGIN, {"email": "omar@example.org"}, ["/password"]),
        ("/api/v1/auth/refresh", {}, ["/refresh"]),
    ],
)
def test_bad_input_is_named(route, body, pointers):
    answer = api().post(route, body)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (422, pointers)


def test_codes_are_limited_by_address_of_client_and_of_mail(settings):
    settings.RATES = {"mail": (2, 60)}
    told = [api().post(CODE, {"email": "amina@example.org"}).status_code for _ in range(3)]
    assert told == [202, 202, 429]
    settings.RATES = {"code": (4, 60)}
    told = [api().post(CODE, {"email": f"sam{number}@example.org"}).status_code for number in range(2)]
    assert told == [202, 429]


def test_a_stranger_who_asks_for_somebodys_codes_keeps_them_from_none(settings):
    settings.RATES = {"mail": (2, 60)}
    strangers = [
        api().post(CODE, {"email": "amina@example.org"}, REMOTE_ADDR="192.0.2.7").status_code for _ in range(3)
    ]
    own = api().post(CODE, {"email": "amina@example.org"}).status_code
    assert (strangers, own) == ([202, 202, 429], 202)


def test_a_mailbox_is_not_flooded_from_many_places(settings):
    settings.RATES = {"mailbox": (3, 60)}
    told = [api().post(CODE, {"email": "amina@example.org"}, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(4)]
    assert told == [202, 202, 202, 429]


def test_refreshing_by_the_routes_tells_the_three_outcomes_apart():
    client = staff_client()
    route = "/api/v1/admin/auth/refresh"
    statuses = [api().post(route, {"refresh": client.tokens.refresh}).status_code for _ in range(2)]
    foreign = api().post("/api/v1/auth/refresh", {"refresh": client.tokens.refresh}).status_code
    assert [*statuses, foreign] == [200, 409, 401]
