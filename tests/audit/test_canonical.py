"""EJ1: one spelling per value, and nothing else is read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import MAX_INTEGER, NotCanonical, decode, encode
from tests.audit.independent import ej1

VECTORS = json.loads((Path(__file__).parent / "vectors" / "ej1.json").read_text())
KEYS = st.text(st.characters(max_codepoint=127), min_size=1, max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


def described(*, want_error):
    return [pytest.param(case, id=case["desc"]) for case in VECTORS if case["wantErr"] is want_error]


def data(case):
    if "repeat" in case:
        unit, times = case["repeat"]
        return bytes.fromhex(unit) * times
    return bytes.fromhex(case["hex"])


@pytest.mark.parametrize("case", described(want_error=False))
def test_a_value_has_the_bytes_of_the_vector(case):
    assert (encode(case["value"]), decode(data(case))) == (data(case), case["value"])


@pytest.mark.parametrize("case", described(want_error=True))
def test_bytes_that_would_not_be_written_are_not_read(case):
    with pytest.raises(NotCanonical):
        decode(data(case))


@given(VALUES)
def test_every_value_survives_and_is_spelled_as_by_the_standard_library(value):
    assert (decode(encode(value)), encode(value)) == (value, ej1(value))


@given(st.binary(max_size=20) | st.text(st.sampled_from('{}[]",:0123456789-e.\\u ')).map(str.encode))
def test_whatever_is_read_is_written_the_same(junk):
    try:
        value = decode(junk)
    except NotCanonical:
        return
    assert encode(value) == junk


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), b"x", {1: 2}, {"": 1}, {"é": 1}, {1, 2}, 2**53, -(2**53), "\ud800", ["\udc00"], ...],
    ids=repr,
)
def test_a_value_without_a_form_is_refused(value):
    with pytest.raises(NotCanonical):
        encode(value)


def test_a_refusal_says_what_is_wrong():
    with pytest.raises(NotCanonical, match=r"1\.5 is not an integer"):
        decode(b'{"gpa":1.5}')
