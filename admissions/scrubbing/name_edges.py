"""Widen a found name by what belongs to it: initials, particles, a neighbouring part in another spelling."""

import re

from admissions.scrubbing.folding import Passage
from admissions.scrubbing.name_parts import NameParts
from admissions.scrubbing.occurrences import Case, case
from admissions.scrubbing.spelling import skeleton
from admissions.scrubbing.vocabulary import AMBIGUOUS

_NEAR = 24
_MOST_STEPS = 4
_INITIALS_BEFORE = re.compile(r"(?<![^\W_])(?:[a-z]\.[ -]?){1,3}\Z")
_LETTER_BEFORE = re.compile(r"(?<![\w'.])([b-hj-z]) \Z")
_INITIAL_AFTER = re.compile(r" (?:[a-z]\.[ -]?)*([a-z])\.(?!\w)| ([b-hj-z])(?![\w'.])")
_WORD_BEFORE = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[ '-]\Z")
_WORD_AFTER = re.compile(r"[ -]([^\W\d_]+)(?![^\W\d_])")
_SHORTEST_RESPELLED = 3


def widened(passage: Passage, own: NameParts, start: int, end: int) -> tuple[int, int]:
    """Return the folded bounds of the name at `start` to `end` with its initials and particles."""
    for _ in range(_MOST_STEPS):
        wider = _earlier(passage, own, start), _later(passage, own, end)
        if wider == (start, end):
            break
        start, end = wider
    return start, end


def _earlier(passage: Passage, own: NameParts, start: int) -> int:
    offset = max(0, start - _NEAR)
    before = passage.folded[offset:start]
    if match := _INITIALS_BEFORE.search(before):
        at = offset + match.start()
        return at if case(passage, at, start) is not Case.LOWER else start
    if (match := _LETTER_BEFORE.search(before)) and match[1] in own.initials:
        at = offset + match.start()
        return at if case(passage, at, at + 1) is not Case.LOWER else start
    match = _WORD_BEFORE.search(before)
    if match and (match[1] in own.particles or _is_respelled(passage, own, offset + match.start(), match[1])):
        return offset + match.start()
    return start


def _later(passage: Passage, own: NameParts, end: int) -> int:
    after = passage.folded[end : end + _NEAR]
    if match := _INITIAL_AFTER.match(after):
        letter = match[1] or match[2]
        is_initial = letter in own.initials and case(passage, end + 1, end + 2) is not Case.LOWER
        return end + match.end() if is_initial else end
    match = _WORD_AFTER.match(after)
    if match and _is_respelled(passage, own, end + match.start(1), match[1]):
        return end + match.end()
    return end


def _is_respelled(passage: Passage, own: NameParts, start: int, word: str) -> bool:
    """Say whether a capitalised word beside the name sounds like a part of it: "Hsu" for "Xu"."""
    if len(word) < _SHORTEST_RESPELLED or word in AMBIGUOUS:
        return False
    if case(passage, start, start + len(word)) is Case.LOWER:
        return False
    bones = skeleton(word)
    return any(
        skeleton(part.text) == bones and abs(len(part.text) - len(word)) <= 2 for part in own.parts if part.text != word
    )
