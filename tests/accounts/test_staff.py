"""Making members of staff, by deed and by command."""

import io
import sys

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts import second_factor
from accounts.actors import operator
from accounts.models import AdminUser, User
from accounts.newcomers import person_for
from accounts.roles import Role
from accounts.staff import create_staff
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Conflict, Denied
from tests.factories import omar
from tests.visitors import shown_code, used

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


def create_admin(monkeypatch, *arguments, password=PASSWORD):
    told = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    call_command("create_admin", *arguments, "--password-stdin", stdout=told)
    return told.getvalue()


def test_a_user_becomes_staff_by_a_row_with_a_role(monkeypatch):
    create_admin(monkeypatch, "--email", "Omar@Example.org", "--role", "auditor")
    member = AdminUser.objects.get()
    assert (member.user.email, member.role, member.user.is_staff) == ("omar@example.org", "auditor", True)
    assert member.user.check_password(PASSWORD)


def test_a_second_factor_is_enrolled_and_told_once(monkeypatch):
    told = create_admin(monkeypatch, "--email", "omar@example.org", "--role", "admin", "--totp")
    user = User.objects.get()
    made, address, secret, codes = told.splitlines()
    letters = secret.removeprefix("secret ")
    assert made == f"made admin user:{user.pk}"
    assert address == f"address otpauth://totp/omar%40example.org?secret={letters}&issuer=ENIGMA"
    assert used(user, codes.split()[2]) == "recovery_codes"
    assert used(user, shown_code(second_factor.Enrolment("", letters, []))) == "totp"


def test_the_address_of_staff_is_vouched_for(monkeypatch):
    person_for("omar@example.org")
    told = create_admin(monkeypatch, "--email", "omar@example.org", "--role", "admin")
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("omar@example.org", True, True)]
    assert told.splitlines() == [f"made admin user:{User.objects.get().pk}"]


def test_making_staff_is_audited_without_the_address(monkeypatch):
    create_admin(monkeypatch, "--email", "omar@example.org", "--role", "admin")
    sequence_all()
    entry = AuditLog.objects.get()
    user = User.objects.get()
    assert (entry.action, entry.entity_id, entry.details) == ("staff.create", str(user.pk), {"role": "admin"})
    assert "omar" not in entry.body


@pytest.mark.parametrize(
    ("arguments", "password", "reason"),
    [
        (["--email", "omar", "--role", "admin"], PASSWORD, "valid email"),
        (["--email", "omar@example.org", "--role", "admin"], "short", "too short"),
        (["--email", "omar@example.org", "--role", "admin"], "1q2w3e4r5t6y", "too common"),
        (["--email", "omar.the.officer@example.org", "--role", "admin"], "omar.the.officer", "too similar"),
        (["--email", "omar@example.org", "--role", "service"], PASSWORD, "invalid choice"),
    ],
)
def test_what_is_refused_leaves_nobody_behind(monkeypatch, arguments, password, reason):
    with pytest.raises(CommandError, match=reason):
        create_admin(monkeypatch, *arguments, password=password)
    assert User.objects.count() == 0


def test_an_address_is_staff_once(monkeypatch):
    omar()
    with pytest.raises(CommandError, match="member of staff already") as refusal:
        create_admin(monkeypatch, "--email", "omar@example.org", "--role", "auditor")
    assert refusal.value.returncode == 4
    with pytest.raises(Conflict):
        create_staff("OMAR@example.org", PASSWORD, role=Role.ADMIN, actor=operator())


def test_an_applicant_who_joins_the_staff_keeps_the_account():
    amina = User.objects.create_user("amina@example.org")
    member = create_staff("amina@example.org", PASSWORD, role=Role.REVIEWER, actor=operator())
    assert (member.user_id, User.objects.count()) == (amina.pk, 1)


def test_an_admin_may_not_make_staff():
    with pytest.raises(Denied):
        create_staff("sam@example.org", PASSWORD, role=Role.ADMIN, actor=omar(Role.ADMIN))


def test_the_prompt_asks_twice(monkeypatch):
    answers = iter(["one password, long", "another password"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    with pytest.raises(CommandError, match="differ"):
        call_command("create_admin", "--email", "omar@example.org", "--role", "admin")
