"""Judge one row of an application file: either a whole draft, or every fault of it."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from admissions.readers import Doubled, Fault, RawRow, Unreadable, listed, parse_json

NAME_MAX, EMAIL_MAX, ADDRESS_MAX = 200, 254, 500
DECIMALS_MAX = 4
QUOTED_DIGITS = 6

REQUIRED = "is required"
FORMULA = "looks like a spreadsheet formula"
NOT_AN_EMAIL = "is not an e-mail address"

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_C1 = re.compile("[\x80-\x9f]")
_LINE_BREAKS = re.compile("[\t\n\r\u2028\u2029]")
_FORMULA_STARTS = tuple("=+-@＝＋－＠")  # noqa: RUF001 - a spreadsheet takes the full-width forms too
PLAIN_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_PHONE_SIGNS = "[ +()./-]*"
_PHONE = re.compile(rf"(?:{_PHONE_SIGNS}[0-9]){{5,20}}{_PHONE_SIGNS}(?:(?:ext\.?|x) ?[0-9]{{1,6}})?", re.IGNORECASE)
_TEST_NAME = re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9 -]{0,11}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]+$)[A-Za-z0-9-]{{2,63}}(?<!-)")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cycle accepts: lowest and highest score of every test, GPA scale, lengths in characters."""

    tests: Mapping[str, tuple[Decimal, Decimal]]
    gpa_scale: Decimal
    essay_max: int
    achievements_max: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An application as it was handed in, every field within the limits of its cycle."""

    name: str
    email: str
    phone: str
    address: str
    gpa: Decimal
    test_scores: dict[str, Decimal | int]
    essay: str
    achievements: str
    external_id: str | None
    timestamp: datetime | None


class _Wrong(Exception):
    """One field cannot be accepted; the arguments are the reasons."""


def check(raw: RawRow, limits: Limits) -> Draft | list[Fault]:
    """Return the draft of a row, or all its faults in the order of the fields, without personal data."""
    faults = list(raw.faults)
    if faults and not raw.values:
        return faults
    named = {fault.field for fault in faults}
    found: dict[str, Any] = {}
    for field, rule in _RULES.items():
        if field in named:
            continue
        try:
            found[field] = rule(raw.values.get(field), limits)
        except _Wrong as wrong:
            faults += [Fault(field, reason) for reason in wrong.args]
    return faults or Draft(**found)


def fingerprint_source(draft: Draft) -> dict[str, Any]:
    """Return the content of a draft as EJ1 can spell it, the same for the same row in CSV and in JSONL.

    Numbers are decimal text without trailing zeros; tests are sorted pairs, as a key of EJ1 must be ASCII.
    """
    return {
        "name": draft.name,
        "email": draft.email,
        "phone": draft.phone,
        "address": draft.address,
        "gpa": plain(draft.gpa),
        "test_scores": [[test, plain(score)] for test, score in sorted(draft.test_scores.items())],
        "essay": draft.essay,
        "achievements": draft.achievements,
        "external_id": draft.external_id,
        "timestamp": draft.timestamp and draft.timestamp.isoformat(),
    }


def plain(number: Decimal | int) -> str:
    """Return a number as decimal text without trailing zeros: 27.50 is ``27.5``, 1450 is ``1450``."""
    text = format(Decimal(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: object) -> str:
    """Return text that can be stored and shown, line breaks as in Unix; a missing value is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Wrong("must be text")
    if value.isprintable():  # the short way for nearly all short fields
        return value
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise _Wrong("holds half a character (a lone surrogate)") from None
    if len(data.translate(None, _CONTROLS)) != len(data) or (b"\xc2" in data and _C1.search(value)):
        raise _Wrong("holds a NUL character" if "\0" in value else "holds a control character")
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


def _cell(value: object, *, may_start_with: str = "") -> str:
    """Return text without the space around it that a spreadsheet will not run."""
    text = _text(value)
    cell = text.strip()
    starts_like_one = cell.startswith(_FORMULA_STARTS) and cell[0] != may_start_with
    if starts_like_one or (text.startswith(("\t", "\n")) and cell):
        raise _Wrong(FORMULA)
    return cell


def _line(value: object, *, may_start_with: str = "") -> str:
    cell = _cell(value, may_start_with=may_start_with)
    if not cell.isprintable() and _LINE_BREAKS.search(cell):
        raise _Wrong("must be one line without tabs")
    return cell


def _at_most(text: str, longest: int) -> str:
    if len(text) > longest:
        raise _Wrong(f"is too long: {len(text)} characters, at most {longest} are accepted")
    return text


def _name(value: object, limits: Limits) -> str:
    name = _line(value)
    if not name:
        raise _Wrong(REQUIRED)
    if not any(map(str.isalpha, name)):
        raise _Wrong("must hold a letter")
    return _at_most(name, NAME_MAX)


def _email(value: object, limits: Limits) -> str:
    email = _at_most(_line(value), EMAIL_MAX)
    if not email:
        raise _Wrong(REQUIRED)
    if not _EMAIL.fullmatch(email if email.isascii() else _with_ascii_domain(email)):
        raise _Wrong(NOT_AN_EMAIL)
    return email


def _with_ascii_domain(email: str) -> str:
    """Spell an international domain as on the wire (RFC 3490); empty if it hides behind look-alikes."""
    local, _, domain = email.rpartition("@")
    if unicodedata.normalize("NFKC", domain) != domain or not _is_plain(domain):
        return ""
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return ""


def _is_plain(domain: str) -> bool:
    """Tell whether a domain holds nothing invisible, and no Latin label Greek or Cyrillic look-alikes."""
    marks = ("Mn", "Mc")  # parts of letters in many scripts
    if not all(sign.isalnum() or sign in ".-" or unicodedata.category(sign) in marks for sign in domain):
        return False
    labels = [{unicodedata.name(sign, "").partition(" ")[0] for sign in label} for label in domain.split(".")]
    return all(len(scripts & {"LATIN", "GREEK", "CYRILLIC"}) <= 1 for scripts in labels)


def _phone(value: object, limits: Limits) -> str:
    phone = _line(value, may_start_with="+")
    if not phone:
        return phone
    if len(phone) > 50 or not _PHONE.fullmatch(phone):
        raise _Wrong("must be 5 to 20 digits, with spaces, + ( ) - . / and an extension at most")
    return phone


def _address(value: object, limits: Limits) -> str:
    return _at_most(_cell(value), ADDRESS_MAX)


def _essay(value: object, limits: Limits) -> str:
    essay = _text(value)
    if not essay or essay.isspace():
        raise _Wrong(REQUIRED)
    return _at_most(essay, limits.essay_max)


def _achievements(value: object, limits: Limits) -> str:
    return _at_most(_text(value), limits.achievements_max)


def _external_id(value: object, limits: Limits) -> str | None:
    external_id = _text(value)
    if external_id and not _EXTERNAL_ID.fullmatch(external_id):
        raise _Wrong("may hold only 1 to 64 of the characters A-Z a-z 0-9 _ . : -")
    return external_id or None


def _timestamp(value: object, limits: Limits) -> datetime | None:
    """Read a date and time of ISO 8601; one without a zone is UTC."""
    text = _text(value)
    if not text:
        return None
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _Wrong("is not a date and time such as 2026-01-31T12:00:00Z") from None


def _gpa(value: object, limits: Limits) -> Decimal:
    if value is None or value == "":
        raise _Wrong(REQUIRED)
    if isinstance(value, str):
        if not PLAIN_DECIMAL.fullmatch(value):
            raise _Wrong(_why_no_decimal(value))
        value = Decimal(value)
    return Decimal(_number(value, lowest=Decimal(0), highest=limits.gpa_scale))


def _why_no_decimal(text: str) -> str:
    """Say what keeps a text from being a decimal; the text itself may belong to another column."""
    looks_like = {
        r"[0-9]+,[0-9]+": "uses a comma; write a decimal point",
        r"[+-]?(nan|inf|infinity)": "is not a finite number",
        r"[0-9.]+e[+-]?[0-9]+": "uses an exponent; write plain digits",
        r"[+-][0-9.]+": "has a sign; write plain digits",
        r"\s*[0-9.,]+\s*": "must be digits 0-9 with one decimal point, without spaces",
    }
    short = text[:40].lower()
    return next((why for form, why in looks_like.items() if re.fullmatch(form, short)), "is not a number")


def _number(value: object, *, lowest: Decimal, highest: Decimal) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _Wrong("must be a number")
    if isinstance(value, Decimal) and not value.is_finite():
        raise _Wrong("is not a finite number")
    if not lowest <= value <= highest:
        raise _Wrong(f"is outside its range: {_shown_number(value)}accepted are {lowest} to {highest}")
    if isinstance(value, Decimal) and int(value.as_tuple().exponent) < -DECIMALS_MAX:
        raise _Wrong(f"has more than {DECIMALS_MAX} decimals")
    return value or 0  # the sign of a zero would stand in the commitment, but not in the database


def _shown_number(value: Decimal | int) -> str:
    """Return a number to be quoted, or nothing when it is so long that it may be somebody's telephone number."""
    text = str(value)
    return f"{text}, " if len(text) <= QUOTED_DIGITS else ""


def _shown_tests(names: list[str], accepted: Mapping[str, object]) -> str:
    """Return the names that look like names of tests, and only count the others: they may name a person."""
    shown = [name for name in names if _TEST_NAME.fullmatch(name) or name.upper() in accepted]
    hidden = len(names) - len(shown)
    return ", ".join([*([listed(shown)] if shown else []), *([f"{hidden} not shown"] if hidden else [])])


def _test_scores(value: object, limits: Limits) -> dict[str, Decimal | int]:
    given = _scores_object(value)
    scores: dict[str, Decimal | int] = {}
    reasons = []
    for test, (lowest, highest) in limits.tests.items():
        try:
            if test in given:
                scores[test] = _number(given[test], lowest=lowest, highest=highest)
        except _Wrong as wrong:
            reasons.append(f"{test} {wrong}")
    if unknown := [test for test in given if test not in limits.tests]:
        reasons.insert(
            0, f"unknown test: {_shown_tests(unknown, limits.tests)}; this cycle accepts {', '.join(limits.tests)}"
        )
    if reasons:
        raise _Wrong(*reasons)
    return scores


def _scores_object(value: object) -> dict[str, object]:
    """Return the scores as a JSON object, from one or from the text of one; not empty, no test twice."""
    if isinstance(value, str) and value:
        try:
            value = parse_json(_text(value))
        except Unreadable as damage:
            raise _Wrong(str(damage)) from None
    if value is None or value == "" or value == {}:
        raise _Wrong("at least one test score is required")
    if not isinstance(value, dict):
        raise _Wrong('must be a JSON object such as {"SAT": 1200}')
    if isinstance(value, Doubled):
        raise _Wrong(f"the same test is given twice: {listed(sorted(value.repeated))}")
    return value


_RULES: dict[str, Callable[[object, Limits], object]] = {
    "name": _name,
    "email": _email,
    "phone": _phone,
    "address": _address,
    "gpa": _gpa,
    "test_scores": _test_scores,
    "essay": _essay,
    "achievements": _achievements,
    "external_id": _external_id,
    "timestamp": _timestamp,
}
