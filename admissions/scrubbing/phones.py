"""Find anybody's telephone numbers among the numbers that are merit: years, scores, counts, results."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import re2

from admissions.scrubbing.checksums import isbn13
from admissions.scrubbing.folding import Passage
from admissions.scrubbing.values import PHONE, Identity, Span
from admissions.scrubbing.vocabulary import PHONE_CUES

# Seven to nineteen digits with at most a separator between two of them. Commas group thousands, never phones.
_CANDIDATE = re2.compile(r"(?:\+ ?)?\(?[0-9](?:(?:[ .\-/]| - |\)[ .\-]?| \(|\()?[0-9]){6,18}")
_GROUP = re.compile(r"\d+")
# A cue stands directly before the number, but for small words and another way to reach the same person.
_CUE = re2.compile(
    rf"\b{PHONE_CUES}(?:\s*(?:\b(?:me|us|him|her|them|on|at|to|is|was|no|number|my|our|his|the|or|and)\b"
    r"|\b(?:by|via|home|mobile|phone|cell|work|anytime|text|call)\b|\S+@[^\s,]+|\[[a-z]+\]|[:#.,=()-]))*\s*\z"
)
_MONEY = re.compile(r"(?:[$€£₹¥₦₩₺]|\b(?:rs|pkr|usd|eur|inr|ngn|gbp|idr|rp|vnd|krw|try|mxn|cny|rmb|php|kes))\.?\s?\Z")
_NOT_BEFORE = "=^*\u00d7$€£₹¥#_/\\"
_CUE_WINDOW = 90
_ROUND = "0000"


@dataclass(frozen=True, slots=True)
class _Number:
    """A candidate: as it is written, its digit groups, and what stands around it (all folded)."""

    written: str
    groups: tuple[str, ...]
    before: str
    after: str

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(map(len, self.groups))


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield a PHONE span for every number that can be dialled and is hardly anything else."""
    del identity
    folded = passage.folded
    for match in _CANDIDATE.finditer(folded):
        start, end = match.span()
        before = folded[max(0, start - _CUE_WINDOW) : start]
        number = _Number(match[0], tuple(_GROUP.findall(match[0])), before, folded[end : end + 3])
        if not _is_something_else(number) and _is_phone(number):
            yield Span(passage.start(start), passage.end(end), PHONE)


def _is_something_else(number: _Number) -> bool:
    """Say whether what stands around the number, or its groups, make it a measure, a date or a book."""
    before, after = number.before[-1:], number.after
    if before and (before.isalnum() or before in _NOT_BEFORE):
        return True
    if before in (".", ",") and number.before[-2:-1].isdigit():
        return True
    if after[:1].isalpha() or after[:1] in ("%", "^", "=") or (after[:1] == "," and after[1:2].isdigit()):
        return True
    return _is_date_or_years(number) or isbn13(number.digits) or _is_decimal(number) or _is_ip(number)


def _is_date_or_years(number: _Number) -> bool:
    if all(len(group) == 4 and group[:2] in ("18", "19", "20") for group in number.groups):
        return True
    lengths = number.lengths
    years = [group for group in number.groups if len(group) == 4 and group[:2] in ("19", "20")]
    return bool(years) and len(lengths) <= 3 and all(n <= 2 for n in lengths if n != 4)


def _is_decimal(number: _Number) -> bool:
    return re.fullmatch(r"\d+\.\d+", number.written) is not None


def _is_ip(number: _Number) -> bool:
    dotted = len(number.groups) == 4 and number.written.count(".") == 3
    return dotted and all(int(group) < 256 for group in number.groups)


def _is_phone(number: _Number) -> bool:
    digits, lengths, written = number.digits, number.lengths, number.written
    if re.match(r"\+[(\d]", written) or (digits.startswith("00") and len(digits) > 9):
        return 8 <= len(digits) <= 17
    if _has_cue(number):
        return len(digits) <= 15
    if sum(length == 1 for length in lengths[1:]) > 0 or _MONEY.search(number.before):
        return False
    if digits[0] == "0":
        return 9 <= len(digits) <= 12 and "/" not in written
    if re.match(r"\(\d{2,4}\)", written):
        return 8 <= len(digits) <= 12
    return _has_national_shape(digits, lengths)


def _has_national_shape(digits: str, lengths: tuple[int, ...]) -> bool:
    """Say whether a number without prefix or cue is grouped like one, or is ten digits and not round."""
    if lengths in ((3, 3, 4), (5, 5), (4, 3, 3), (1, 3, 3, 4), (3, 4, 4), (3, 3, 2, 2)):
        return True
    return lengths == (10,) and not digits.endswith(_ROUND)


def _has_cue(number: _Number) -> bool:
    return _CUE.search(number.before) is not None
