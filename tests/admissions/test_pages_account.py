"""Taking one's data along, and having it erased, in a browser."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.submission import submit
from audit.models import LogOutbox
from tests.factories import AMINA, applicant, cycle, lead, omar, submitted, taken_back
from tests.visitors import PASSWORD, Browser, applicant_browser

pytestmark = pytest.mark.django_db

DATA, ERASE = "/accounts/data/", "/accounts/erase/"


@pytest.fixture
def amina():
    return submitted(cycle(results_at=timezone.now() + timedelta(days=30)))


def shown(answer):
    return " ".join(answer.content.decode().split())


def is_erased(application):
    return IdentityMapping.objects.get(pk=application.pk).erased_at is not None


def test_the_account_leads_to_both(amina):
    text = shown(applicant_browser().get("account_home"))
    for path in (DATA, ERASE, "/applications/"):
        assert f'href="{path}"' in text


def test_reading_about_it_hands_out_nothing_and_notes_nothing(amina):
    before = LogOutbox.objects.count()
    answer = applicant_browser().get(DATA)
    assert answer.status_code == 200
    assert AMINA["name"] not in shown(answer)
    assert LogOutbox.objects.count() == before


def test_the_file_is_ones_own_and_is_noted(amina):
    answer = applicant_browser().post(DATA)
    told = json.loads(answer.content)
    assert told["applications"][0]["identity"]["name"] == AMINA["name"]
    assert answer["Content-Disposition"].startswith('attachment; filename="enigma-my-data-2')
    assert "no-store" in answer["Cache-Control"]
    assert LogOutbox.objects.filter(kind="own.export").count() == 1


@pytest.mark.parametrize("path", [DATA, ERASE])
def test_who_signed_in_a_while_ago_signs_in_again(amina, path):
    taken_back(amina)
    browser = applicant_browser(seconds_ago=3600)
    text = shown(browser.get(path))
    assert "It is a while since you signed in." in text
    answer = browser.post(path, {"word": "erase"})
    assert "application/json" not in answer["Content-Type"]
    assert not is_erased(amina)
    left = browser.post("account_logout", {"next": path})
    assert left.redirect_chain[0][0] == path
    assert left.redirect_chain[-1][0].endswith(f"?next={path}")


@pytest.mark.parametrize("path", [DATA, ERASE])
def test_who_has_a_password_proves_it_before_and_is_led_back(amina, path):
    taken_back(amina)
    user = User.objects.get()
    user.set_password(PASSWORD)
    user.save()
    browser = applicant_browser()
    asked = browser.post(path, {"word": "erase"})
    assert asked.redirect_chain[0][0].startswith("/accounts/reauthenticate/")
    assert not is_erased(amina)
    done = browser.post(f"/accounts/reauthenticate/?next={path}", {"password": PASSWORD, "next": path})
    assert done.status_code == 200
    assert is_erased(amina) == (path == ERASE)
    assert ("application/json" in done["Content-Type"]) == (path == DATA)


# -- erasure ----------------------------------------------


def test_what_it_does_and_cannot_do_is_said_before(amina):
    taken_back(amina)
    text = shown(applicant_browser().get(ERASE))
    for said in ("What it does", "What it cannot do", "Nobody can undo it.", "type the word “erase”"):
        assert said in text


def test_an_open_application_is_withdrawn_first(amina):
    text = shown(applicant_browser().get(ERASE))
    assert "withdraw this application first." in text
    assert "<form" not in text.split("<main")[1].split("</main")[0]


@pytest.mark.parametrize("phase", ["frozen", "processing", "selection"])
def test_during_evaluation_it_names_the_date(amina, phase):
    lead(AdmissionCycle.objects.get(), phase)
    browser = applicant_browser()
    assert "they are expected on <time" in shown(browser.get(ERASE))
    assert "It is not possible yet" in shown(browser.post(ERASE, {"word": "erase"}))
    assert not is_erased(amina)


def test_without_a_date_it_says_only_when():
    one = cycle()
    submitted(one)
    lead(one, "processing")
    assert "once the results are published.</li>" in shown(applicant_browser().get(ERASE))


@pytest.mark.parametrize("word", ["", "yes", "eras"])
def test_another_word_erases_nothing(amina, word):
    taken_back(amina)
    answer = applicant_browser().post(ERASE, {"word": word})
    text = shown(answer)
    assert answer.status_code == 422
    assert "<title>Error: Erase my data" in text
    assert '<a href="#id_word">' in text
    assert not is_erased(amina)


def test_the_word_erases_and_signs_out(amina):
    lead(AdmissionCycle.objects.get(), "published")
    browser = applicant_browser()
    answer = browser.post(ERASE, {"word": " Erase "})
    assert (answer.status_code, is_erased(amina)) == (200, True)
    assert "Your data is erased" in shown(answer)
    assert "Sign in" in shown(browser.get("/"))
    assert not User.objects.filter(email="amina@example.org").exists()


def test_the_address_can_begin_anew_and_finds_nothing(amina):
    lead(AdmissionCycle.objects.get(), "published")
    applicant_browser().post(ERASE, {"word": "erase"})
    browser = Browser()
    browser.sign_in_by_code("amina@example.org")
    text = shown(browser.get("/applications/"))
    assert "You have not sent an application" in text
    assert amina.reference not in text


def test_staff_are_told_that_theirs_stays(amina):
    omar(email="amina@example.org")
    browser = applicant_browser()
    assert "belongs to a member of staff" in shown(browser.get(ERASE))


def test_what_another_tab_handed_in_meanwhile_stops_it(amina, monkeypatch):
    taken_back(amina)
    browser = applicant_browser()
    other = cycle("spring-2027")
    user, actor = applicant()
    values = {name: AMINA[name] for name in ("name", "phone", "address", "test_scores", "essay", "achievements")}
    submit(other, {**values, "gpa": "3.8"}, user=user, actor=actor)
    monkeypatch.setattr("admissions.pages.account.obstacles", lambda user: [])
    answer = browser.post(ERASE, {"word": "erase"})
    assert answer.status_code == 422
    assert "still in its cycle" in shown(answer)
    assert not is_erased(amina)
