"""Letters in the console: the list, sending again, and the texts with their preview."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.roles import Role
from admissions.letter_templates import default_text, edit, text_for
from admissions.letter_texts import LANGUAGES, VARIANTS, LetterText
from admissions.letters import send_singles
from admissions.models.applications import Application
from admissions.models.letters import Letter, LetterTemplate
from admissions.posting import queue_letter
from tests.factories import applicant, cycle, submitted
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
LETTERS = "/console/admissions/letter/"
TEXTS = "/console/letters/texts/"
ONE = "/console/letters/texts/selected/en/"
OURS = {"subject": "Hello {name}", "body": "Dear {name},\n\n<b>welcome</b> to {cycle}.\n{link}", "version": "0"}


@pytest.fixture
def omar():
    """The browser of an officer."""
    return staff_browser()[0]


def confirmations(count, one=None):
    one = one or cycle()
    for number in range(count):
        submitted(one, f"amina{number}@example.org", name=f"Amina Qureshi{chr(97 + number % 26)}")
    return one


def page(answer):
    return answer.content.decode()


# -- the list ----------------------------------------------


def test_the_list_shows_references_and_states_and_nobody(omar):
    one = confirmations(1)
    user, _ = applicant("sam@example.org")
    queue_letter("late_access", user=user, cycle=one, until=Letter.objects.get().queued_at)
    send_singles()
    Letter.objects.filter(kind="submitted").update(state="bounced", bounce="5.1.1")
    text = page(omar.get(LETTERS))
    assert [word in text for word in (Application.objects.get().reference, "an account", "5.1.1", "Bounced")] == [
        True
    ] * 4
    assert re.findall(r"amina|sam@|Qureshi", text, re.IGNORECASE) == []
    for letter in Letter.objects.all():
        whole = page(omar.get(f"{LETTERS}{letter.pk}/change/"))
        assert re.findall(r"amina|sam@|Qureshi", whole, re.IGNORECASE) == []


def test_the_list_is_filtered_by_state_kind_and_cycle(omar):
    one, other = confirmations(1), confirmations(1, cycle("other"))
    Letter.objects.filter(admission_cycle=one).update(state="failed", fault="SMTPDataError")
    refs = [Application.objects.of(which).get().reference for which in (one, other)]
    for query, shown in [
        ("state__exact=failed", [True, False]),
        ("state__exact=queued", [False, True]),
        ("kind__exact=submitted", [True, True]),
        ("kind__exact=outcome", [False, False]),
        (f"admission_cycle__id__exact={other.pk}", [False, True]),
    ]:
        text = page(omar.get(f"{LETTERS}?{query}"))
        assert (query, [ref in text for ref in refs]) == (query, shown)


def test_an_empty_list_says_when_the_first_letter_comes(omar):
    assert "The first one is queued when somebody applies." in page(omar.get(LETTERS))


def queries(browser, address):
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    return len(asked)


def test_the_list_costs_the_same_for_few_and_for_many(omar):
    one = confirmations(3)
    few = queries(omar, LETTERS)
    for application in Application.objects.of(one):
        for _ in range(15):
            queue_letter("changed", application=application)
    assert queries(omar, LETTERS) == few


def test_letters_that_did_not_arrive_are_sent_again(omar):
    confirmations(3)
    letters = list(Letter.objects.order_by("pk"))
    send_singles()
    Letter.objects.filter(pk__in=[letters[0].pk, letters[1].pk]).update(state="bounced", bounce="5.1.1")
    chosen = {"action": "send_again", "_selected_action": [letter.pk for letter in letters]}
    text = page(omar.post(LETTERS, chosen))
    assert "2 letters are queued again." in text
    assert "This letter is sent; only one that failed or came back is sent again." in text
    assert list(Letter.objects.order_by("pk").values_list("state", flat=True)) == ["queued", "queued", "sent"]


def test_the_dashboard_tells_of_letters_that_did_not_arrive(omar):
    confirmations(2)
    assert "did not arrive" not in page(omar.get("/console/"))
    Letter.objects.update(state="failed", fault="SMTPDataError")
    assert "2 letters were refused" in page(omar.get("/console/"))


# -- the texts ----------------------------------------------


def test_the_texts_say_whose_they_are(omar):
    one = cycle()
    edit("selected", "en", LetterText("a", "b"), cycle=None, version=0, actor=operator())
    edit("selected", "ur", LetterText("a", "b"), cycle=one, version=0, actor=operator())
    for address, told in [(TEXTS, (1, 0, 15)), (f"{TEXTS}?cycle=fall-2026", (1, 1, 15))]:
        text = page(omar.get(address))
        found = [text.count(words) for words in ("written for all, version 1", "written for this cycle, version 1")]
        assert (*found, text.count("ours, machine-made")) == (told[0], told[1], 16 - told[1])


def test_the_page_of_texts_costs_the_same_however_many_were_written(omar):
    before = queries(omar, TEXTS)
    for variant in VARIANTS:
        for version in range(3):
            edit(variant, "en", LetterText("a", "b"), cycle=None, version=version, actor=operator())
    assert queries(omar, TEXTS) == before


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_text_is_shown_beside_its_preview(omar, variant, language):
    text = page(omar.get(f"{TEXTS}{variant}/{language}/"))
    side = "ltr" if language == "en" else "rtl"
    assert f'<pre class="letter" lang="{language}" dir="{side}"' in text
    assert f'<div class="letter" lang="{language}" dir="{side}">\n<p>' in text


def test_a_preview_shows_what_was_typed_and_keeps_nothing(omar):
    answer = omar.post(ONE, {**OURS, "do": "preview"})
    text = page(answer)
    assert (answer.status_code, LetterTemplate.objects.count()) == (200, 0)
    assert "&lt;b&gt;welcome&lt;/b&gt; to Fall 2026." in text
    assert '<a href="https://admissions.example.edu/applications/7K3M-9Q2X-4TBH/decision/">' in text
    assert "<b>welcome" not in text
    assert "Hello {name}" in text


def test_a_text_is_kept_for_all_or_for_one_cycle(omar):
    one = cycle()
    answer = omar.post(f"{ONE}?cycle=fall-2026", {**OURS, "do": "save"})
    assert answer.redirect_chain == [(f"{ONE}?cycle=fall-2026", 302)]
    assert "The text is kept; letters have it from now on." in page(answer)
    assert text_for("selected", "en", one).subject == "Hello {name}"
    assert text_for("selected", "en", None) == default_text("selected", "en")
    assert LetterTemplate.objects.get().actor_type == "staff"


def test_a_faulty_text_is_shown_again_with_its_lines_and_what_was_typed(omar):
    faulty = {"subject": "Hello {email}", "body": "one\n{nmae} & more", "version": "0", "do": "save"}
    answer = omar.post(ONE, faulty)
    text = page(answer)
    assert (answer.status_code, LetterTemplate.objects.count()) == (422, 0)
    assert "<title>Error: " in text
    assert '<a href="#id_subject">The subject: {email} is not known;' in text
    assert '<a href="#id_body">Line 2: {nmae} is not known;' in text
    assert "{nmae} &amp; more</textarea>" in text
    assert "There is a preview once the text has no fault." in text


@pytest.mark.parametrize(("field", "value"), [("subject", ""), ("body", ""), ("version", "x"), ("body", "x" * 10_001)])
def test_what_is_missing_or_too_long_is_told(omar, field, value):
    assert omar.post(ONE, {**OURS, field: value, "do": "save"}).status_code == 422


def test_who_was_slower_is_told_and_keeps_what_was_typed(omar):
    edit("selected", "en", LetterText("Theirs", "b"), cycle=None, version=0, actor=operator())
    answer = omar.post(ONE, {**OURS, "do": "save"})
    assert answer.status_code == 409
    assert "Somebody else has changed this text meanwhile" in page(answer)
    assert "Hello {name}" in page(answer)
    assert text_for("selected", "en", None).subject == "Theirs"


def test_a_text_is_taken_out_of_use(omar):
    assert "Take out of use" not in page(omar.get(ONE))
    edit("selected", "en", LetterText("Theirs", "b"), cycle=None, version=0, actor=operator())
    assert "Take out of use" in page(omar.get(ONE))
    for version in ("x", "0", "9" * 30):
        told = page(omar.post(ONE, {"do": "restore", "version": version}))
        assert "Somebody else has changed this text meanwhile" in told
    assert "The text that was written here is out of use." in page(omar.post(ONE, {"do": "restore", "version": "1"}))
    assert text_for("selected", "en", None) == default_text("selected", "en")


@pytest.mark.parametrize(
    "address",
    [f"{TEXTS}outcome/en/", f"{TEXTS}selected/de/", f"{TEXTS}?cycle=nowhere", f"{ONE}?cycle=a%00b"],
)
def test_a_text_that_is_not_there_is_not_found(omar, address):
    assert omar.get(address).status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_who_may_not_edit_letters_sees_none_of_it(role):
    browser, _ = staff_browser(role)
    assert [browser.get(address).status_code for address in (LETTERS, TEXTS, ONE)] == [403] * 3
    assert browser.post(ONE, {**OURS, "do": "save"}).status_code == 403
    assert "Letters" not in page(browser.get("/console/"))
