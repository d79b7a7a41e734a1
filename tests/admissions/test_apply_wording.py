"""Every fault that the rules find has a sentence of its own on the pages, beside the box that it is about."""

import inspect
import re
from decimal import Decimal

import pytest

from admissions import rows
from admissions.pages.wording import HINTS, LABELS, TITLES, located, sentence
from admissions.readers import Fault
from admissions.rows import Limits
from admissions.sections import SECTIONS, as_row, as_typed, boxes, judged

LIMITS = Limits({"SAT": (Decimal(400), Decimal(1600)), "SAT II": (Decimal(1), Decimal(9))}, Decimal("4.0000"), 50, 20)
GOOD = {"name": "Amina", "gpa": "3.8", "test-SAT": "1450", "essay": "I did it."}
OTHERWISE = "cannot be accepted as it is"

WRONG = {
    ("name", ""): "Enter your full name.",
    ("name", "12"): "Your name must hold a letter.",
    ("name", "=1+1"): "Full name must not begin with = + - or @.",
    ("name", "A\nB"): "Full name must be one line, without tabs.",
    (
        "name",
        "A\0",
    ): "Full name holds a character that cannot be stored, perhaps from pasting. Please type that place anew.",
    (
        "name",
        "A\x07",
    ): "Full name holds a character that cannot be stored, perhaps from pasting. Please type that place anew.",
    ("name", "A" * 201): "Full name is too long: it has 201 characters, and at most 200 are accepted.",
    (
        "phone",
        "12",
    ): "Enter a telephone number of 5 to 20 digits, for example +92 300 5550142, or leave it empty.",
    ("address", "x" * 501): "Postal address is too long: it has 501 characters, and at most 500 are accepted.",
    ("gpa", ""): "Enter your grade point average.",
    ("gpa", "4.5"): "Grade point average must be from 0 to 4.",
    ("gpa", "3,8"): "Grade point average is written with a point, for example 3.75.",
    ("gpa", "abc"): "Grade point average must be a number, for example 3.75.",
    ("gpa", "-1"): "Grade point average must be a number, for example 3.75.",
    ("gpa", "NaN"): "Grade point average must be a number, for example 3.75.",
    ("gpa", "1e1"): "Grade point average must be a number, for example 3.75.",
    ("gpa", "1.2.3"): "Grade point average must be a number, for example 3.75.",
    ("gpa", "3.12345"): "Grade point average may have at most 4 decimals.",
    ("test-SAT", ""): "Enter your score in at least one test.",
    ("test-SAT", "1700"): "SAT must be from 400 to 1600.",
    ("test-SAT", "many"): "SAT must be a number, for example 3.75.",
    ("test-SAT II", "10"): "SAT II must be from 1 to 9.",
    ("essay", " \n"): "Enter your essay.",
    ("essay", "x" * 51): "Your essay is too long: it has 51 characters, and at most 50 are accepted.",
    (
        "achievements",
        "x" * 21,
    ): "List of achievements is too long: it has 21 characters, and at most 20 are accepted.",
}


@pytest.mark.parametrize(("box", "text"), WRONG)
def test_a_fault_stands_beside_its_box_in_a_sentence(box, text):
    draft, faults = judged({**GOOD, box: text}, "amina@example.org", LIMITS)
    told = [located(fault, boxes(section, LIMITS)) for section, found in faults.items() for fault in found]
    assert (draft, told) == (None, [(box, WRONG[box, text])])


def test_every_reason_that_the_rules_can_give_has_a_sentence():
    """Each text in ``rows`` that is raised, with its gaps filled, is known; those of files are not ours."""
    source = inspect.getsource(rows)
    raised = re.findall(r'_Wrong\(\s*f?"([^"]+)"', source) + re.findall(
        r'^\s+r"[^"]+": "([^"]+)"', source, re.MULTILINE
    )
    not_from_boxes = (
        "must be text",
        "must be a JSON",
        "is not a date",
        "may hold only",
        "the same test",
        "at least one",
    )
    reasons = [re.sub(r"\{[^}]*accepted[^}]*\}|\{_shown[^}]*\}", "", one) for one in raised]
    reasons = [one for one in reasons if not one.startswith(not_from_boxes)]
    reasons = [re.sub(r"\{\w+\([^)]*\)\}|\{\w+\}", "7", one) for one in reasons]
    assert len(reasons) > 12
    unknown = [one for one in reasons if OTHERWISE in sentence(Fault("gpa", one))]
    assert unknown == [
        "must hold a letter",
        "must be 5 to 20 digits, with spaces, + ( ) - . / and an extension at most",
    ]


def test_a_reason_that_is_not_known_is_told_all_the_same():
    assert sentence(Fault("gpa", "is odd")) == "Grade point average cannot be accepted as it is."
    assert located(Fault("test_scores", "is odd"), ["gpa"]) == (
        "test_scores",
        "Test scores cannot be accepted as it is.",
    )


def test_every_section_and_box_has_its_words():
    assert list(TITLES) == list(SECTIONS)
    assert set(LABELS) == {field for fields in SECTIONS.values() for field in fields}
    assert set(HINTS) == set(LABELS) - {"gpa", "test_scores"}


def test_what_is_good_becomes_an_application():
    draft, faults = judged({**GOOD, "test-SAT II": " ٥٫٥ "}, "amina@example.org", LIMITS)
    assert (draft.name, draft.gpa, draft.test_scores) == (
        "Amina",
        Decimal("3.8"),
        {"SAT": 1450, "SAT II": Decimal("5.5")},
    )
    assert set(faults) == set(SECTIONS)
    assert not any(faults.values())


def test_a_test_that_the_cycle_no_longer_takes_is_left_out():
    row = as_row({**GOOD, "test-ACT": "30"}, "amina@example.org", LIMITS)
    assert row.values["test_scores"] == {"SAT": Decimal(1450)}


def test_a_stored_application_is_typed_as_it_was():
    person = {"name": "Amina", "email": "e", "phone": "", "address": "Multan", "salt": "00"}
    texts = {"essay": "I did it.", "achievements": ""}
    assert as_typed(person, texts, gpa=Decimal("3.8000"), test_scores={"SAT": 1450, "ACT": 30.1}) == {
        "name": "Amina",
        "phone": "",
        "address": "Multan",
        "gpa": "3.8",
        "test-SAT": "1450",
        "test-ACT": "30.1",
        "essay": "I did it.",
        "achievements": "",
    }
