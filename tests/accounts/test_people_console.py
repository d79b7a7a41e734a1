"""What a super_admin does about people in the console: asked once more, told what came of it, and audited."""

import re

import pytest
from django.contrib.auth import authenticate
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import second_factor
from accounts.models import AdminSession, AdminUser, User
from accounts.people import version_of
from accounts.roles import Role
from audit.models import AuditLog
from audit.sequencer import sequence_all
from tests.clients import staff_client
from tests.factories import omar
from tests.visitors import member, staff_browser

pytestmark = pytest.mark.django_db

PEOPLE, SESSIONS = "/console/accounts/adminuser/", "/console/accounts/adminsession/"
WAYS = ("in_use", "out_of_use")
SECRET = re.compile(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}")


@pytest.fixture
def boss():
    return staff_browser(Role.SUPER_ADMIN, email="aiza@example.org")[0]


def place(act="", email="omar@example.org"):
    return f"/console/accounts/adminuser/person/{member(email).user_id}/{act and f'{act}/'}"


def logged(action):
    sequence_all()
    return list(AuditLog.objects.filter(action=action).values_list("details", flat=True))


def test_the_list_says_in_words_who_is_in_use_and_guarded(boss):
    omar()
    page = boss.get(PEOPLE).content.decode()
    assert ("In use" in page, "None yet" in page, "Enrolled" in page, "<img" in page.split("<main")[1]) == (
        True,
        True,
        True,
        False,
    )


def test_a_person_has_a_page_with_all_that_can_be_done(boss):
    omar()
    page = boss.get(place()).content.decode()
    assert re.findall(rf'href="{place()}([a-z-]+)/"', page) == ["role", "close", "sessions"]


def test_nobody_is_offered_what_they_may_not_do_to_themselves(boss):
    page = boss.get(place(email="aiza@example.org")).content.decode()
    assert re.findall(r'href="/console/accounts/adminuser/person/\d+/([a-z-]+)/"', page) == ["sessions"]


def test_the_role_is_changed_and_the_sessions_end(boss):
    theirs = staff_client(Role.REVIEWER)
    answer = boss.post(place("role"), {"role": "auditor", "version": "reviewer:True"})
    assert "The role is now auditor" in answer.content.decode()
    assert (member().role, theirs.get("/api/v1/admin/auth/me").status_code) == ("auditor", 401)
    assert logged("staff.change") == [
        {"before": {"role": "reviewer", "is_active": True}, "after": {"role": "auditor", "is_active": True}}
    ]


def test_a_role_that_does_not_exist_is_refused_beside_the_field(boss):
    omar()
    answer = boss.post(place("role"), {"role": "emperor", "version": version_of(member())})
    page = answer.content.decode()
    assert (answer.status_code, "<title>Error: " in page, '<a href="#id_role">' in page) == (422, True, True)
    assert member().role == "admin"


@pytest.mark.parametrize("act", ["role", "close"])
def test_of_two_who_change_a_record_the_second_is_told(boss, act):
    omar()
    AdminUser.objects.filter(pk=member().pk).update(role=Role.AUDITOR)
    answer = boss.post(place(act), {"role": "reviewer", "version": "admin:True"})
    assert "Somebody else has changed this record" in answer.content.decode()
    assert (member().role, member().is_active) == ("auditor", True)


@pytest.mark.parametrize("act", ["close", "reopen", "second-factor", "sessions"])
def test_it_is_asked_once_more_and_asking_changes_nothing(boss, act):
    omar()
    second_factor.enrol(member().user)
    before = (member().is_active, second_factor.has_one(member().user), member().user.browser_generation)
    page = boss.get(place(act))
    assert (page.status_code, "Yes, do it" in page.content.decode()) == (200, True)
    assert (member().is_active, second_factor.has_one(member().user), member().user.browser_generation) == before


def test_a_record_is_taken_out_of_use_and_back(boss):
    omar()
    boss.post(place("close"), {"version": "admin:True"})
    assert (member().is_active, "Out of use" in boss.get(place()).content.decode()) == (False, True)
    boss.post(place("reopen"), {"version": "admin:False"})
    assert member().is_active
    assert len(logged("staff.change")) == 2


def test_the_last_super_admin_stays(boss):
    answer = boss.post(place("close", "aiza@example.org"))
    assert "Nobody changes their own role" in answer.content.decode()
    assert member("aiza@example.org").is_active


@pytest.mark.parametrize(
    "path", ["/console/accounts/adminuser/person/999999/", "/console/accounts/adminuser/person/99999999999999999999/"]
)
def test_who_is_not_there_has_no_page(boss, path):
    assert boss.get(path).status_code == 404


def test_what_cannot_be_done_has_no_page(boss):
    omar()
    assert (boss.get(place("praise")).status_code, boss.post(place("praise")).status_code) == (404, 404)


def test_somebody_new_gets_a_password_that_is_shown_once(boss):
    answer = boss.post(
        "/console/accounts/adminuser/person/add/",
        {"email": "Reza@example.org", "role": "reviewer", "way": "password"},
        follow=False,
    )
    [password] = SECRET.findall(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    user = authenticate(email="reza@example.org", password=password)
    assert AdminUser.objects.get(user=user).role == "reviewer"
    again = boss.post(
        "/console/accounts/adminuser/person/add/", {"email": "reza@example.org", "role": "reviewer", "way": "password"}
    )
    assert (again.status_code, SECRET.findall(again.content.decode())) == (422, [])
    sequence_all()
    log = "".join(AuditLog.objects.values_list("body", flat=True))
    assert (password in log, password in boss.get(place(email="reza@example.org")).content.decode()) == (False, False)


def test_somebody_new_may_come_by_a_code_and_has_no_password(boss):
    answer = boss.post(
        "/console/accounts/adminuser/person/add/", {"email": "reza@example.org", "role": "auditor", "way": "code"}
    )
    assert SECRET.findall(answer.content.decode()) == []
    assert not User.objects.get(email="reza@example.org").has_usable_password()
    assert logged("staff.create")[-1] == {"role": "auditor"}


def test_an_applicant_who_joins_keeps_their_password(boss):
    User.objects.create_user("reza@example.org", "a password of my own")
    boss.post(
        "/console/accounts/adminuser/person/add/", {"email": "reza@example.org", "role": "auditor", "way": "code"}
    )
    assert authenticate(email="reza@example.org", password="a password of my own")


def test_a_faulty_form_keeps_what_was_typed(boss):
    answer = boss.post("/console/accounts/adminuser/person/add/", {"email": "reza at home", "role": "", "way": "code"})
    page = answer.content.decode()
    assert (answer.status_code, 'value="reza at home"' in page, '<a href="#id_email">' in page) == (422, True, True)


def test_chosen_sessions_are_ended_and_others_go_on(boss):
    one, other = staff_client(Role.ADMIN, email="omar@example.org"), staff_client(Role.ADMIN, email="reza@example.org")
    row = AdminSession.objects.get(admin_user=member())
    answer = boss.post(SESSIONS, {"action": "end_chosen", "_selected_action": [row.pk]})
    assert "1 session has ended" in answer.content.decode()
    assert [who.get("/api/v1/admin/auth/me").status_code for who in (one, other)] == [401, 200]
    assert logged("session.end") == [{"reason": "ended_by_colleague"}]


@pytest.mark.parametrize("count", [3, 60])
def test_lists_cost_the_same_queries_however_many_there_are(boss, count):
    staff_client(Role.ADMIN)
    session = AdminSession.objects.get()
    AdminSession.objects.bulk_create(
        AdminSession(
            refresh_sha256=bytes([number]) * 32,
            idle_expires_at=session.idle_expires_at,
            absolute_expires_at=session.absolute_expires_at,
            admin_user=session.admin_user,
        )
        for number in range(count)
    )
    costs = []
    for path in (PEOPLE, SESSIONS, place()):
        with CaptureQueriesContext(connection) as asked:
            assert boss.get(path).status_code == 200
        costs.append(len(asked))
    assert costs == [7, 8, 10]


def test_the_list_is_narrowed_to_those_in_use_or_out_of_it(boss):
    omar()
    boss.post(place("close"))
    shown = {kind: "omar@example.org" in boss.get(f"{PEOPLE}?record={kind}").content.decode() for kind in WAYS}
    assert shown == {"in_use": False, "out_of_use": True}
