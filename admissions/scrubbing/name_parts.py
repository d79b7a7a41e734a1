"""Take the applicant's own name apart: parts, initials, and the forms that user names make of them."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from admissions.scrubbing.folding import fold
from admissions.scrubbing.vocabulary import AMBIGUOUS, CALENDAR, CONNECTING, PARTICLES, TITLES

_LETTERS = re.compile(r"[^\W\d_]+")
_COMPOUND = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)+")
_SHORTEST_JOINED, _SHORTEST_SHORTENED = 5, 6


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a name, folded. A doubtful one is also a word of the language, or very short."""

    text: str
    doubtful: bool
    calendar: bool


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name taken apart; everything is folded."""

    parts: tuple[Part, ...]
    given: tuple[Part, ...]
    particles: frozenset[str]
    initials: frozenset[str]
    joined: frozenset[str]  # "anamaria", "amoreira": certain wherever a word starts with them


@lru_cache(maxsize=64)
def parts_of(name: str) -> NameParts:
    """Return the parts of `name` without titles; particles are parts only when nothing else is there."""
    words = [word for word in _LETTERS.findall(fold(name)) if word not in TITLES]
    particles = frozenset(words) & PARTICLES - _given_as_names(name)
    proper = [word for word in words if len(word) > 1 and word not in particles]
    proper = proper or [word for word in words if len(word) > 1]
    compounds = [re.sub(r"[-']", "", found) for found in _COMPOUND.findall(fold(name))]
    texts = dict.fromkeys([*proper, *(c for c in compounds if len(c) >= _SHORTEST_JOINED)])
    parts = tuple(_part(text) for text in texts)
    return NameParts(
        parts=parts,
        given=_given(parts),
        particles=particles,
        initials=frozenset(word[0] for word in words),
        joined=frozenset(_joined(proper) | _joined([word for word in words if len(word) > 1])),
    )


def _given_as_names(name: str) -> frozenset[str]:
    """Return the particles that are a name here: "An" in "Phan Quang An", but not "al" in "Al-Amin"."""
    words = re.findall(r"[^\W\d_]+[-'\u2019]?", name)
    at_the_edge = {0, len(words) - 1}
    return frozenset(
        fold(word)
        for index, word in enumerate(words)
        if word[0].isupper() and word[-1].isalpha() and (index in at_the_edge or fold(word) not in CONNECTING)
    )


def _given(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts that people shorten: all but the last, which in most names is the family's."""
    return tuple(part for part in (parts[:-1] or parts) if len(part.text) >= _SHORTEST_SHORTENED)


def _part(text: str) -> Part:
    short = len(text) <= 2 and text.isascii()
    return Part(text, doubtful=short or text in AMBIGUOUS, calendar=text in CALENDAR)


def _joined(words: list[str]) -> set[str]:
    """Return the ways in which user names run the parts of a name together."""
    if len(words) < 2:
        return set()
    first, last = words[0], words[-1]
    forms = {one + two for one, two in pairwise(words)}
    forms |= {"".join(words), first + last, last + first, first[0] + last, last + first[0], first + last[0]}
    forms |= {first[0] + words[1], "".join(w[0] for w in words[:-1]) + last}
    return {form for form in forms if len(form) >= _SHORTEST_JOINED and form not in AMBIGUOUS}
