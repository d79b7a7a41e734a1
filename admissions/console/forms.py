"""The forms of the console's pages of cycles: a step, the rules of a cycle, late access."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admissions import rubrics
from admissions.late_access import REASON_MAX
from admissions.models.cycles import AdmissionCycle
from admissions.rules import JudgePolicy
from admissions.selection import PARTS

INTEGER_MAX, SMALL_MAX = 2**31 - 1, 2**15 - 1  # what the columns hold
TIES = tuple(f"tie_{place}" for place in range(1, len(PARTS) + 1))
POLICIES = {
    JudgePolicy.EVERY: gettext_lazy("A judge checks every evaluation"),
    JudgePolicy.NONE: gettext_lazy("No judge"),
}
PART_NAMES = {
    "academic": gettext_lazy("Academic record"),
    "test": gettext_lazy("Tests"),
    "achievement": gettext_lazy("Achievements"),
    "essay": gettext_lazy("Essay"),
}


class StepForm(forms.Form):
    """What is sent to take a step: the phase that the reader saw, why, and for a final step the code of the cycle."""

    phase = forms.CharField(widget=forms.HiddenInput, max_length=20)
    reason = forms.CharField(
        label=gettext_lazy("Reason (optional)"),
        help_text=gettext_lazy("It goes into the audit log: no names, no addresses."),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None, *, cycle: AdmissionCycle, is_final: bool) -> None:
        super().__init__(data, initial={"phase": cycle.phase})
        self.cycle = cycle
        if is_final:
            self.fields["code"] = forms.CharField(
                label=gettext_lazy("Code of the cycle"),
                help_text=gettext_lazy("This cannot be undone. Type the code to say that you mean this cycle."),
                max_length=50,
                widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
            )

    def clean_code(self) -> str:
        """Refuse any other code."""
        code: str = self.cleaned_data["code"]
        if code != self.cycle.code:
            raise ValidationError(_("This is not the code of this cycle."))
        return code


class Moment(forms.DateTimeField):
    """A date with its time, by the minute; what is stored by the second is not changed by looking at it."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, required=False, **kwargs)

    def has_changed(self, initial: datetime | None, data: Any) -> bool:
        """Compare by the minute."""
        shown = timezone.localtime(initial).replace(second=0, microsecond=0) if initial else None
        return super().has_changed(shown, data)


class TestLines(forms.CharField):
    """The accepted tests, each on a line of its own: its name, lowest and highest score."""

    def prepare_value(self, value: Any) -> Any:
        """Write them as lines."""
        if isinstance(value, dict):
            return "\n".join(f"{name} {low} {high}" for name, (low, high) in value.items())
        return value

    def to_python(self, value: Any) -> dict[str, list[str]]:
        """Read them; what the scores may be, the rules say."""
        tests = {}
        for line in filter(None, map(str.strip, (value or "").splitlines())):
            name, *ends = line.rsplit(maxsplit=2)
            if len(ends) != 2 or name in tests:
                raise ValidationError(_("Give each test once, as name, lowest and highest score: SAT 400 1600"))
            tests[name] = ends
        return tests

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what the lines say."""
        try:
            given = self.to_python(data)
        except ValidationError:
            return True
        return given != {name: [str(end) for end in ends] for name, ends in (initial or {}).items()}


def _weight(part: str) -> forms.DecimalField:
    return forms.DecimalField(label=PART_NAMES[part], max_digits=5, decimal_places=4, min_value=0, max_value=1)


def _count(label: Any, most: int = INTEGER_MAX, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=most, **kwargs)


class RulesForm(forms.Form):
    """The rules of a cycle that can be changed until the freeze."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    seats = _count(gettext_lazy("Seats"))
    opens_at = Moment(label=gettext_lazy("Opens"))
    closes_at = Moment(label=gettext_lazy("Closes"))
    results_at = Moment(label=gettext_lazy("Results are planned for"))
    weight_academic, weight_test, weight_achievement, weight_essay = map(_weight, PARTS)
    rubric_version = forms.ChoiceField(
        label=gettext_lazy("Rubric"), choices=[(version, version) for version in rubrics.VERSIONS]
    )
    tests = TestLines(
        label=gettext_lazy("Accepted tests"),
        help_text=gettext_lazy("One on each line: name, lowest and highest score, such as SAT 400 1600."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    gpa_scale = forms.DecimalField(label=gettext_lazy("Highest GPA"), max_digits=7, decimal_places=4)
    essay_max = _count(gettext_lazy("Longest essay, in characters"))
    achievements_max = _count(gettext_lazy("Longest list of achievements, in characters"))
    judge_policy = forms.ChoiceField(label=gettext_lazy("Judge"), choices=list(POLICIES.items()))
    attempts_allowed = _count(
        gettext_lazy("Attempts"),
        SMALL_MAX,
        help_text=gettext_lazy("How often an answer that fails is asked for again."),
    )
    tie_1, tie_2, tie_3, tie_4 = (
        forms.ChoiceField(
            label=label, choices=[("", gettext_lazy("Nothing more")), *PART_NAMES.items()], required=False
        )
        for label in (
            gettext_lazy("Ties are broken first by"),
            gettext_lazy("then by"),
            gettext_lazy("then by (third)"),
            gettext_lazy("then by (fourth)"),
        )
    )
    is_demo = forms.BooleanField(
        label=gettext_lazy("A demonstration: it may be published on rehearsed answers"), required=False
    )

    GROUPS = (
        (gettext_lazy("The cycle"), ("code", "name", "seats")),
        (gettext_lazy("Dates"), ("opens_at", "closes_at", "results_at")),
        (gettext_lazy("Weights: together 1"), tuple(f"weight_{part}" for part in PARTS)),
        (gettext_lazy("What is asked for"), ("tests", "gpa_scale", "essay_max", "achievements_max")),
        (gettext_lazy("Evaluation"), ("rubric_version", "judge_policy", "attempts_allowed", "is_demo")),
        (gettext_lazy("Ties; what is still equal is decided by lot"), TIES),
    )

    def __init__(self, data: Any = None, *, cycle: AdmissionCycle | None = None) -> None:
        super().__init__(data, initial=_initial(cycle or AdmissionCycle()))

    @property
    def groups(self) -> Iterator[tuple[Any, list[forms.BoundField]]]:
        """Yield the fields by subject."""
        for legend, names in self.GROUPS:
            yield legend, [self[name] for name in names if name in self.fields]

    def given(self, *, changed_only: bool = False) -> dict[str, Any]:
        """Return what was filled in as fields of a cycle; only what differs from the initial values, if so asked."""
        names = self.changed_data if changed_only else [*self.fields]
        values = {name: self.cleaned_data[name] for name in names if name not in TIES}
        if any(name in TIES for name in names):
            values["tie_break"] = [*(self.cleaned_data[name] for name in TIES if self.cleaned_data[name]), "seed"]
        return values

    def take(self, faults: tuple[tuple[str, str], ...]) -> None:
        """Put what the rules refuse beside the fields that it is about."""
        stand_ins = {"weights": "weight_academic", "tie_break": TIES[0]}
        for name, told in faults:
            name = stand_ins.get(name, name)
            self.add_error(name if name in self.fields else None, told)


class NewCycleForm(RulesForm):
    """The rules of a cycle that is to be opened, and the code by which everybody will name it."""

    code = forms.SlugField(
        label=gettext_lazy("Code"),
        max_length=50,
        help_text=gettext_lazy("Short, for addresses and commands, such as fall-2027. It cannot change."),
    )


class LateForm(forms.Form):
    """Who is to be let in late, until when, and why."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address of the account"),
        help_text=gettext_lazy("They have an account once they have signed in."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    until = Moment(label=gettext_lazy("Until"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("For colleagues: no name, nothing of anybody's health or family."),
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["until"].required = True


def _initial(cycle: AdmissionCycle) -> dict[str, Any]:
    names = [name for name in RulesForm.base_fields if name not in TIES]
    ties = dict(zip(TIES, [*cycle.tie_break[:-1], *[""] * len(TIES)], strict=False))
    return {name: _plain(getattr(cycle, name)) for name in names} | ties


def _plain(value: Any) -> Any:
    """Return a number without zeros at its end, and anything else as it is."""
    return Decimal(format(value.normalize(), "f")) if isinstance(value, Decimal) else value
