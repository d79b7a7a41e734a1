"""Find names by the words that introduce them: "my name is ...", "everyone calls me ...", "I sign as ..."."""

import re
from collections.abc import Iterable, Iterator

import re2

from admissions.scrubbing.folding import Passage, fold
from admissions.scrubbing.name_parts import parts_of
from admissions.scrubbing.occurrences import Case, case, whole_words
from admissions.scrubbing.values import NAME, Identity, Span
from admissions.scrubbing.vocabulary import AMBIGUOUS, NO_NAME, NOT_NICKNAMES, PARTICLES, PEOPLES

# After the first alternative comes a name; after the group too, unless it is a people or a faith.
_CUES = re2.compile(
    r"\bmy (?:full |first |last |given |middle |family |native |english |pen |real )?name(?:'s| is| was)\b"
    r"|\bname ?:"
    r"|\b(?:call|calls|called|calling|named|nicknamed|christened|dubbed) me\b"
    r"|\bnickname(?:'s| is| was)\b|\bi (?:go|went) by\b"
    r"|\bi(?:'m| am| was) (?:also )?(?:called|named|known as)\b"
    r"|\bknown to (?:my )?\w+ as\b|\bsign (?:it |this |myself |my \w+ )?as\b|\bsigned as\b"
    r"|\b((?:at home|to (?:my |them)\w*)(?: \w+)?,? (?:i'm|i am|i was)\b)"
)
# After these comes a name when it can be a short form of the own one.
_WEAK_CUES = re2.compile(
    r"\b(?:i'm|i am|this is|i was (?:simply|just|only)|dear|hi|hello|hey|(?:me|appear|written) as)\b"
)
_OPENING = re.compile(r"[ \t]*[\"'\u201c\u2018(*]?")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\.?")
_MOST_WORDS = 4
_MOST_FOUND = 32  # each is looked for in the whole text
_SHORTEST_PREFIX, _SHORTEST_TAIL = 3, 5
_ENDINGS = ("", "y", "ie", "ey", "i", "u", "o", "a", "s", "sy", "zy", "ka", "ita", "ito")


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield the introduced names, and every other place where a single introduced word stands capitalised."""
    introduced = list(_introduced(passage))
    if identity and identity.name:
        introduced += _short_forms(passage, [part.text for part in parts_of(identity.name).parts])
    found: set[str] = set()
    for words in introduced:
        yield Span(words[0][0], words[-1][1], NAME)
        found.update(fold(passage.text[start:end]) for start, end in words)
    for word in sorted(found)[:_MOST_FOUND]:
        yield from _elsewhere(passage, word)


def _introduced(passage: Passage) -> Iterator[list[tuple[int, int]]]:
    """Yield the words of every name that a cue announces, in offsets of the original."""
    for match in _CUES.finditer(passage.folded):
        words = _name_after(passage, match.end())
        if words and not (match.lastindex and fold(passage.text[slice(*words[0])]) in PEOPLES):
            yield words


def _short_forms(passage: Passage, own: list[str]) -> Iterator[list[tuple[int, int]]]:
    """Yield every short form of the own name that a weak cue announces."""
    if not any(
        f" {part[:_SHORTEST_PREFIX]}" in passage.folded or part[-_SHORTEST_TAIL:] in passage.folded for part in own
    ):
        return
    for match in _WEAK_CUES.finditer(passage.folded):
        words = _name_after(passage, match.end())[:1]
        if words and _is_short_form(fold(passage.text[slice(*words[0])]), own):
            yield words


def _name_after(passage: Passage, at: int) -> list[tuple[int, int]]:
    start = passage.start(at)
    if passage.text[start : start + 2].strip().islower():
        return []
    return list(_name_at(passage.text, start))


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
    return any(word.startswith(one[:4]) and two.startswith(word[4:]) for one in own for two in own if one != two)


def _elsewhere(passage: Passage, word: str) -> Iterator[Span]:
    if len(word) < _SHORTEST_PREFIX or word in AMBIGUOUS or word in NO_NAME:
        return
    for start, end in whole_words(passage.folded, word):
        if case(passage, start, end) is not Case.LOWER:
            yield Span(passage.start(start), passage.end(end), NAME)
