"""Who is acting, and what they may."""

import pytest

from accounts.actors import Actor, acting, operator, staff, system
from accounts.models import AdminUser, User
from accounts.roles import Role
from enigma.errors import Denied
from tests.factories import omar

pytestmark = pytest.mark.django_db


def test_a_member_of_staff_acts_with_the_role_of_the_database():
    first = omar(Role.REVIEWER)
    AdminUser.objects.update(role=Role.AUDITOR)
    assert (first.role, staff("omar@example.org").role) == ("reviewer", "auditor")


def test_an_actor_is_named_by_number_not_by_address():
    assert omar().id == f"user:{User.objects.get().pk}"


@pytest.mark.parametrize("email", ["omar@example.org", " OMAR@Example.org "])
def test_staff_are_found_whatever_the_case(email):
    assert omar() == staff(email)


def test_sam_is_a_stranger():
    with pytest.raises(Denied, match="no active member of staff"):
        staff("sam@example.org")


def test_an_applicant_is_no_staff():
    User.objects.create_user("amina@example.org", "a long enough password")
    with pytest.raises(Denied):
        staff("amina@example.org")


@pytest.mark.parametrize("model", [User, AdminUser])
def test_a_disabled_member_of_staff_may_not_act(model):
    omar()
    model.objects.update(is_active=False)
    with pytest.raises(Denied):
        staff("omar@example.org")


def test_without_an_address_the_operator_acts():
    assert acting(None) == operator()
    assert operator().kind == "operator"
    assert operator().id.startswith("uid:")


def test_a_permission_outside_the_role_is_denied_by_name():
    with pytest.raises(Denied, match=r"The role auditor does not include cycle\.freeze\."):
        Actor(kind="staff", id="user:1", role="auditor").require("cycle.freeze")


def test_the_worker_is_the_system():
    assert (system().kind, system().id) == ("system", "worker")
