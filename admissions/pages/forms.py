"""The form of one section: a box for each thing that is typed there. What may stand in it, the cycle's rules say."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext

from admissions.pages.wording import HINTS, label_of, located
from admissions.readers import Fault
from admissions.rows import ADDRESS_MAX, Limits, plain
from admissions.sections import TEST, boxes

LONG = {"address": 4, "essay": 18, "achievements": 10}
_HELP_OF_BROWSERS = {
    "name": {"autocomplete": "name"},
    "phone": {"autocomplete": "tel", "type": "tel", "dir": "ltr"},
    "address": {"autocomplete": "street-address"},
}
COUNTED = ("essay", "achievements")


class SectionForm(forms.Form):
    """The boxes of a section with what was typed; faults are put beside them by ``tell``."""

    def __init__(self, section: str, limits: Limits, typed: Mapping[str, str]) -> None:
        names = boxes(section, limits)
        super().__init__({name: typed.get(name, "") for name in names})
        self.names = names
        for number, name in enumerate(names):
            self.fields[name] = forms.CharField(
                required=False,
                strip=False,
                label=label_of(name),
                help_text=_hint(name, limits),
                widget=_widget(name, number),
            )

    def tell(self, faults: Iterable[Fault]) -> None:
        """Put each fault beside its box."""
        for fault in faults:
            box, told = located(fault, self.names)
            self.add_error(box, told)
            described = self.fields[box].widget.attrs
            described["aria-describedby"] = f"{described['id']}_helptext {described['id']}_error"

    def summary(self) -> list[tuple[str, str]]:
        """Every fault with the id of its box, for the list on top of the page."""
        return [(str(self[name].id_for_label), told) for name, errors in self.errors.items() for told in errors]

    def plain_boxes(self) -> list[forms.BoundField]:
        """The boxes but for those of tests."""
        return [field for field in self if not field.name.startswith(TEST)]

    def test_boxes(self) -> list[forms.BoundField]:
        """The boxes of tests."""
        return [field for field in self if field.name.startswith(TEST)]


def typed_in(section: str, limits: Limits, sent: Mapping[str, Any]) -> dict[str, str]:
    """Return what was sent for the boxes of a section, line breaks as in Unix; what was not sent is left out."""
    return {
        name: str(sent[name]).replace("\r\n", "\n").replace("\r", "\n")
        for name in boxes(section, limits)
        if name in sent
    }


def count_of(text: str) -> dict[str, int]:
    """Count characters, which the cycle limits, and words, which people know."""
    return {"characters": len(text), "words": len(text.split())}


def _widget(name: str, number: int) -> forms.Widget:
    id = f"id_test_{number}" if name.startswith(TEST) else f"id_{name}"  # a test may have a space in its name
    own = {"id": id, "dir": "auto", "aria-describedby": f"{id}_helptext"}
    attributes: dict[str, Any] = {**own, **_HELP_OF_BROWSERS.get(name, {"autocomplete": "off"})}
    if name in LONG:
        return forms.Textarea({**attributes, "rows": LONG[name], "cols": None})
    if name == "gpa" or name.startswith(TEST):
        attributes |= {"inputmode": "decimal", "class": "short", "dir": "ltr"}
    return forms.TextInput(attributes)


def _hint(name: str, limits: Limits) -> str:
    if name == "gpa":
        scale = {"scale": plain(limits.gpa_scale)}
        return gettext("On a scale from 0 to %(scale)s, with a point. Find it on your latest transcript.") % scale
    if name.startswith(TEST):
        low, high = limits.tests[name.removeprefix(TEST)]
        return gettext("From %(low)s to %(high)s.") % {"low": plain(low), "high": plain(high)}
    most = {"essay": limits.essay_max, "achievements": limits.achievements_max, "address": ADDRESS_MAX}.get(name)
    longest = (
        gettext("At most %(most)s characters.") % {"most": number_format(most, force_grouping=True)} if most else ""
    )
    return f"{HINTS[name]} {longest}".strip()
