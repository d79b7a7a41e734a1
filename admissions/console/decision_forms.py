"""The forms by which a person scores a blind copy, or sets something aside."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from admissions.selection import PARTS

LONGEST_REASON = 2_000
LABELS = {"academic": _("Academic"), "test": _("Test"), "achievement": _("Achievement"), "essay": _("Essay")}


def _reason(help_text: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 3, "dir": "auto"})
    return forms.CharField(label=_("Reason"), max_length=LONGEST_REASON, widget=area, help_text=help_text)


class ScoreForm(forms.Form):
    """Four scores and why."""

    prefix = "score"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part in PARTS:
            box = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
            within = {"min_value": 0, "max_value": 100, "max_digits": 7, "decimal_places": 4}
            self.fields[part] = forms.DecimalField(label=LABELS[part], localize=True, widget=box, **within)
        self.fields["reason"] = _reason(_("The applicant may read this with the result, as the explanation."))

    def scores(self) -> dict[str, Decimal]:
        """Return the scores by part."""
        return {part: self.cleaned_data[part] for part in PARTS}


class SetAsideForm(forms.Form):
    """Why a blind copy leaves the ranking."""

    prefix = "aside"
    reason = _reason(_("It is kept with the decision. Name no person."))


class UnreadableForm(forms.Form):
    """Why an application whose record does not open is set aside."""

    reference = forms.CharField(max_length=14, widget=forms.HiddenInput)
    reason = _reason(_("It is kept with the application. Name no person."))


class RetryForm(forms.Form):
    """Why the workers shall try again."""

    prefix = "retry"
    reason = _reason(_("For example: the worker lacked an old master key. It is kept in the audit log."))
