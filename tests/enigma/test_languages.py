"""Pages speak their reader's language; what programs read stays in English."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format, number_format

from tests.visitors import Browser, staff_browser

pytestmark = pytest.mark.django_db

DOOR = "/accounts/login/code/"


def spoken(answer):
    """The language of an answer, by its headers and its text."""
    text = answer.content.decode()
    return answer.headers.get("Content-Language"), text[text.find("<html") + 6 : text.find("<head>") - 2]


@pytest.mark.parametrize(
    ("accepted", "told"),
    [
        ("ur-PK,ur;q=0.9,en;q=0.8", ("ur", 'lang="ur" dir="rtl"')),
        ("ar", ("ar", 'lang="ar" dir="rtl"')),
        ("fr,en;q=0.5", ("en", 'lang="en" dir="ltr"')),
        ("fr", ("en", 'lang="en" dir="ltr"')),
        ("", ("en", 'lang="en" dir="ltr"')),
    ],
)
def test_a_page_speaks_what_the_browser_prefers(accepted, told):
    assert spoken(Browser().get(DOOR, headers={"Accept-Language": accepted})) == told


def test_the_switch_leads_back_to_the_page_and_wins_over_the_browser():
    browser = Browser(headers={"Accept-Language": "ar"})
    answer = browser.post("/language/", {"language": "ur", "next": DOOR})
    assert (answer.redirect_chain, spoken(answer)[0]) == ([(DOOR, 302)], "ur")
    cookie = browser.cookies["django_language"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")


def test_the_switch_leads_nowhere_else():
    answer = Browser().post("/language/", {"language": "ur", "next": "https://elsewhere.example/"}, follow=False)
    assert answer.headers["Location"] == "/"


def test_looking_at_the_switch_changes_nothing():
    browser = Browser()
    browser.get("/language/?language=ur")
    assert "django_language" not in browser.cookies


def test_the_switch_asks_for_the_proof_of_origin():
    answer = Browser(enforce_csrf_checks=True).post("/language/", {"language": "ur"})
    assert (answer.status_code, "django_language" in answer.cookies) == (403, False)


def test_every_page_offers_each_language_by_its_own_name():
    page = Browser().get(DOOR).content.decode()
    assert f'<input type="hidden" name="next" value="{DOOR}">' in page
    for code, name in (("en", "English"), ("ur", "اردو"), ("ar", "العربيّة")):
        assert f'name="language" value="{code}" lang="{code}"' in page
        assert f">{name}</button>" in page


def test_an_unknown_language_changes_nothing():
    browser = Browser()
    browser.post("/language/", {"language": "xx", "next": DOOR})
    assert "django_language" not in browser.cookies


@pytest.mark.parametrize("address", ["/api/v1/admission/info", "/api/v1/cycles", "/livez", "/readyz", "/api/docs/"])
def test_what_programs_read_is_in_english_and_does_not_vary_by_language(address):
    plain, urdu = Client(), Client(headers={"Accept-Language": "ur"})
    urdu.cookies["django_language"] = "ur"
    answers = [client.get(address, secure=True) for client in (plain, urdu)]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert "Accept-Language" not in answers[0].headers.get("Vary", "")


def test_the_console_follows_its_reader_and_offers_the_switch():
    browser, _ = staff_browser()
    answer = browser.post("/language/", {"language": "ur", "next": "/console/"})
    assert (answer.redirect_chain, spoken(answer)) == ([("/console/", 302)], ("ur", 'lang="ur" dir="rtl"'))
    assert "سائن آؤٹ کریں" in answer.content.decode()
    back = browser.post("/language/", {"language": "en", "next": "/console/"})
    assert spoken(back) == ("en", 'lang="en" dir="ltr"')


def test_pages_vary_by_what_they_depend_on():
    assert {"Accept-Language", "Cookie"} <= set(Browser().get(DOOR).headers["Vary"].split(", "))


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_dates_have_24_hours_and_numbers_the_point_that_forms_ask_for(language):
    at = datetime(2026, 11, 28, 15, 5, tzinfo=UTC)
    with translation.override(language):
        told = [date_format(at, "DATETIME_FORMAT"), number_format(3.75), number_format(6000, force_grouping=True)]
    date = {"en": "28 November 2026,", "ur": "28 نومبر 2026،", "ar": "28 نوفمبر 2026،"}[language]
    assert told == [f"{date} 15:05", "3.75", "6,000"]


def test_the_next_answer_does_not_inherit_the_language():
    Browser().get(DOOR, headers={"Accept-Language": "ur"})
    assert translation.get_language() == "en"
