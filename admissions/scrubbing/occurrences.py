"""Where a known word stands in a folded text, and how it is written there."""

from collections.abc import Iterator
from enum import Enum

from admissions.scrubbing.folding import Passage

_FAR = 48  # letters looked at on either side of a word; longer words name nobody
_FIRST_WITHOUT_SPACES = "\u2e80"  # from here on: Han, kana, Hangul, which are written without word boundaries


class Case(Enum):
    """How a word is written; a script without case counts as capital."""

    LOWER = "word"
    CAPITAL = "Word"
    UPPER = "WORD"


def places(folded: str, word: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every `word` in `folded`, inside longer words too."""
    at = folded.find(word)
    while at >= 0:
        end = at + len(word)
        yield at, end
        at = folded.find(word, end)


def whole_words(folded: str, word: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every `word` that no letter touches."""
    bounded = word[:1] < _FIRST_WITHOUT_SPACES
    for start, end in places(folded, word):
        if not (bounded and (folded[start - 1 : start].isalpha() or folded[end : end + 1].isalpha())):
            yield start, end


def letters_around(folded: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the letters that `start` to `end` is a part of."""
    first, last = max(0, start - _FAR), min(len(folded), end + _FAR)
    while start > first and folded[start - 1].isalpha():
        start -= 1
    while end < last and folded[end].isalpha():
        end += 1
    return start, end


def token_around(folded: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the letters, digits and underscores that `start` to `end` is a part of."""
    first, last = max(0, start - _FAR), min(len(folded), end + _FAR)
    while start > first and (folded[start - 1].isalnum() or folded[start - 1] == "_"):
        start -= 1
    while end < last and (folded[end].isalnum() or folded[end] == "_"):
        end += 1
    return start, end


def case(passage: Passage, start: int, end: int) -> Case:
    """Return how the folded stretch `start` to `end` is written in the original."""
    written = passage.original(start, end)
    first = next((c for c in written if c.isalpha()), "")
    if first.islower():
        return Case.LOWER
    return Case.UPPER if len(written) > 1 and written.isupper() else Case.CAPITAL


def starts_sentence(passage: Passage, start: int) -> bool:
    """Say whether a capital letter at folded offset `start` is due to the sentence that begins there."""
    folded = passage.folded
    at = start
    while at > 0 and folded[at - 1] in " \t\"'(*_":
        at -= 1
    if at == 0 or folded[at - 1] in "\n\r!?:;•":
        return True
    if folded[at - 1] == "-":
        return at == 1 or folded[at - 2] == "\n"
    if folded[at - 1] != ".":
        return '"' in folded[at:start]
    word, _ = letters_around(folded, at - 1, at - 1)
    return folded[word : at - 1] not in {"mr", "mrs", "ms", "dr", "prof", "st"} and at - 1 - word != 1
