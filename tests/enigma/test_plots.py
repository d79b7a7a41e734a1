"""The plots: what is drawn says what was counted, whatever is counted."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigma.plots import bubbles, ceiling, histogram, line, steps

COUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=60)


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314  our own drawing


def bars(svg):
    """Height of each bar, from left to right."""
    rects = [one for one in parsed(svg) if one.get("class") == "bar"]
    return [float(one.get("height")) for one in sorted(rects, key=lambda one: float(one.get("x")))]


def told(svg):
    return [one.text for one in parsed(svg) if one.tag == "text" and one.text]


@given(COUNTS)
def test_a_bar_stands_for_each_count_and_is_as_high_as_it(counts):
    heights = bars(histogram(counts, low=0, high=100, label="Scores"))
    expected = [190 * count / ceiling(max(counts)) for count in counts if count]
    assert heights == pytest.approx(expected, abs=0.11)


@given(COUNTS, st.text(max_size=20))
def test_no_style_or_script_stands_in_a_drawing_and_text_is_escaped(counts, label):
    label = re.sub(r"[^ -\ud7ff]", "", label)
    svg = histogram(counts, low=0, high=100, label=label, mark=50, mark_label=f"<b>{label}")
    assert "style=" not in svg.replace(label, "")
    assert "<b>" not in svg
    assert parsed(svg).get("aria-label") == label


def test_the_mark_is_drawn_at_its_value_and_told():
    svg = histogram([1, 2], low=0, high=100, label="Scores", mark=50, mark_label="cut-off 50")
    mark = next(one for one in parsed(svg) if one.get("class") == "mark")
    assert mark.get("x1") == "338.0"
    assert "cut-off 50" in told(svg)


def test_counts_have_no_halves_at_their_axis():
    assert [number for number in told(histogram([0, 2, 1], low=0, high=3, label="Scores")) if "." in number] == []


def test_the_axes_tell_round_numbers():
    assert told(histogram([3, 117], low=0, high=100, label="Scores", axis="Final score")) == [
        *("0", "50", "100", "150", "200"),
        *("0", "20", "40", "60", "80", "100"),
        "Final score",
    ]


def test_a_line_goes_through_its_points():
    svg = line([(0, 0), (5, 100), (10, 50)], label="Answers")
    points = next(one for one in parsed(svg) if one.get("class") == "line").get("points")
    assert points == "48.0,206.0 338.0,16.0 628.0,111.0"


@pytest.mark.parametrize("points", [[], [(1, 3)]])
def test_fewer_than_two_points_make_no_line(points):
    assert "polyline" not in line(points, label="Answers")


def test_the_area_of_a_bubble_is_its_count():
    svg = bubbles({(10, 10): 1, (90, 90): 100}, low=0, high=100, label="Pairs")
    sizes = [float(one.get("r")) for one in parsed(svg) if one.get("class") == "bubble"]
    assert sizes == pytest.approx([2.4, 10.0], abs=0.06)


def test_bubbles_of_nothing_draw_the_axes():
    assert "circle" not in bubbles({}, low=0, high=100, label="Pairs")


@given(st.floats(0, 1e12))
def test_a_ceiling_is_round_and_not_below(value):
    top = ceiling(value)
    assert top >= value
    assert re.fullmatch(r"[125]0*", f"{top:.0f}")


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6))
def test_marks_stand_within_their_axis(low, span):
    values = steps(low, low + span)
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in values)
    assert len(values) <= 6


def test_an_axis_without_length_has_one_mark():
    assert steps(5, 5) == [5]
