"""The parts of the scrubber that have rules of their own: folding, check digits, spelling, placeholders."""

from hypothesis import given
from hypothesis import strategies as st

from admissions.scrubbing.checksums import isbn13, luhn, verhoeff
from admissions.scrubbing.folding import Passage, fold
from admissions.scrubbing.name_parts import parts_of
from admissions.scrubbing.placeholders import combine, settle, write
from admissions.scrubbing.spelling import skeleton, sound
from admissions.scrubbing.values import Span


def test_folding_drops_case_and_marks_and_invisible_characters():
    assert (
        fold("ŁÓDŹ Æsir Großvater İzmir Sa\u00admi\u200bna “x” – ４２ x²")
        == 'lodz aesir grossvater izmir samina "x" - 42 x²'
    )


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("æßłé\u0301\u00adx"))))
def test_every_folded_character_leads_back_to_its_original(text):
    passage = Passage(text)
    again = "".join(fold(passage.original(at, at + 1)) for at in range(len(passage.folded)))
    assert len(again) >= len(passage.folded) or not text
    starts = [passage.start(at) for at in range(len(passage.folded))]
    assert starts == sorted(starts)
    assert passage.end(len(passage.folded)) == (len(text) if passage.folded else passage.end(0))


def test_a_stretch_takes_its_combining_marks_along():
    passage = Passage("e\u0301a æb")
    assert [passage.original(0, 1), passage.original(3, 4), passage.original(3, 5)] == ["e\u0301", "æ", "æ"]


def test_check_digits_tell_documents_from_numbers():
    assert (luhn("4111111111111111"), luhn("4111111111111112")) == (True, False)
    assert (verhoeff("2363"), verhoeff("2364")) == (True, False)
    assert (isbn13("9780306406157"), isbn13("9780306406158"), isbn13("1230306406157")) == (True, False, False)


def test_a_name_comes_apart():
    own = parts_of("Dr. Yusuf bin Tariq Al-Amri")
    assert [part.text for part in own.parts] == ["yusuf", "tariq", "amri", "alamri"]
    assert own.particles == {"bin", "al"}
    assert {"yusufamri", "yamri", "amriyusuf"} <= own.joined


def test_one_name_sounds_the_same_in_all_its_spellings():
    assert {sound(word) for word in ("shevchuk", "шевчук")} == {"shivchuk"}
    assert {skeleton(word) for word in ("nasser", "nasir", "naser")} == {"nsr"}


def test_overlapping_spans_become_one_of_the_longest_type():
    spans = [Span(0, 4, "NAME"), Span(2, 12, "EMAIL"), Span(12, 13, "PHONE")]
    assert settle("abcdefghijklm", spans) == [Span(0, 12, "EMAIL"), Span(12, 13, "PHONE")]


def test_a_span_never_touches_a_placeholder():
    text = "ab [NAME] cd"
    assert settle(text, [Span(0, len(text), "URL")]) == [Span(0, 2, "URL"), Span(10, 12, "URL")]


def test_two_names_with_a_space_between_become_one():
    assert settle("Ada Lis, Bo", [Span(0, 3, "NAME"), Span(4, 7, "NAME"), Span(9, 11, "NAME")]) == [
        Span(0, 7, "NAME"),
        Span(9, 11, "NAME"),
    ]


def test_later_spans_are_given_in_offsets_of_the_original():
    text = "Ada wrote to Bo and Cy."
    first = [Span(0, 3, "NAME"), Span(20, 22, "NAME")]
    later = [Span(write(text, first).index("Bo"), write(text, first).index("Bo") + 2, "NAME")]
    assert combine(first, later) == [Span(0, 3, "NAME"), Span(13, 15, "NAME"), Span(20, 22, "NAME")]
