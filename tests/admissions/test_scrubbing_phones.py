"""Telephone numbers go; years, scores, counts and results stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.scrubbing import Identity, scrub


@pytest.mark.parametrize(
    "number",
    [
        "+92 333 4471920", "+44 20 7946 0958", "+1 (415) 555-0132", "+8613123564936", "0092 333 4471920",
        "0333-4471920",
        "03334471920", "(415) 555-0132", "415-555-0132", "415.555.0132", "06 12 90 69 70", "010-2047-0783",
        "98450 12345",
        "0802 198 2268", "+49-30-1234567", "+９２ ３３３ ４４７１９２０",
    ],
)  # fmt: skip
def test_a_phone_number_goes(number):
    assert scrub(f"Mine is {number}, always.", None).text == "Mine is [PHONE], always."


@pytest.mark.parametrize("number", ["512 804 987", "5551234", "555-0132", "44 71 92 05"])
def test_a_bare_number_goes_after_a_word_that_asks_to_dial_it(number):
    assert scrub(f"Call me on {number} today.", None).text == "Call me on [PHONE] today."
    assert scrub(f"We counted {number} today.", None).text == f"We counted {number} today."


@pytest.mark.parametrize("number", ["333 4471920", "0333-447-1920", "+92(333)4471920", "333.44.71.920", "4471920"])
def test_the_own_number_goes_in_any_grouping(number):
    own = Identity(phone="+92 333 4471920")
    assert scrub(f"We counted {number} today.", own).text == "We counted [PHONE] today."


@pytest.mark.parametrize(
    "text",
    [
        "GPA 3.8, 2nd place, 2023, 1450, 12 members, grade 9-12, 24/7",
        "1914-1918, 2021-2022, 2019 - 2020, 2019-2020-2021, 2023-05-14, 14/05/2023, 14.05.2023",
        "the 10,000 m in 39:30, $154,000, 8,572,175 downloads, 8 572 175 cells, 5 000 000 people",
        "pi is 3.14159265358979, g 9.80665, 0.00012345, 1.5-2.5",
        "ISBN 978-0-306-40615-7 and 9780306406157",
        "SAT 1450 1500 1520; won 6-4 3-6 7-5 6-3; 1 2 3 4 5 6 7 8 9; 10 20 30 40 50",
        "PKR 1500000, Rs. 2500000, 1000000000 km, 12345678 base pairs, 1234567 lines",
        "192.168.10.100 and x = 1234567 and 2^31 is 2147483648e0",
    ],
)
def test_numbers_that_are_merit_stay(text):
    assert scrub(text, Identity(phone="+92 333 4471920")).text == text


@given(st.integers(1900, 2099), st.integers(1900, 2099), st.sampled_from(["-", " ", "/", " - ", "\u2013"]))
def test_years_are_no_phone(first, second, between):
    text = f"from {first}{between}{second} on"
    assert scrub(text, None).text == text


@given(st.integers(0, 999_999), st.sampled_from(["", " points", "%", "th", " m", " of us"]))
def test_numbers_of_up_to_six_digits_stay(value, unit):
    text = f"We got {value}{unit}."
    assert scrub(text, None).text == text


@given(st.integers(0, 10**12))
def test_a_number_with_commas_between_thousands_stays(value):
    text = f"We counted {value:,} of them."
    assert scrub(text, None).text == text
