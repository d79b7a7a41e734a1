"""The promises of the scrubber as a whole: what goes, what stays, and that it holds for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.scrubbing import FINDERS, Identity, Scrubbed, Span, scrub
from admissions.scrubbing.values import TYPES

AMINA = Identity(
    name="Amina Rehan Bukhari",
    email="amina.bukhari07@example.org",
    phone="+92 333 4471920",
    address="17-B Canal View, Sialkot 51310",
)
# Bits that finders react to, in orders that no person would write.
PIECES = st.sampled_from([
    "Amina", "amina", "AMINA", "Bukhari", "Rehan", "Will", "will", "May", "A.", "'s", "’s", ", ", ". ",
    "\n", " ",
    "-", "@", "+92", "0333", "4471920", "333-4471920", "17-B Canal View", "51310", "Sialkot", "call me ",
    "Zoya",
    "my name is ", "call ", "[NAME]", "[", "]", "NAME", "EMAIL", "https://", "www.", "x.com", "/",
    "born on ", "1/2/2005",
    "id ", "12345", "GPA 3.8", "é", "e\u0301", "æ", "\u00ad", "\ud800", "徐文杰", "Амина", "gmail", " at ",
    " dot ", "com",
])  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))
WORDS = st.one_of(st.none(), st.text(), st.lists(PIECES, max_size=5).map("".join))
IDENTITIES = st.one_of(st.none(), st.just(AMINA), st.builds(Identity, WORDS, WORDS, WORDS, WORDS))


def rebuilt(text: str, scrubbed: Scrubbed) -> str:
    """Return what the spans alone make of the original."""
    pieces, done = [], 0
    for span in scrubbed.spans:
        pieces += [text[done : span.start], f"[{span.type}]"]
        done = span.end
    return "".join([*pieces, text[done:]])


def test_an_essay_loses_its_author_and_keeps_its_merit():
    essay = (
        "I am Amina Rehan Bukhari (amina.bukhari07@example.org, 0333-4471920) of 17-B Canal View, Sialkot.\n"
        "With a GPA of 3.8 I came 2nd of 1450 in 2023; our 12 members ran the 10,000 m in 39:30."
    )
    assert scrub(essay, AMINA).text == (
        "I am [NAME] ([EMAIL], [PHONE]) of [ADDRESS].\n"
        "With a GPA of 3.8 I came 2nd of 1450 in 2023; our 12 members ran the 10,000 m in 39:30."
    )


def test_spans_count_code_points_of_the_original():
    assert scrub("Straße 😀 é: ask Amina", AMINA).spans == (Span(16, 21, "NAME"),)


def test_a_text_without_anybody_is_returned_as_it_was():
    text = "We sang a song, and the choir grew from five to fifty."
    assert scrub(text, AMINA) == Scrubbed(text, ())


def test_without_an_identity_ways_to_reach_people_still_go():
    assert scrub("Write to li@mail.example.com or @li_wei.", None).text == "Write to [EMAIL] or [HANDLE]."


def test_placeholders_of_an_earlier_round_are_left_alone():
    text = "[NAME] wrote to [EMAIL] on [DOB]."
    assert scrub(text, Identity(name="Name Email Dob")) == Scrubbed(text, ())


def test_half_a_surrogate_pair_is_text_like_any_other():
    assert scrub("\ud800 Amina \udfff", AMINA).text == "\ud800 [NAME] \udfff"


@pytest.mark.parametrize("piece", ["a@", "Amina ", "12 ", "call me Zo ", "www.", "e\u0301", "Bukhari, ", "(1"])
def test_long_and_odd_texts_cost_time_in_proportion(piece):
    text = piece * (200_000 // len(piece))
    assert rebuilt(text, scrub(text, AMINA)) == scrub(text, AMINA).text


@given(TEXTS, IDENTITIES)
def test_scrubbing_twice_changes_nothing(text, identity):
    once = scrub(text, identity)
    assert scrub(once.text, identity) == Scrubbed(once.text, ())


@given(TEXTS, IDENTITIES)
def test_spans_alone_rebuild_the_scrubbed_text(text, identity):
    scrubbed = scrub(text, identity)
    assert rebuilt(text, scrubbed) == scrubbed.text


@given(TEXTS, IDENTITIES)
def test_spans_are_sorted_apart_typed_and_not_empty(text, identity):
    spans = scrub(text, identity).spans
    bounds = [bound for span in spans for bound in (span.start, span.end)]
    assert bounds == sorted(bounds)
    assert all(span.start < span.end and span.type in TYPES for span in spans)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ,\n"))
def test_plain_words_without_names_digits_or_signs_stay(text):
    identity = Identity(name="Ðorđe Đukić", email="q@example.org", phone="123", address=None)
    assert scrub(text, identity).text == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_full_name_on_a_line_of_its_own_never_survives(before, after):
    text = f"{before}\nAmina Rehan Bukhari\n{after}"
    assert "Amina Rehan Bukhari" not in scrub(text, AMINA).text


def test_every_finder_says_what_it_finds():
    assert all(finder.__doc__ for finder in FINDERS)
