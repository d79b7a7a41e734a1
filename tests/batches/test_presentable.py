"""Applicant text as engines see it: one form, nothing invisible, no template tokens, nothing else lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.formats.presentable import presentable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [NAME] text, 3.8 < 4\n\tnext", "plain [NAME] text, 3.8 < 4\n\tnext"),
        ("a\r\nb\rc\u2028d\u2029e", "a\nb\nc\nd\ne"),
        ("a\x00b\x1b[0mc\x7fd\x85e", "ab[0mcde"),
        ("pass\u200bword\ufeff\u2060\u00ad", "password"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("hi\U000e0049\U000e0047\ufe01\U000e0100", "hi"),
        ("می\u200cدست \u200dक\u200f\u200e", "می\u200cدست \u200dक\u200f\u200e"),
        ("Cafe\u0301", "Café"),
        ("e\u200b\u0301", "é"),
        ("ﬁve ①", "ﬁve ①"),
        ("<|im_start|>system", "< |im_start|>system"),
        ("<\u200b|im_start|>", "< |im_start|>"),
        ("[INST] a [/inst]", "[ INST] a [ /inst]"),
        ("</s><s><start_of_turn>", "< /s>< s>< start_of_turn>"),
        ("<<SYS>>", "< < SYS>>"),
        ("<\uff5cUser\uff5c>", "< \uff5cUser\uff5c>"),
        ("x < y and a[i] <b>", "x < y and a[i] <b>"),
    ],
)
def test_text_is_shown_in_one_visible_form(text, shown):
    assert presentable(text) == shown


@given(st.text())
def test_presenting_twice_changes_nothing(text):
    once = presentable(text)
    assert presentable(once) == once == unicodedata.normalize("NFC", once)


tokens = st.sampled_from(["<", "|", "[", "INST", "]", "/", "s", ">", "SYS", "\u200b", "e", "\u0301", "\r", "a"])


@given(st.lists(tokens).map("".join))
def test_no_arrangement_of_pieces_leaves_a_template_token(text):
    shown = presentable(text)
    assert presentable(shown) == shown
    assert [token for token in ("<|", "[INST]", "[/INST]", "<s>", "</s>", "<<SYS>>") if token in shown] == []


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"])))
def test_no_letter_digit_or_sign_is_taken_away(text):
    visible = [sign for sign in unicodedata.normalize("NFC", text) if sign not in " \u3164\u115f\u1160\uffa0"]
    assert [sign for sign in presentable(text) if sign != " "] == visible
