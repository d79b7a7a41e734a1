"""The door of the console, and what the first two tables of it let people do."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import second_factor
from accounts.models import AdminSession, AdminUser, User
from accounts.roles import STAFF, Role
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.console.tables import ReadOnly
from tests.clients import staff_client
from tests.factories import omar
from tests.visitors import Browser, mailed_code, member, shown_code, staff_browser

pytestmark = pytest.mark.django_db

PEOPLE = "/console/accounts/adminuser/"
PAGES = ["/console/", PEOPLE, "/console/accounts/adminsession/", "/console/jsi18n/", "/console/nothing/"]


def act(browser, action, *members):
    """Do something about these people, as their pages do; return the last answer."""
    return [browser.post(f"/console/accounts/adminuser/person/{one.user_id}/{action}/") for one in members][-1]


@pytest.mark.parametrize("address", PAGES)
def test_strangers_are_led_to_sign_in(address):
    answer = Browser().get(address)
    assert answer.redirect_chain[0][0] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("address", PAGES)
def test_applicants_find_nothing_there(address):
    browser = Browser()
    browser.sign_in_by_code("amina@example.org")
    assert browser.get(address).status_code == 404
    assert browser.post(address).status_code == 404


@pytest.mark.parametrize("role", STAFF)
def test_staff_enter_with_a_second_factor_in_this_session(role):
    browser, _ = staff_browser(role)
    answer = browser.get("/console/")
    assert (answer.status_code, answer.redirect_chain) == (200, [])


def test_a_password_alone_leads_to_enrolling_and_not_in():
    omar(Role.SUPER_ADMIN)
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    assert browser.get("/console/").redirect_chain[0][0] == "/accounts/login/?next=/console/"
    browser.enter_code(mailed_code())
    assert browser.get(PEOPLE).redirect_chain == [("/accounts/2fa/", 302)]


def test_a_factor_that_is_enrolled_but_not_used_in_this_session_is_asked_for():
    omar(Role.SUPER_ADMIN)
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    browser.enter_code(mailed_code())
    enrolment = second_factor.enrol(User.objects.get())
    answer = browser.get(PEOPLE)
    assert answer.redirect_chain == [(f"/accounts/2fa/reauthenticate/?next={PEOPLE.replace('/', '%2F')}", 302)]
    used = browser.post(answer.redirect_chain[0][0], {"code": shown_code(enrolment), "next": PEOPLE})
    assert (used.redirect_chain, used.status_code) == ([(PEOPLE, 302)], 200)


@pytest.mark.parametrize(
    ("has_app", "page"), [(False, "/accounts/2fa/webauthn/reauthenticate/"), (True, "/accounts/2fa/reauthenticate/")]
)
def test_who_has_only_a_passkey_is_asked_for_it_and_not_for_a_code(has_app, page):
    browser, _ = staff_browser()
    user = User.objects.get()
    if not has_app:
        Authenticator.objects.filter(user=user, type="totp").delete()
    Authenticator.objects.create(user=user, type="webauthn", data={})
    session = browser.session
    session["account_authentication_methods"] = []
    session.save()
    answer = browser.get("/console/", follow=False)
    assert answer.headers["Location"] == f"{page}?next=%2Fconsole%2F"


def test_enrolling_by_the_pages_opens_the_console():
    omar(Role.ADMIN)
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    browser.enter_code(mailed_code())
    browser.post("account_reauthenticate", {"password": "a long enough password"})
    browser.get("mfa_activate_totp")
    enrolment = second_factor.Enrolment("", browser.session["mfa.totp.secret"], [])
    browser.post("mfa_activate_totp", {"code": shown_code(enrolment)})
    assert second_factor.has_one(User.objects.get())
    browser.post("mfa_reauthenticate", {"code": shown_code(enrolment), "next": "/console/"})
    assert browser.get("/console/").redirect_chain == []


def test_a_code_to_the_mailbox_is_no_second_factor():
    omar(Role.SUPER_ADMIN)
    enrolment = second_factor.enrol(User.objects.get())
    browser = Browser()
    browser.sign_in_by_code("omar@example.org")
    assert browser.get("/console/").redirect_chain[0][0] == "/accounts/login/?next=/console/"
    browser.enter_factor(shown_code(enrolment))
    assert browser.get("/console/").redirect_chain == []


def test_a_factor_counts_for_twelve_hours(monkeypatch):
    browser, _ = staff_browser()
    later = (timezone.now() + timedelta(hours=12, seconds=1)).timestamp()
    monkeypatch.setattr("accounts.browser.time.time", lambda: later)
    assert browser.get("/console/").redirect_chain[0][0].startswith("/accounts/2fa/reauthenticate/")


def test_a_factor_that_the_person_has_no_more_opens_nothing():
    browser, _ = staff_browser()
    assert browser.get("/console/").redirect_chain == []
    Authenticator.objects.all().delete()
    assert browser.get("/console/").redirect_chain[0][0] == "/accounts/2fa/"


def test_where_it_is_relaxed_a_password_is_enough(settings):
    settings.SECOND_FACTOR_OPTIONAL = True
    omar(Role.SUPER_ADMIN)
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    assert (browser.get(PEOPLE).status_code, browser.get(PEOPLE).redirect_chain) == (200, [])


def test_another_role_counts_from_the_next_request_on():
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    assert browser.get(PEOPLE).status_code == 200
    AdminUser.objects.update(role=Role.ADMIN)
    assert browser.get(PEOPLE).status_code == 403
    AdminUser.objects.update(role=Role.SERVICE)
    assert browser.get("/console/").status_code == 404
    AdminUser.objects.update(role=Role.SUPER_ADMIN, is_active=False)
    assert browser.get("/console/").status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN, Role.AUDITOR])
def test_only_who_manages_people_sees_them(role):
    browser, _ = staff_browser(role)
    for address in (PEOPLE, f"{PEOPLE}{member().pk}/change/", "/console/accounts/adminsession/"):
        assert browser.get(address).status_code == 403
    assert act(browser, "sessions", member()).status_code == 403


def test_nothing_is_written_by_hand():
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    before = list(AdminUser.objects.values())
    one = f"{PEOPLE}{member().pk}"
    answers = [
        browser.get(f"{PEOPLE}add/"),
        browser.post(f"{PEOPLE}add/", {"role": "admin"}),
        browser.post(f"{one}/change/", {"role": "auditor"}),
        browser.post(f"{one}/delete/", {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    browser.post(PEOPLE, {"action": "delete_selected", "_selected_action": [member().pk]})
    assert list(AdminUser.objects.values()) == before


def test_a_super_admin_resets_a_colleagues_factor_and_ends_their_sessions():
    browser, _ = staff_browser(Role.SUPER_ADMIN, email="aiza@example.org")
    theirs, _ = staff_browser(Role.ADMIN)
    answer = act(browser, "second-factor", member())
    assert "The second factor is gone" in answer.content.decode()
    assert not Authenticator.objects.filter(user=member().user).exists()
    assert theirs.get("/console/").redirect_chain[0][0] == "/accounts/login/?next=/console/"


def test_many_people_take_no_more_queries_than_one(django_assert_max_num_queries):
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    with CaptureQueriesContext(connection) as few:
        browser.get(PEOPLE)
    for number in range(5):
        omar(email=f"omar{number}@example.org")
    with django_assert_max_num_queries(len(few)):
        assert "omar4@example.org" in browser.get(PEOPLE).content.decode()


def test_nobody_resets_their_own_factor_here():
    browser, _ = staff_browser(Role.SUPER_ADMIN)
    answer = act(browser, "second-factor", member())
    assert "Nobody resets their own second factor" in answer.content.decode()
    assert second_factor.has_one(member().user)


def test_ending_all_sessions_ends_those_of_the_api_as_well():
    browser, _ = staff_browser(Role.SUPER_ADMIN, email="aiza@example.org")
    app = staff_client(Role.ADMIN)
    act(browser, "sessions", member())
    assert app.get("/api/v1/admin/auth/me").status_code == 401
    sequence_all()
    entry = AuditLog.objects.get(action="session.end")
    aiza = member("aiza@example.org")
    assert (entry.actor_id, entry.details) == (f"user:{aiza.user_id}", {"reason": "ended_by_colleague"})


def test_the_console_shows_a_session_and_no_hash():
    browser, _ = staff_browser(Role.SUPER_ADMIN, email="aiza@example.org")
    staff_client(Role.ADMIN)
    row = AdminSession.objects.get()
    page = browser.get(f"/console/accounts/adminsession/{row.pk}/change/").content.decode()
    assert str(row.pk) in page
    assert bytes(row.refresh_sha256).hex() not in page


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("/console/login/", "/console/"),
        ("/console/logout/", "/accounts/logout/"),
        ("/console/password_change/", "/accounts/password/change/"),
        ("/console/password_change/done/", "/console/"),
    ],
)
def test_there_is_one_door_and_one_way_out(address, leads_to):
    browser, _ = staff_browser()
    assert browser.get(address).redirect_chain[0][0] == leads_to


def test_tables_that_other_packages_bring_are_not_in_the_console():
    assert [table for table in admin.site._registry.values() if not isinstance(table, ReadOnly)] == []
