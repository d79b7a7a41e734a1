"""What the pages of applicants call things, and the faults that the rules find, as sentences that can be translated."""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from admissions.readers import Fault
from admissions.rows import plain
from admissions.sections import TEST

# A text, or one that is translated when it is shown.
Words = Any

TITLES: dict[str, Words] = {
    "about": _("About you"),
    "contact": _("Contact details"),
    "academic": _("Academic record and tests"),
    "essay": _("Essay"),
    "achievements": _("Achievements"),
}
LABELS: dict[str, Words] = {
    "name": _("Full name"),
    "phone": _("Telephone (optional)"),
    "address": _("Postal address (optional)"),
    "gpa": _("Grade point average (GPA)"),
    "test_scores": _("Test scores"),
    "essay": _("Your essay"),
    "achievements": _("List of achievements (optional)"),
}
HINTS: dict[str, Words] = {
    "name": _("As it stands in your passport or identity card. It is taken out of everything that evaluators read."),
    "phone": _("With the country code, for example +92 300 5550142. We call only if e-mail does not reach you."),
    "address": _("Street, town, postal code and country."),
    "essay": _("Write about what you did and learned. You need not hide who you are: we take your name out."),
    "achievements": _("Prizes, work, projects, people you helped. One on each line reads best."),
}

# A fault of a field, as admissions.rows words it, and the sentence beside the box. What varies is put in by name.
_ANY: list[tuple[str, Words]] = [
    (r"looks like a spreadsheet formula", _("%(label)s must not begin with = + - or @.")),
    (r"must be one line without tabs", _("%(label)s must be one line, without tabs.")),
    (
        r"is too long: (?P<count>\d+) characters, at most (?P<most>\d+) are accepted",
        _("%(label)s is too long: it has %(count)s characters, and at most %(most)s are accepted."),
    ),
    (
        r"holds a (control character|NUL character)|holds half a character.*",
        _("%(label)s holds a character that cannot be stored, perhaps from pasting. Please type that place anew."),
    ),
    (
        r"is outside its range: (?P<given>[-\d.]+, )?accepted are (?P<low>\S+) to (?P<high>\S+)",
        _("%(label)s must be from %(low)s to %(high)s."),
    ),
    (r"has more than (?P<most>\d+) decimals", _("%(label)s may have at most %(most)s decimals.")),
    (r"uses a comma; .*", _("%(label)s is written with a point, for example 3.75.")),
    (
        r"must be a number|is not a (finite )?number|uses an exponent; .*|has a sign; .*|must be digits 0-9 .*",
        _("%(label)s must be a number, for example 3.75."),
    ),
]
_OF_FIELD: dict[tuple[str, str], Words] = {
    ("name", "is required"): _("Enter your full name."),
    ("name", "must hold a letter"): _("Your name must hold a letter."),
    ("gpa", "is required"): _("Enter your grade point average."),
    ("essay", "is required"): _("Enter your essay."),
    ("test_scores", "at least one test score is required"): _("Enter your score in at least one test."),
    (
        "phone",
        "must be 5 to 20 digits, with spaces, + ( ) - . / and an extension at most",
    ): _("Enter a telephone number of 5 to 20 digits, for example +92 300 5550142, or leave it empty."),
}
_OTHERWISE = _("%(label)s cannot be accepted as it is.")


def label_of(box: str) -> Words:
    """Return what a box is called; that of a test bears its name."""
    return box.removeprefix(TEST) if box.startswith(TEST) else LABELS[box]


def plain_label_of(box: str) -> str:
    """Return the same inside a sentence, where it does not matter whether it is optional."""
    return re.sub(r"\s*\([^()]*\)$", "", str(label_of(box)))


def located(fault: Fault, boxes: list[str]) -> tuple[str, str]:
    """Return the box that a fault belongs to and the sentence that tells it; of tests, the box of the one it names."""
    if fault.field == "test_scores":
        for box in sorted((one for one in boxes if one.startswith(TEST)), key=len, reverse=True):
            if fault.reason.startswith(f"{box.removeprefix(TEST)} "):
                reason = fault.reason.removeprefix(f"{box.removeprefix(TEST)} ")
                return box, sentence(Fault(box, reason))
        first = next((one for one in boxes if one.startswith(TEST)), fault.field)
        return first, sentence(fault)
    return fault.field, sentence(fault)


def sentence(fault: Fault) -> str:
    """Tell a fault in the reader's language."""
    if told := _OF_FIELD.get((fault.field, fault.reason)):
        return str(told)
    parts: dict[str, str] = {}
    wording: Words = _OTHERWISE
    for form, words in _ANY:
        if match := re.fullmatch(form, fault.reason):
            wording, parts = words, match.groupdict()
            break
    parts |= {end: plain(Decimal(parts[end])) for end in ("low", "high") if end in parts}
    return str(wording) % {**parts, "label": plain_label_of(fault.field)}
