"""Plots as SVG, drawn on the server: no script, no inline style, colours by the style sheet. From values to text.

Each stands beside a table with the same figures, so the drawing itself is one picture with a label.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import ceil, floor, log10, sqrt

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 16, 34

Text = Callable[[float], str]


def plain(value: float) -> str:
    """Write a number the short way."""
    return f"{value:g}"


def histogram(
    counts: Sequence[float],
    *,
    low: float,
    high: float,
    label: str,
    axis: str = "",
    mark: float | None = None,
    mark_label: str = "",
    text: Text = plain,
) -> str:
    """Draw counts in bins of equal width from ``low`` to ``high``; ``mark`` is a value shown as a broken line."""
    top = ceiling(max(counts, default=0))
    across = _scale(low, high, LEFT, WIDTH - RIGHT)
    up = _scale(0, top, HEIGHT - BOTTOM, TOP)
    wide = (WIDTH - RIGHT - LEFT) / max(len(counts), 1)
    parts = [*_levels(top, up, text, whole=True)]
    for place, count in enumerate(counts):
        if count:
            begin, height = LEFT + place * wide, up(0) - up(count)
            parts.append(
                f'<rect class="bar" x="{begin + 0.75:.1f}" y="{up(count):.1f}" '
                f'width="{max(wide - 1.5, 0.5):.1f}" height="{height:.1f}"/>'
            )
    parts += _marks(low, high, across, text)
    if mark is not None:
        parts += _line_at(across(mark), mark_label)
    return _svg([*parts, _axis_name(axis)], label)


def line(points: Sequence[tuple[float, float]], *, label: str, axis: str = "", text: Text = plain) -> str:
    """Draw values over a running number or time, as one line; fewer than two points draw the axes alone."""
    top = ceiling(max((y for _, y in points), default=0))
    low, high = (points[0][0], points[-1][0]) if len(points) > 1 else (0.0, 1.0)
    across = _scale(low, high, LEFT, WIDTH - RIGHT)
    up = _scale(0, top, HEIGHT - BOTTOM, TOP)
    parts = [*_levels(top, up, plain)]
    if len(points) > 1:
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts += [f'<polyline class="line" points="{path}"/>', *_marks(low, high, across, text)]
    return _svg([*parts, _axis_name(axis)], label)


def bubbles(
    cells: Mapping[tuple[float, float], int],
    *,
    low: float,
    high: float,
    label: str,
    axis: str = "",
    text: Text = plain,
) -> str:
    """Draw how often pairs of values occur, both from ``low`` to ``high``, as circles whose area is the count."""
    most = max(cells.values(), default=1)
    across = _scale(low, high, LEFT, WIDTH - RIGHT)
    up = _scale(low, high, HEIGHT - BOTTOM, TOP)
    parts = []
    for value in steps(low, high):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(value):.1f}" y2="{up(value):.1f}"/>')
        parts.append(_text(LEFT - 6, up(value) + 4, text(value), anchor="end"))
    parts += _marks(low, high, across, text)
    for (x, y), count in sorted(cells.items()):
        size = 1.5 + 8.5 * sqrt(count / most)
        parts.append(f'<circle class="bubble" cx="{across(x):.1f}" cy="{up(y):.1f}" r="{size:.1f}"/>')
    return _svg([*parts, _axis_name(axis)], label)


def ceiling(value: float) -> float:
    """Return the next round number, 1, 2 or 5 times a power of ten, that is not below ``value``; 1 at least."""
    if value <= 1:
        return 1
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def steps(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return round values from ``low`` to ``high`` for the marks of an axis."""
    if high <= low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw))
    step = next(times * power for times in (1, 2, 2.5, 5, 10) if times * power >= raw)
    first = ceil(low / step)
    return [round(number * step, 10) for number in range(first, floor(high / step) + 1)]


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    span = (high - low) or 1
    return lambda value: begin + (value - low) / span * (end - begin)


def _levels(top: float, up: Callable[[float], float], text: Text, *, whole: bool = False) -> list[str]:
    parts = []
    for value in steps(0, top, most=4):
        if whole and value % 1:  # half a person is counted nowhere
            continue
        y = up(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 6, y + 4, text(value), anchor="end"))
    return parts


def _marks(low: float, high: float, across: Callable[[float], float], text: Text) -> list[str]:
    return [_text(across(value), HEIGHT - BOTTOM + 15, text(value), anchor="middle") for value in steps(low, high)]


def _line_at(x: float, told: str) -> list[str]:
    anchor, shift = ("end", -5) if x > WIDTH * 0.7 else ("start", 5)
    return [
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{HEIGHT - BOTTOM}"/>',
        _text(x + shift, TOP - 2, told, anchor=anchor, kind="told"),
    ]


def _axis_name(axis: str) -> str:
    return _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, axis, anchor="middle") if axis else ""


def _text(x: float, y: float, told: str, *, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(told)}</text>'


def _svg(parts: Sequence[str], label: str) -> str:
    # Numbers and bars read from left to right in every language.
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}" direction="ltr">'
        f"{''.join(parts)}</svg>"
    )
