"""Find numbers of identity papers, cards and accounts, and dates of birth."""

import re
from collections.abc import Callable, Iterable, Iterator

import re2

from admissions.scrubbing.checksums import isbn13, luhn, verhoeff
from admissions.scrubbing.folding import Passage
from admissions.scrubbing.values import DOB, ID, Identity, Span

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:{_DAY}[ .-](?:of )?{_MONTH}(?:,? ?-?[0-9]{{4}})?|{_MONTH} {_DAY}(?:,? [0-9]{{4}})?"
    r"|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2}))"
)
_BIRTH = (
    rf"\b(?:born|birth|birthday|birthdate|birth date|d\.?o\.?b\.?)"
    rf"(?: (?:is|was|on))*\s?[:=(]?\s?(?:the |on )?({_DATE})"
)
_CUED = (
    r"\b(?:id|identity|identification|passport|cnic|nic|nric|nin|nino|ssn|social security|national insurance"
    r"|aadhaar|aadhar|tax|pan|voter|licen[cs]e|credit|debit|card|iban|bank|account|roll|registration"
    r"|enrol?ment|student|candidate|applicant|admission|curp|pesel|cedula|dni)"
    r"(?: (?:id|card|number|num|no\.?|nr\.?|code|account|#))*\s?(?:is|was|are|:|=|#|\()*\s?"
    r"([a-z]{1,3} )?([a-z0-9]*[0-9][a-z0-9]*(?:[ /-][a-z0-9]*[0-9][a-z0-9]*|[/-][a-z]{1,4}\b)*(?: [a-z]\b)?)"
)
_FEWEST_DIGITS = 5
_YEARS = re.compile(r"(?:(?:19|20)\d\d[ /-]?)+")


def _round(digits: str) -> bool:
    return digits.endswith("0000")


# Shapes that are hardly anything else, and what must hold of their digits besides.
_SHAPES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"[0-9]{3}-[0-9]{2}-[0-9]{4}", bool),  # United States: SSN, ITIN
    (r"[0-9]{5}-[0-9]{7}-[0-9]", bool),  # Pakistan: CNIC
    (r"[0-9]{6}-[1-4][0-9]{6}", bool),  # Korea: RRN
    (r"[0-9]{6}[-+a][0-9]{3}[0-9a-y]", bool),  # Finland: henkilotunnus
    (r"[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}", verhoeff),  # India: Aadhaar
    (r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}", luhn),  # payment cards
    (r"[12] ?[0-9]{2} ?[01][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", bool),  # France: NIR
    (r"[a-z]{4}[0-9]{6}[hm][a-z]{5}[a-z0-9][0-9]", bool),  # Mexico: CURP
    (r"[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?", lambda digits: len(digits) > 9),  # IBAN
    (r"[0-9]{8}[a-z]|[xyz][0-9]{7}[a-z]", bool),  # Spain: DNI, NIE
    (r"[a-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d]", bool),  # United Kingdom: National Insurance
    (r"[0-9]{11,19}", lambda digits: not _round(digits) and not isbn13(digits)),  # any register
)
_SHAPED = r"\b(?:" + "|".join(f"({shape})" for shape, _ in _SHAPES) + r")\b"
# One pass for all; what an earlier alternative hides from a later one is found in the next round.
_PAPERS = re2.compile(f"{_BIRTH}|{_CUED}|{_SHAPED}")
_BIRTH_GROUP, _SERIES_GROUP, _NUMBER_GROUP, _FIRST_SHAPE = 1, 2, 3, 4
_DIGIT = re.compile(r"[0-9]")


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield ID spans (by a cue such as "passport no.", or by shape) and DOB spans (by a cue only)."""
    del identity
    for match in _PAPERS.finditer(passage.folded):
        if match.lastindex == _BIRTH_GROUP:
            yield Span(passage.start(match.start(_BIRTH_GROUP)), passage.end(match.end(_BIRTH_GROUP)), DOB)
        elif match.lastindex == _NUMBER_GROUP:
            yield from _announced(passage, *match.span(_SERIES_GROUP), *match.span(_NUMBER_GROUP))
        elif match.lastindex:
            start, end = match.span()
            if _holds(passage, start, end, _SHAPES[match.lastindex - _FIRST_SHAPE][1]):
                yield Span(passage.start(start), passage.end(end), ID)


def _announced(passage: Passage, series: int, series_end: int, start: int, end: int) -> Iterator[Span]:
    """Yield the number that a cue announces, with the letters of its series if they are capitals."""
    number = passage.folded[start:end]
    if series >= 0 and passage.original(series, series_end).strip().isupper():
        start = series
    if sum(map(str.isdigit, number)) >= _FEWEST_DIGITS and not _YEARS.fullmatch(number):
        yield Span(passage.start(start), passage.end(end), ID)


def _holds(passage: Passage, start: int, end: int, digits_hold: Callable[[str], bool]) -> bool:
    """Say whether a number of a known shape stands free, is no words and has the right check digit."""
    folded = passage.folded
    if folded[max(0, start - 1) : start] in (".", ",", "$", "+", "-") or folded[end : end + 1] == "%":
        return False
    written = passage.original(start, end)
    if " " in written and any(character.islower() for character in written):
        return False
    return digits_hold("".join(_DIGIT.findall(folded[start:end])))
