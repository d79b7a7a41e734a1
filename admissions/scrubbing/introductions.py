"""Find names by the words that introduce them: "my name is ...", "everyone calls me ...", "I sign as ..."."""

import re
from collections.abc import Iterable, Iterator

import re2

from admissions.scrubbing.folding import Passage, fold
from admissions.scrubbing.name_parts import parts_of
from admissions.scrubbing.occurrences import Case, case, whole_words
from admissions.scrubbing.values import NAME, Identity, Span
from admissions.scrubbing.vocabulary import AMBIGUOUS, NO_NAME, NOT_NICKNAMES, PARTICLES, PEOPLES

# After the first group comes a name; after the second too, unless it is a people or a faith; after the third
# only when it can be a short form of the own name.
_CUES = re2.compile(
    r"(\bmy (?:full |first |last |given |middle |family |native |english |pen |real )?name(?:'s| is| was)\b"
    r"|\bname ?:"
    r"|\b(?:call|calls|called|calling|named|nicknamed|christened|dubbed) me\b"
    r"|\bnickname(?:'s| is| was)\b|\bi (?:go|went) by\b"
    r"|\bi(?:'m| am| was) (?:also )?(?:called|named|known as)\b"
    r"|\bknown to (?:my )?\w+ as\b|\bsign (?:it |this |myself |my \w+ )?as\b|\bsigned as\b)"
    r"|\b((?:at home|to (?:my |them)\w*)(?: \w+)?,? (?:i'm|i am|i was)\b)"
    r"|\b(i'm|i am|this is|i was (?:simply|just|only)|dear|hi|hello|hey|(?:me|appear|written) as)\b"
)
_OPENING = re.compile(r"[ \t]*[\"'\u201c\u2018(*]?")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\.?")
_MOST_WORDS = 4
_SHORTEST_PREFIX, _SHORTEST_TAIL = 3, 5
_ENDINGS = ("", "y", "ie", "ey", "i", "u", "o", "a", "s", "sy", "zy", "ka", "ita", "ito")


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield the introduced names, and every other place where a single introduced word stands capitalised."""
    own = [part.text for part in parts_of(identity.name or "").parts] if identity else []
    found: set[str] = set()
    for match in _CUES.finditer(passage.folded):
        if not _capital_follows(passage, match.end()):
            continue
        certain = match.lastindex < 3
        words = list(_name_at(passage.text, passage.start(match.end())))
        if not words:
            continue
        first = fold(passage.text[slice(*words[0])])
        if (match.lastindex == 2 and first in PEOPLES) or not (certain or _is_short_form(first, own)):
            continue
        words = words if certain else words[:1]
        yield Span(words[0][0], words[-1][1], NAME)
        found.update(fold(passage.text[start:end]) for start, end in words)
    for word in found:
        yield from _elsewhere(passage, word)


def _capital_follows(passage: Passage, at: int) -> bool:
    start = passage.start(at)
    return not passage.text[start : start + 2].strip().islower()


def _name_at(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the words of the name that starts at original offset `at`; none if no name starts there."""
    match = _OPENING.match(text, at)
    at = match.end() if match else at
    for count in range(_MOST_WORDS):
        word = _NAME_WORD.match(text, at)
        if not word or not _may_name(word.group(), inside=count > 0):
            return
        end = word.end() - (word.group().endswith(".") and word.end() - word.start() > 2)
        yield word.start(), end
        if text[end : end + 1] != " ":
            return
        at = end + 1


def _may_name(written: str, *, inside: bool) -> bool:
    folded = fold(written).rstrip(".")
    if written[0].islower():
        return inside and folded in PARTICLES
    return folded not in NO_NAME


def _is_short_form(word: str, own: list[str]) -> bool:
    """Say whether a folded word can be made of the own name: "Temi", "Priyu", "Emeka", "Joselu"."""
    if len(word) < _SHORTEST_PREFIX or word in AMBIGUOUS or word in NOT_NICKNAMES:
        return False
    if any(part.endswith(word) for part in own if len(word) >= _SHORTEST_TAIL):
        return True
    stems = [word[: len(word) - len(end)] for end in _ENDINGS if word.endswith(end)]
    joined = ["".join(own), *own]
    if any(one.startswith(stem) for stem in stems if len(stem) >= _SHORTEST_PREFIX for one in joined):
        return True
    return any(
        word.startswith(one[:4]) and two.startswith(word[4:]) for one in own for two in own if one != two
    )


def _elsewhere(passage: Passage, word: str) -> Iterator[Span]:
    if len(word) < _SHORTEST_PREFIX or word in AMBIGUOUS or word in NO_NAME:
        return
    for start, end in whole_words(passage.folded, word):
        if case(passage, start, end) is not Case.LOWER:
            yield Span(passage.start(start), passage.end(end), NAME)
