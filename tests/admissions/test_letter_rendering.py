"""What one reader gets: every letter in every language, and previews for an invented person."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from accounts.actors import Actor, operator
from accounts.roles import Role
from admissions.letter_rendering import preview, render, samples, values_for
from admissions.letter_templates import WrongText, default_text, is_machine_made
from admissions.letter_texts import LANGUAGES, PLACEHOLDERS, VARIANTS, LetterText, faults_of
from admissions.models.applications import IdentityMapping
from tests.factories import amina, applicants, apply, cycle, lead, submitted, taken_back

pytestmark = pytest.mark.django_db
EVERY = pytest.mark.parametrize(
    ("variant", "language"), [(variant, language) for variant in VARIANTS for language in LANGUAGES]
)


class Whole(HTMLParser):
    """Finds out whether every tag is closed, and what the outermost one says."""

    def __init__(self, html):
        super().__init__()
        self.open, self.root = [], {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag == "html":
            self.root = dict(attrs)
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@EVERY
def test_our_own_text_has_no_fault(variant, language):
    assert list(faults_of(variant, default_text(variant, language))) == []


@EVERY
def test_every_letter_leaves_no_placeholder_in_any_language(variant, language):
    letter = preview(variant, cycle(), language)
    assert re.findall(r"[{}]", letter.subject + letter.text + str(letter.paragraphs)) == []
    page = Whole(letter.html)
    assert (page.open, page.root) == ([], {"lang": language, "dir": "ltr" if language == "en" else "rtl"})


@EVERY
def test_every_letter_says_what_it_is_about(variant, language):
    letter = preview(variant, cycle(), language)
    own = {"name": "قریشی" if language == "ur" else "قريشي" if language == "ar" else "Amina Qureshi-Holt"}
    said = {**own, "reference": "7K3M-9Q2X-4TBH", "cycle": "Fall 2026", "receipt": "0123456789abcdef" * 2}
    path = {"late_access": "apply/fall-2026/"}.get(variant, "applications/7K3M-9Q2X-4TBH/decision/")
    if "receipt" in PLACEHOLDERS[variant]:
        path = "applications/7K3M-9Q2X-4TBH/receipt/"
    said["link"] = f'<a href="https://admissions.example.edu/{path}">'
    named = PLACEHOLDERS[variant] & said.keys()
    assert [name for name in named if said[name] not in letter.html] == []
    assert letter.html.count("<a ") == 1


def test_what_a_machine_translated_is_marked():
    marked = {language for variant in VARIANTS for language in LANGUAGES if is_machine_made(variant, language)}
    assert marked == {"ur", "ar"}
    assert all(is_machine_made(variant, language) for variant in VARIANTS for language in ("ur", "ar"))


def test_the_sheet_of_a_letter_has_light_and_dark_and_nothing_from_elsewhere():
    html = preview("submitted", cycle(), "en").html
    assert "prefers-color-scheme: dark" in html
    assert re.findall(r"url\(|@import|<script|<img|style=|http-equiv", html) == []


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "31 December 2026, 23:59 UTC"), ("ur", "31 دسمبر 2026, 23:59 UTC"), ("ar", "31 ديسمبر 2026, 23:59 UTC")],
)
def test_a_time_is_told_in_the_language_of_the_letter(language, told):
    one = cycle(closes_at=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert values_for("submitted", one, language=language, reference="R")["until"] == told


def test_a_cycle_without_a_closing_date_is_open_until_further_notice():
    assert values_for("submitted", cycle(), language="en", reference="R")["until"] == "further notice"


def test_a_preview_tries_a_text_that_is_not_kept():
    letter = preview("withdrawn", cycle(), "en", subject="Gone: {cycle}", body="Bye {name}\r\n\r\n{link}")
    assert (letter.subject, letter.text) == (
        "Gone: Fall 2026",
        "Bye Amina Qureshi-Holt\n\nhttps://admissions.example.edu/applications/7K3M-9Q2X-4TBH/receipt/\n",
    )


def test_a_preview_works_without_a_cycle():
    assert preview("selected", None, "en").subject == "Your application to Fall 2026 (7K3M-9Q2X-4TBH)"


def test_a_preview_of_a_faulty_text_says_what_is_wrong():
    with pytest.raises(WrongText) as refusal:
        preview("withdrawn", None, "en", subject="", body="one\n{email}")
    assert refusal.value.faults[0] == "The subject is empty."
    assert refusal.value.faults[1].startswith("Line 2: {email} is not known")


def test_a_preview_reads_no_real_person(django_assert_num_queries):
    one = cycle()
    apply(one, [amina(name="Zorvex Quillmar")])
    with django_assert_num_queries(1) as asked:
        letter = preview("selected", one, "en")
    assert "identity_mapping" not in asked[0]["sql"]
    assert "Zorvex" not in letter.html


def test_a_name_of_many_scripts_stands_in_the_letter_as_it_is():
    values = values_for("selected", cycle(), language="ar", reference="7K3M-9Q2X-4TBH", name="Zoë ‘آمنہ’ 李 O'Hara")
    letter = render(LetterText("{name}", "{name}"), values, language="ar")
    assert (letter.subject, letter.text) == ("Zoë ‘آمنہ’ 李 O'Hara", "Zoë ‘آمنہ’ 李 O'Hara\n")


# -- the letters of a publication ----------------------------------------------


def reviewer():
    return Actor(kind="staff", id="user:1", role=Role.REVIEWER)


def test_the_samples_of_a_publication_are_three_letters_with_how_many_get_each():
    one = cycle(seats=1)
    apply(one, applicants(3))
    taken_back(submitted(one))
    lead(one, to="selection")
    found = samples(one, actor=operator())
    assert [(sample["variant"], sample["count"]) for sample in found] == [
        ("selected", 1),
        ("not_selected", 2),
        ("not_assessed", 0),
    ]
    assert "glad to offer you a place in Fall 2026" in found[0]["letter"].text
    assert IdentityMapping.objects.count() == 4


@pytest.mark.parametrize("phase", ["submission", "scored"])
def test_the_samples_have_no_numbers_before_the_selection(phase):
    one = cycle()
    apply(one, applicants(2))
    lead(one, to=phase)
    assert [sample["count"] for sample in samples(one, actor=operator())] == [None] * 3


def test_who_may_not_see_figures_under_embargo_gets_no_numbers():
    one = cycle()
    apply(one, applicants(2))
    lead(one, to="selection")
    told = [sample["count"] for sample in samples(one, actor=reviewer())]
    lead(one, to="published")
    assert told == [None] * 3
    assert [sample["count"] for sample in samples(one, actor=reviewer(), language="ur")] == [2, 0, 0]
