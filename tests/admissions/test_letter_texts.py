"""The texts of letters: what they may name, how they are filled in, and what becomes HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.letter_texts import (
    BODY_MAX,
    LANGUAGES,
    PLACEHOLDERS,
    SUBJECT_MAX,
    LetterText,
    direction,
    faults_of,
    fill,
    one_line,
    supported,
    tidied,
)

SITE = "https://a.example"
VALUES = {name: f"the {name}" for names in PLACEHOLDERS.values() for name in names}


def filled(body, subject="Hello", site=SITE, language="en", **values):
    return fill(LetterText(subject, body), {**VALUES, **values}, language=language, site=site)


def faults(body="Hello", subject="Hello", variant="submitted"):
    return list(faults_of(variant, LetterText(subject, body)))


def test_a_text_that_names_what_it_may_has_no_fault():
    named = " ".join(f"{{{name}}}" for name in PLACEHOLDERS["submitted"])
    assert faults(named, subject="{cycle} ({reference})") == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("Dear {nmae},", "Line 1: {nmae} is not known; this letter knows {cycle}, {link}, {name}, {receipt}, "),
        ("Dear {name},\n\nseats: {seats}", "Line 3: {seats} is not known; "),
        ("{}", "Line 1: {} is not known; "),
        ("{name.email}", "Line 1: {name.email} is not known; "),
        ("{name!r}", "Line 1: {name!r} is not known; "),
        ("one {name\nand more}", "Line 1: the brace { belongs to no placeholder."),
        ("a } alone", "Line 1: the brace } belongs to no placeholder."),
        ("{{name}", "Line 1: the brace { belongs to no placeholder."),
        ("bell \a", "Line 1: a control character stands there."),
        ("  \n ", "The body is empty."),
        ("x" * (BODY_MAX + 1), "The body is longer than 10000 characters."),
    ],
)
def test_a_faulty_body_is_refused_with_its_line(body, fault):
    assert faults(body)[0].startswith(fault)


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("", "The subject is empty."),
        ("Hello\nBcc: sam@example.org", "The subject has more than one line."),
        ("Hello\u2028there", "The subject has more than one line."),
        ("Hello {email}", "The subject: {email} is not known; "),
        ("x" * (SUBJECT_MAX + 1), "The subject is longer than 150 characters."),
    ],
)
def test_a_faulty_subject_is_refused(subject, fault):
    assert any(told.startswith(fault) for told in faults(subject=subject))


def test_a_letter_about_the_outcome_may_not_name_the_receipt():
    named = {variant: "receipt" in names for variant, names in PLACEHOLDERS.items()}
    assert [variant for variant, may in named.items() if may] == ["submitted", "changed", "withdrawn"]


def test_values_are_put_in_once_and_not_looked_at_again():
    letter = filled("Dear {name}, {reference}", subject="{name}", name="{reference} {{link}} {x}", reference="R")
    assert letter.text == "Dear {reference} {{link}} {x}, R\n"
    assert letter.subject == "{reference} {{link}} {x}"


def test_a_value_adds_no_line_and_turns_no_direction():
    letter = filled("Dear {name},", subject="To {name}", name="Amina\r\nBcc: sam@example.org\u202e\u2066\0")
    assert letter.subject == "To Amina Bcc: sam@example.org"
    assert letter.text == "Dear Amina Bcc: sam@example.org,\n"


def test_html_is_escaped_and_values_are_set_apart():
    letter = filled('<b>Dear</b> {name} & "co",\nline two\n\n\n\nnext', name="<script>alert('x')</script>")
    assert letter.paragraphs == (
        "<p>&lt;b&gt;Dear&lt;/b&gt; <bdi>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</bdi> &amp; &quot;co&quot;,"
        "<br>line two</p>\n<p>next</p>"
    )


def links(body, **values):
    return re.findall(r'<a href="([^"]*)">', filled(body, **values).paragraphs)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("see https://a.example/accounts/.", ["https://a.example/accounts/"]),
        ("(https://a.example/x?a=1&b=2)", ["https://a.example/x?a=1&amp;b=2"]),
        ("https://a.example, and https://a.example/", ["https://a.example", "https://a.example/"]),
        ("https://a.example.evil.example/x", []),
        ("https://a.example@evil.example/x", []),
        ("https://a.example:9000/x", []),
        ("http://a.example/ https://evil.example/ javascript:alert(1)", []),
        ('https://a.example/"onclick="x', ["https://a.example/"]),
        ("https://a.example/<b>", ["https://a.example/"]),
        ("{link}", ["https://a.example/me/"]),
    ],
)
def test_only_our_own_addresses_become_links(body, found):
    assert links(body, link="https://a.example/me/") == found


def test_without_a_site_nothing_becomes_a_link():
    assert filled("https://a.example/", site="").paragraphs == "<p>https://a.example/</p>"


def test_a_text_is_kept_with_one_kind_of_line_end():
    assert tidied(LetterText(" Hi ", "\r\na\r\nb\rc\n\n")) == LetterText("Hi", "a\nb\nc")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(("ur",), "ur"), (("ar-eg", "en"), "ar"), (("pt_BR", "ur"), "ur"), ((None, "UR-pk"), "ur"), (("de", "fr"), "en")],
)
def test_the_language_of_a_letter_is_one_that_letters_have(wanted, found):
    assert supported(*wanted) == found


def test_urdu_and_arabic_run_from_right_to_left():
    assert [direction(language) for language in LANGUAGES] == ["ltr", "rtl", "rtl"]


def test_a_line_of_plain_urdu_runs_from_right_to_left_even_if_it_begins_with_a_value():
    letter = filled("{cycle} کے لیے\n{reference}\n\n(2026)", subject="{cycle} کے لیے", language="ur", cycle="Fall")
    assert letter.text == "\u200fFall کے لیے\nthe reference\n\n(2026)\n"
    assert letter.subject == "\u200fFall کے لیے"
    assert "\u200f" not in letter.paragraphs


@given(st.text())
def test_one_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(alphabet="{}name <>&\"'\n/:.htps@ax"), st.text())
def test_what_has_no_fault_is_filled_in_and_holds_no_tag_but_ours(body, name):
    text = tidied(LetterText("Hello", body))
    if faults_of_text := list(faults_of("submitted", text)):
        assert all(isinstance(fault, str) for fault in faults_of_text)
        return
    letter = fill(text, {**VALUES, "name": name}, language="en", site=SITE)
    ours = r"</?p>|<br>|</?bdi>|<a href=\"https://a\.example[^\"<>]*\">|</a>"
    assert [tag for tag in re.findall(r"<[^>]*>", letter.paragraphs) if not re.fullmatch(ours, tag)] == []
