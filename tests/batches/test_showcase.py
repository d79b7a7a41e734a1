"""The people of a demo get new passwords at each start, and only where nothing is in earnest; then it is served."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from django.contrib.auth import authenticate

from accounts import second_factor
from accounts.actors import operator
from accounts.models import AdminUser, User
from accounts.passwords import new_password
from accounts.people import change_person
from accounts.roles import STAFF, Role
from admissions.models.cycles import AdmissionCycle
from audit.models import AuditLog
from audit.sequencer import sequence_all
from batches.showcase import ADDRESSES, APPLICANT, demand_demo, let_in
from enigma.env import BASE_DIR
from enigma.errors import Refused
from tests.conftest import database_url
from tests.factories import cycle, omar
from tests.serving import SETTINGS
from tests.visitors import Browser

pytestmark = pytest.mark.django_db
COMMAND = [sys.executable, "manage.py", "demo", "--applications", "8", "--port", "0"]


def test_each_role_of_staff_gets_somebody():
    passes = let_in(operator())
    assert [(one.role, one.address) for one in passes] == [(role, ADDRESSES[role]) for role in STAFF]
    found = [authenticate(email=one.address, password=one.password) for one in passes]
    assert [AdminUser.objects.get(user=user).role for user in found] == list(STAFF)


def test_an_applicant_has_an_account_and_is_no_staff():
    let_in(operator())
    assert not AdminUser.objects.filter(user=User.objects.get(email=APPLICANT)).exists()


def test_the_passwords_of_an_earlier_start_open_nothing_any_more():
    before, after = let_in(operator()), let_in(operator())
    assert [authenticate(email=one.address, password=one.password) for one in before] == [None] * len(STAFF)
    assert None not in [authenticate(email=one.address, password=one.password) for one in after]


def test_sessions_of_an_earlier_start_are_over(settings):
    settings.SECOND_FACTOR_OPTIONAL = True
    [boss] = [one for one in let_in(operator()) if one.role == Role.SUPER_ADMIN]
    browser = Browser()
    browser.sign_in_by_password(boss.address, boss.password)
    assert browser.get("/console/").redirect_chain == []
    let_in(operator())
    assert browser.get("/console/").redirect_chain[0][0].startswith("/accounts/login/")


def test_what_somebody_played_with_is_put_right_at_the_next_start():
    let_in(operator())
    boss, reviewer = (AdminUser.objects.get(user__email=ADDRESSES[role]) for role in ("super_admin", "reviewer"))
    change_person(reviewer, role=Role.SUPER_ADMIN, actor=operator())
    change_person(boss, role=Role.AUDITOR, is_active=False, actor=operator())
    second_factor.enrol(reviewer.user)
    let_in(operator())
    assert {one.user.email: (one.role, one.is_active) for one in AdminUser.objects.all()} == {
        address: (role, True) for role, address in ADDRESSES.items()
    }
    assert not second_factor.has_one(reviewer.user)


def test_no_password_reaches_the_log_and_each_change_does():
    passes = [*let_in(operator()), *let_in(operator())]
    sequence_all()
    log = "".join(AuditLog.objects.values_list("body", flat=True))
    assert [one.password for one in passes if one.password in log] == []
    assert AuditLog.objects.filter(action="staff.create").count() == len(STAFF)
    assert AuditLog.objects.filter(action="password.reset").count() == len(STAFF)


@pytest.mark.parametrize(
    "earnest", [lambda: cycle(is_demo=False), lambda: omar(Role.REVIEWER)], ids=["a cycle", "a member of staff"]
)
def test_where_something_is_in_earnest_nobody_is_let_in(earnest):
    earnest()
    before = User.objects.count()
    with pytest.raises(Refused, match="gets no people of a demo"):
        let_in(operator())
    assert User.objects.count() == before


def test_a_database_of_demos_is_one():
    cycle(is_demo=True)
    demand_demo()


def test_passwords_are_long_and_never_the_same():
    many = {new_password() for _ in range(50)}
    assert len(many) == 50
    assert all(re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", one) for one in many)


def lines_until(process, wanted):
    """What a process says until a line holds what is wanted."""
    said = []
    while not said or wanted not in said[-1]:
        line = process.stderr.readline()
        assert line, "".join(said)
        said.append(line)
    return "".join(said)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_the_whole_demo_runs_until_it_is_told_to_end(tmp_path):
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": SETTINGS}
    out = tmp_path / "out"
    pipes = {"stdout": out.open("w"), "stderr": subprocess.PIPE, "text": True}
    command = [*COMMAND, "--folder", str(tmp_path)]
    with pipes["stdout"], subprocess.Popen(command, cwd=BASE_DIR, env=environment, **pipes) as process:
        said = lines_until(process, "Ctrl-C ends it")
        site = re.search(r"Site +(\S+)/\n", said)[1]
        with urllib.request.urlopen(f"{site}/accounts/login/") as page:  # noqa: S310
            shown = page.read().decode()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 0, said + rest
    assert "Demo data" in shown
    assert said.count("@demo.example") == len(STAFF) + 1
    assert AdmissionCycle.objects.filter(is_demo=True).count() == 2
    assert not (BASE_DIR / str(tmp_path).lstrip("/")).exists()  # letters go where it says, not below the program
    assert not re.search(r"([a-z2-9]{4}-){3}", out.read_text())
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(site)  # noqa: S310
