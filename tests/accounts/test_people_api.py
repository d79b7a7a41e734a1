"""Managing people and one's own sessions: who may, what follows, and what is never possible."""

import pytest
from django.contrib.auth.models import Group

from accounts import second_factor
from accounts.actors import operator, system
from accounts.models import AdminSession, AdminUser, User
from accounts.people import change_person
from accounts.roles import Role
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Malformed, Refused
from tests.clients import api, applicant_client, staff_client
from tests.factories import omar
from tests.racing import together

pytestmark = pytest.mark.django_db

PEOPLE, ME = "/api/v1/admin/people", "/api/v1/admin/auth/me"
MINE = {"staff": "/api/v1/admin/auth/sessions", "applicant": "/api/v1/auth/sessions"}


def member(email):
    return AdminUser.objects.select_related("user").get(user__email=email)


def of(person, what=""):
    return f"{PEOPLE}/{person.user_id}{what}"


def chief(email="reza@example.org"):
    return staff_client(Role.SUPER_ADMIN, email=email)


def change(client, person, etag="", **changes):
    etag = etag or client.get(of(person))["ETag"]
    return client.patch(of(person), changes, headers={"If-Match": etag})


def test_people_are_listed_without_anything_secret():
    reza = chief()
    omar()
    first = reza.get(PEOPLE).json()["results"][0]
    assert set(first) == {"person_id", "email", "role", "is_active", "last_login_at", "created_at"}
    assert (first["email"], first["role"]) == ("omar@example.org", "admin")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.REVIEWER, Role.AUDITOR])
def test_others_see_and_change_nobody(role):
    client, reza = staff_client(role), omar(Role.SUPER_ADMIN, email="reza@example.org")
    person = member("reza@example.org")
    answers = [
        client.get(PEOPLE),
        client.get(of(person)),
        client.patch(of(person), {"role": "admin"}, headers={"If-Match": "*"}),
        client.delete(of(person, "/second-factor")),
        client.delete(of(person, "/sessions")),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert reza.role == member("reza@example.org").role


def test_another_role_ends_the_sessions_and_counts_at_once():
    reza, client = chief(), staff_client(Role.ADMIN)
    answer = change(reza, member("omar@example.org"), role="auditor")
    assert (answer.status_code, answer.json()["role"]) == (200, "auditor")
    assert client.get(ME).status_code == 401
    assert [group.name for group in User.objects.get(email="omar@example.org").groups.all()] == ["auditor"]


def test_a_change_is_audited_with_what_was_before():
    reza = chief()
    omar()
    change(reza, member("omar@example.org"), is_active=False)
    sequence_all()
    entry = AuditLog.objects.get(action="staff.change")
    assert (entry.actor_id, entry.details) == (
        reza.actor.id,
        {"before": {"role": "admin", "is_active": True}, "after": {"role": "admin", "is_active": False}},
    )


def test_a_change_needs_the_version_that_was_read():
    reza = chief()
    omar()
    person = member("omar@example.org")
    old = reza.get(of(person))["ETag"]
    assert reza.patch(of(person), {"role": "auditor"}).status_code == 428
    assert change(reza, person, role="auditor").status_code == 200
    assert change(reza, person, old, role="admin").status_code == 412
    assert member("omar@example.org").role == "auditor"


def test_nobody_changes_their_own_role():
    reza = chief()
    omar(Role.SUPER_ADMIN)
    assert change(reza, member("reza@example.org"), role="admin").status_code == 409
    assert change(reza, member("omar@example.org"), role="admin").status_code == 200


def test_the_last_active_super_admin_stays():
    omar(Role.SUPER_ADMIN)
    for changes in ({"role": "admin"}, {"is_active": False}):
        with pytest.raises(Refused, match="last active super_admin"):
            change_person(member("omar@example.org"), **changes, actor=operator())


@pytest.mark.parametrize("role", ["service", "applicant", "emperor"])
def test_a_member_of_staff_is_only_what_staff_can_be(role):
    reza = chief()
    omar()
    assert change(reza, member("omar@example.org"), role=role).status_code == 422
    with pytest.raises(Malformed):
        change_person(member("omar@example.org"), role=role, actor=operator())


@pytest.mark.django_db(transaction=True)
def test_two_who_are_demoted_at_once_leave_one():
    for email in ("omar@example.org", "reza@example.org"):
        omar(Role.SUPER_ADMIN, email=email)
    both = list(AdminUser.objects.select_related("user"))
    results = together(*[lambda one=one: change_person(one, role="admin", actor=system()) for one in both])
    assert sorted(type(result) for result in results if isinstance(result, Refused)) == [Refused]
    assert AdminUser.objects.filter(role="super_admin").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_demote_each_other_by_the_api_do_so_one_after_the_other():
    first, second = chief(), chief("omar@example.org")
    deeds = [(first, member("omar@example.org")), (second, member("reza@example.org"))]
    for _ in range(8):
        AdminUser.objects.update(role="super_admin")
        AdminSession.objects.update(revoked_at=None, revoked_reason="")
        answers = together(*[lambda deed=deed: change(*deed, "*", role="admin").status_code for deed in deeds])
        assert 200 in answers
        assert set(answers) <= {200, 401, 403, 409}
        assert AdminUser.objects.filter(role="super_admin").count() == 1


@pytest.mark.parametrize("person_id", ["0", "999999", str(2**63), str(10**40)])
def test_somebody_who_is_not_there_is_404(person_id):
    reza = chief()
    assert reza.get(f"{PEOPLE}/{person_id}").status_code == 404


def test_an_applicant_is_nobody_in_the_list_of_people():
    reza, amina = chief(), applicant_client()
    assert reza.get(f"{PEOPLE}/{amina.actor.id.removeprefix('user:')}").status_code == 404


def test_a_colleagues_second_factor_is_reset_and_nobodys_own():
    reza, client = chief(), staff_client()
    for person in AdminUser.objects.all():
        second_factor.enrol(person.user)
    assert reza.delete(of(member("omar@example.org"), "/second-factor")).status_code == 204
    assert not second_factor.has_one(member("omar@example.org").user)
    assert client.get(ME).status_code == 401
    assert reza.delete(of(member("reza@example.org"), "/second-factor")).status_code == 409


def test_a_colleagues_sessions_are_ended():
    reza, client = chief(), staff_client()
    assert reza.delete(of(member("omar@example.org"), "/sessions")).status_code == 204
    assert (client.get(ME).status_code, reza.get(ME).status_code) == (401, 200)


@pytest.mark.parametrize("make", [staff_client, applicant_client])
def test_people_see_their_own_live_sessions_and_which_one_asks(make):
    first = make()
    second = api(first.actor)
    make(email="other@example.org")
    rows = first.get(MINE[first.actor.kind]).json()["results"]
    assert {(row["session_id"], row["is_current"]) for row in rows} == {
        (first.actor.session_id, True),
        (second.actor.session_id, False),
    }


@pytest.mark.parametrize("make", [staff_client, applicant_client])
def test_people_end_one_of_their_own_sessions_and_nobody_elses(make):
    first, other = make(), make(email="other@example.org")
    second = api(first.actor)
    route = MINE[first.actor.kind]
    assert first.delete(f"{route}/{other.actor.session_id}").status_code == 404
    assert first.delete(f"{route}/{second.actor.session_id}").status_code == 204
    assert [one.get(route).status_code for one in (first, second, other)] == [200, 401, 200]


@pytest.mark.parametrize("make", [staff_client, applicant_client])
def test_logging_out_ends_this_session(make):
    first = make()
    second = api(first.actor)
    route = MINE[first.actor.kind]
    assert first.post(route.replace("sessions", "logout")).status_code == 204
    assert [one.get(route).status_code for one in (first, second)] == [401, 200]


def test_logging_out_everywhere_ends_the_sessions_of_both_kinds_and_of_browsers():
    first = staff_client()
    applicant = applicant_client(email="omar@example.org")
    before = User.objects.get().get_session_auth_hash()
    assert applicant.delete(MINE["applicant"]).status_code == 204
    assert [first.get(ME).status_code, applicant.get(MINE["applicant"]).status_code] == [401, 401]
    assert User.objects.get().get_session_auth_hash() != before
    assert AdminSession.objects.get().revoked_reason == "logout_everywhere"


def test_me_says_what_the_role_includes_now():
    client = staff_client(Role.AUDITOR)
    assert "audit.view" in client.get(ME).json()["permissions"]
    AdminUser.objects.update(role=Role.REVIEWER)
    me = client.get(ME).json()
    assert (me["role"], "audit.view" in me["permissions"]) == ("reviewer", False)


def test_new_staff_stand_in_the_group_of_their_role():
    omar(Role.AUDITOR)
    assert list(Group.objects.filter(user__email="omar@example.org").values_list("name", flat=True)) == ["auditor"]
