"""Fold a text for comparison (case, diacritics, look-alikes), with a way back to the original offsets."""
# ruff: noqa: RUF001 - look-alikes are what is being folded

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache

_MANY = 40
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

# Letters that Unicode does not decompose, and punctuation that people and phones write in several ways.
_SPECIAL = {
    **dict(zip("łđøıħŧŋĸ", "ldoihtnk", strict=True)),
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "þ": "th",
    "ð": "d",
    "ə": "a",
    **dict.fromkeys("‘’‚‛ʼʻʹ`´′＇", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–−﹣－", "-"),
    "…": ".",
    "·": ".",
    "⁄": "/",
}


@lru_cache(maxsize=8192)
def fold_character(character: str) -> str:
    """Return what one character is compared as: none, one or several lower-case characters."""
    lowered = character.lower()[:1]
    if lowered in _SPECIAL:
        return _SPECIAL[lowered]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    if category == "Cf":  # soft hyphen, zero-width joiners: invisible
        return ""
    if category == "Cs":  # half a character: cannot be encoded, names nobody
        return "\ufffd"
    if category == "No":  # a superscript 2 is no digit of a number
        return character
    plain = unicodedata.normalize("NFKD", character)
    if category[0] not in "LM":
        return plain if len(plain) == 1 else character
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return "".join(_SPECIAL.get(c, c) for c in letters.casefold())


def _translated(text: str, folds: Mapping[str, str]) -> str:
    """Return `text` with each character of `folds` replaced; one by one is quicker while they are few."""
    if len(folds) > _MANY:
        return text.translate({ord(character): folded for character, folded in folds.items()})
    for character, folded in folds.items():
        text = text.replace(character, folded)
    return text


@lru_cache(maxsize=1024)
def fold(text: str) -> str:
    """Return `text` folded, for names and words where the way back is not needed."""
    return Passage(text).folded


class Passage:
    """A text, its folded form, and the offsets of the one for offsets of the other."""

    __slots__ = ("_segments", "_starts", "folded", "signs", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = frozenset(() if text.isascii() else _NOT_ASCII.findall(text))  # all that is not ASCII
        # Where folding changed the length: folded offset, original offset, and whether one became several.
        self._starts: list[int] = []
        self._segments: list[tuple[int, bool]] = []
        if not self.signs:
            self.folded = text.lower()
            return
        folds = {character: fold_character(character) for character in self.signs}
        if all(len(folded) == 1 for folded in folds.values()):
            self.folded = _translated(text, folds).lower()
        else:
            self.folded = self._fold_and_remember(folds).lower()

    def _fold_and_remember(self, folds: dict[str, str]) -> str:
        pieces: list[str] = []
        done = length = 0
        for match in _NOT_ASCII.finditer(self.text):
            folded = folds[match.group()]
            if len(folded) == 1:
                continue
            at = match.start()
            length += at - done
            pieces += [_translated(self.text[done:at], folds), folded]
            if folded:
                self._starts.append(length)
                self._segments.append((at, True))
            length += len(folded)
            done = at + 1
            self._starts.append(length)
            self._segments.append((done, False))
        pieces.append(_translated(self.text[done:], folds))
        return "".join(pieces)

    def start(self, at: int) -> int:
        """Return where the character that was folded to offset `at` starts in the original."""
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return at
        origin, expanded = self._segments[index]
        return origin if expanded else origin + at - self._starts[index]

    def end(self, at: int) -> int:
        """Return where a stretch that ends before folded offset `at` ends in the original."""
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return at
        origin, expanded = self._segments[index]
        inside = at - self._starts[index]
        return origin + min(inside, 1) if expanded else origin + inside

    def original(self, start: int, end: int) -> str:
        """Return the original characters of the folded stretch `start` to `end`."""
        return self.text[self.start(start) : self.end(end)]
