"""An application in five sections, each a page of its own: what a person types there, and what the rules say of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from admissions.readers import Fault, RawRow
from admissions.rows import PLAIN_DECIMAL, Draft, Limits, check, plain

# In the order of the pages. A score of a test is typed into a box of its own, named ``test-`` and the test.
SECTIONS: dict[str, tuple[str, ...]] = {
    "about": ("name",),
    "contact": ("phone", "address"),
    "academic": ("gpa", "test_scores"),
    "essay": ("essay",),
    "achievements": ("achievements",),
}
# What evaluators are given, without the person in it; the others are never shown to them.
SCORED = frozenset({"academic", "essay", "achievements"})
OPTIONAL = frozenset({"contact", "achievements"})
TEST = "test-"

# Digits as they are typed on Arabic and Urdu keyboards, and the decimal sign there.
_ASCII_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹\N{ARABIC DECIMAL SEPARATOR}", "01234567890123456789.")


def boxes(section: str, limits: Limits) -> list[str]:
    """Name what is typed on the page of a section: its fields, with a box for each test that the cycle accepts."""
    fields = SECTIONS[section]
    return [box for field in fields for box in (_test_boxes(limits) if field == "test_scores" else [field])]


def as_row(typed: Mapping[str, str], email: str, limits: Limits) -> RawRow:
    """Return what was typed as a row of an application file, to be judged by the same rules."""
    values: dict[str, object] = {field: typed.get(field, "") for fields in SECTIONS.values() for field in fields}
    values["gpa"] = _number(typed.get("gpa", ""))
    values["test_scores"] = {
        test: _decimal(score) for test in limits.tests if (score := _number(typed.get(f"{TEST}{test}", "")))
    }
    return RawRow(line=1, row=1, values={**values, "email": email})


def judged(typed: Mapping[str, str], email: str, limits: Limits) -> tuple[Draft | None, dict[str, list[Fault]]]:
    """Return the application if it can be handed in, and what is wrong with it by section (all are named)."""
    result = check(as_row(typed, email, limits), limits)
    faults = result if isinstance(result, list) else []
    by_section = {section: [fault for fault in faults if fault.field in fields] for section, fields in SECTIONS.items()}
    return (None if isinstance(result, list) else result), by_section


def as_typed(
    person: Mapping[str, Any], texts: Mapping[str, Any], *, gpa: Any, test_scores: Mapping[str, Any]
) -> dict[str, str]:
    """Return a stored application as its boxes would hold it."""
    return {
        **{field: str(person[field]) for field in ("name", "phone", "address")},
        "gpa": plain(gpa),
        **{f"{TEST}{test}": plain(Decimal(str(score))) for test, score in test_scores.items()},
        **{field: str(texts[field]) for field in ("essay", "achievements")},
    }


def _test_boxes(limits: Limits) -> list[str]:
    return [f"{TEST}{test}" for test in limits.tests]


def _number(typed: str) -> str:
    return typed.strip().translate(_ASCII_DIGITS)


def _decimal(typed: str) -> object:
    return Decimal(typed) if PLAIN_DECIMAL.fullmatch(typed) else typed
