"""Settle which spans stand when finders overlap, and write the placeholders."""

import re
from collections.abc import Iterable

from admissions.scrubbing.values import NAME, TYPES, Span

_PLACEHOLDER = re.compile(r"\[(?:" + "|".join(TYPES) + r")\]")
_RANK = {kind: rank for rank, kind in enumerate(TYPES)}


def settle(text: str, found: Iterable[Span]) -> list[Span]:
    """Return the spans to replace: whole, sorted, none overlapping, none touching a placeholder.

    Overlapping spans become one that covers them all and has the type of the longest.
    """
    spans = sorted(span for span in found if span.start < span.end)
    if not spans:
        return []
    if "[" in text:
        spans = list(_outside_placeholders(text, spans))
    trimmed = (_trimmed(text, span) for span in spans)
    return _names_joined(text, _united([span for span in trimmed if _says_something(text, span)]))


def write(text: str, spans: Iterable[Span]) -> str:
    """Return `text` with each span (sorted, none overlapping) replaced by its placeholder."""
    pieces: list[str] = []
    done = 0
    for span in spans:
        pieces += [text[done : span.start], f"[{span.type}]"]
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces)


def combine(earlier: list[Span], later: Iterable[Span]) -> list[Span]:
    """Return all spans in offsets of the original: `later` ones were found in what `earlier` ones left.

    Later spans touch no placeholder, so each is moved by what the placeholders before it took or added.
    """
    combined = list(earlier)
    shift = index = 0
    for span in later:
        while index < len(earlier) and earlier[index].start - shift < span.start:
            placed = earlier[index]
            shift += placed.end - placed.start - len(placed.type) - 2
            index += 1
        combined.append(Span(span.start + shift, span.end + shift, span.type))
    return sorted(combined)


def _outside_placeholders(text: str, spans: list[Span]) -> Iterable[Span]:
    fixed = [match.span() for match in _PLACEHOLDER.finditer(text)]
    first = 0
    for span in spans:
        while first < len(fixed) and fixed[first][1] <= span.start:
            first += 1
        start, index = span.start, first
        while index < len(fixed) and fixed[index][0] < span.end:
            if start < fixed[index][0]:
                yield Span(start, fixed[index][0], span.type)
            start = fixed[index][1]
            index += 1
        if start < span.end:
            yield Span(start, span.end, span.type)


def _trimmed(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end, span.type)


def _says_something(text: str, span: Span) -> bool:
    return any(character.isalnum() for character in text[span.start : span.end])


def _united(spans: list[Span]) -> list[Span]:
    united: list[Span] = []
    longest: Span | None = None
    for span in sorted(spans):
        if united and longest and span.start < united[-1].end:
            longest = max(longest, span, key=lambda one: (one.end - one.start, -_RANK[one.type]))
            last = united[-1]
            united[-1] = Span(last.start, max(last.end, span.end), longest.type)
        else:
            longest = span
            united.append(span)
    return united


def _names_joined(text: str, spans: list[Span]) -> list[Span]:
    """Make one name of two that only a space parts."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last and last.type == span.type == NAME and text[last.end : span.start] in ("", " "):
            joined[-1] = Span(last.start, span.end, NAME)
        else:
            joined.append(span)
    return joined
