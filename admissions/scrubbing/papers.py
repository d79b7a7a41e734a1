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
_BIRTH = re2.compile(
    rf"\b(?:born|birth|birthday|birthdate|birth date|d\.?o\.?b\.?)"
    rf"(?: (?:is|was|on))*\s?[:=(]?\s?(?:the |on )?({_DATE})"
)
_CUED = re2.compile(
    r"\b(?:id|identity|identification|passport|cnic|nic|nric|nin|nino|ssn|social security|national insurance"
    r"|aadhaar|aadhar|tax|pan|voter|licen[cs]e|credit|debit|card|iban|bank|account|roll|registration|enrol?ment|student"
    r"|candidate|applicant|admission|curp|pesel|cedula|dni)"
    r"(?: (?:id|card|number|num|no\.?|nr\.?|code|account|#))*\s?(?:is|was|are|:|=|#|\()*\s?"
    r"((?:[a-z]{1,3} )?[a-z0-9]*[0-9][a-z0-9]*(?:[ /-][a-z0-9]*[0-9][a-z0-9]*)*(?:[ -][a-z]\b)?)"
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
_SHAPED = re2.compile(r"\b(?:" + "|".join(f"({shape})" for shape, _ in _SHAPES) + r")\b")
_DIGIT = re.compile(r"\d")


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield ID spans (by a cue such as "passport no.", or by shape) and DOB spans (by a cue only)."""
    del identity
    for match in _BIRTH.finditer(passage.folded):
        yield Span(passage.start(match.start(1)), passage.end(match.end(1)), DOB)
    for match in _CUED.finditer(passage.folded):
        digits = sum(character.isdigit() for character in match[1])
        if digits >= _FEWEST_DIGITS and not _YEARS.fullmatch(match[1]):
            yield Span(passage.start(match.start(1)), passage.end(match.end(1)), ID)
    yield from _by_shape(passage)


def _by_shape(passage: Passage) -> Iterator[Span]:
    folded = passage.folded
    for match in _SHAPED.finditer(folded):
        start, end = match.span()
        if folded[start - 1 : start] in (".", ",", "$", "+", "-") or folded[end : end + 1] == "%":
            continue
        holds = _SHAPES[match.lastindex - 1][1]
        if holds("".join(_DIGIT.findall(match[0]))):
            yield Span(passage.start(start), passage.end(end), ID)
