"""The page that opens who stands behind a blind copy: once, with a reason, kept nowhere."""

import re
import uuid

import pytest
from django.urls import reverse

from accounts.roles import Role
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication
from audit.models import LogOutbox
from audit.sequencer import sequence_all
from tests.factories import AMINA, amina, apply, cycle, damage, lead
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

PERSON = [AMINA[field] for field in ("name", "email", "phone", "address")]
SENT = {"opened": "0", "reason": "A letter came back."}


@pytest.fixture
def boss():
    return staff_browser(Role.SUPER_ADMIN, email="boss@example.org")[0]


def at(phase):
    """The address of Amina's blind copy in a cycle in that phase."""
    one = cycle()
    apply(one, [amina()])
    lead(one, phase)
    return reverse("admin:reveal", args=[AnonymizedApplication.objects.get().pk])


def known(page):
    """What of the person stands on a page."""
    text = page.content.decode().replace("&#x27;", "'")
    return [word for word in [*PERSON, Application.objects.get().reference] if word in text]


def entries():
    return LogOutbox.objects.filter(kind__in=["identity.reveal", "unblind"]).count()


def test_the_page_asks_why_and_shows_nobody(boss):
    page = boss.get(at("scored"))
    assert (known(page), entries()) == ([], 0)
    assert "no-store" in page.headers["Cache-Control"]
    assert 'name="opened" value="0"' in page.content.decode()


def test_with_a_reason_it_shows_who_it_is_and_is_not_kept(boss):
    page = boss.post(at("scored"), SENT)
    assert known(page) == [*PERSON, Application.objects.get().reference]
    assert (page.status_code, entries()) == (200, 2)
    assert "no-store" in page.headers["Cache-Control"]


def test_a_reload_asks_again(boss):
    place = at("scored")
    boss.post(place, SENT)
    again = boss.post(place, SENT)
    assert (again.status_code, known(again), entries()) == (409, [], 2)
    assert 'name="opened" value="1"' in again.content.decode()
    assert "This identity was opened meanwhile" in again.content.decode()
    assert len(known(boss.post(place, {**SENT, "opened": "1"}))) == 5


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, f"{AMINA['email']} has asked"])
def test_without_a_good_reason_nothing_is_opened(boss, reason):
    page = boss.post(at("scored"), {**SENT, "reason": reason})
    assert (page.status_code, entries()) == (422, 0)
    assert "<title>Error: " in page.content.decode()
    assert AMINA["name"] not in page.content.decode()
    assert 'class="problem"' in page.content.decode()


def test_a_form_without_its_number_opens_nothing(boss):
    assert (boss.post(at("scored"), {"reason": "x"}).status_code, entries()) == (422, 0)


@pytest.mark.parametrize("phase", ["batch_prep", "processing"])
def test_before_the_scores_are_fixed_it_says_why_not(boss, phase):
    place = at(phase)
    page = boss.get(place)
    assert "Nobody is revealed before the scores of the cycle are fixed" in page.content.decode()
    assert "<textarea" not in page.content.decode()
    answer = boss.post(place, SENT)
    assert (answer.status_code, known(answer), entries()) == (422, [], 0)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN, Role.AUDITOR])
def test_nobody_else_opens_it(role):
    browser, _ = staff_browser(role)
    place = at("scored")
    assert [browser.get(place).status_code, browser.post(place, SENT).status_code, entries()] == [403, 403, 0]


def test_a_record_that_does_not_open_is_told(boss):
    one = cycle()
    apply(one, [amina(), amina(email="second@example.org")])
    lead(one, "scored")
    damage(Application.objects.first())
    copies = AnonymizedApplication.objects.values_list("pk", flat=True)
    pages = [boss.post(reverse("admin:reveal", args=[pk]), SENT) for pk in copies]
    assert sorted(page.status_code for page in pages) == [200, 422]
    (told,) = [page.content.decode() for page in pages if page.status_code == 422]
    assert "This record does not open. That you asked for it stands in the logs." in told


def test_a_copy_that_is_not_there_is_not_found(boss):
    place = reverse("admin:reveal", args=[uuid.UUID(int=7)])
    assert [boss.get(place).status_code, boss.post(place, SENT).status_code] == [404, 404]


def test_the_page_of_the_copy_tells_afterwards_that_it_was_opened(boss):
    place = at("scored")
    boss.post(place, SENT)
    sequence_all()
    page = boss.get(place.removesuffix("identity/"))
    assert known(page) == []
    assert re.search(r"Identity reveal", page.content.decode())
