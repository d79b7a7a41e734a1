"""What people type on these pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admissions.receipt_lookup import LONGEST, Given, read_receipt
from admissions.reviews import TEXT_MAX
from enigma.errors import Malformed


class ReviewForm(forms.Form):
    """Why a person should look at a result again."""

    text = forms.CharField(
        label=_("What should be looked at?"),
        help_text=_("Say what you think went wrong, and where it can be seen. At most 5,000 characters."),
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 10, "dir": "auto"}),
        error_messages={"required": _("Write what should be looked at.")},
    )


class ReceiptForm(forms.Form):
    """A receipt, typed or pasted, or as the file that was downloaded."""

    receipt = forms.CharField(
        label=_("Receipt"),
        help_text=_("The 32 characters of your receipt, or the whole text of its file."),
        max_length=LONGEST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false", "autocomplete": "off"}),
    )
    file = forms.FileField(
        label=_("Or the file of your receipt"),
        help_text=_("It is only looked into, and not kept."),
        required=False,
        allow_empty_file=True,
        max_length=200,
    )

    def clean(self) -> dict[str, Any]:
        """Read what was given as a receipt: the file where there is one, else what was typed."""
        told: dict[str, Any] = super().clean() or {}
        if self.errors:
            return told
        upload = told.get("file")
        field = "file" if upload else "receipt"
        try:
            text = _text_of(upload) if upload else told.get("receipt", "")
            if not text.strip():
                raise Malformed(gettext("Enter your receipt."))
            told["given"] = read_receipt(text)
        except Malformed as refusal:
            self.add_error(field, str(refusal))
        return told

    @property
    def given(self) -> Given:
        """The receipt; only of a form that is valid."""
        given: Given = self.cleaned_data["given"]
        return given


class EraseForm(forms.Form):
    """The word that says that somebody means it."""

    word = forms.CharField(
        label=_("To erase all of it, type the word “erase”"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Type the word to go on.")},
    )

    def clean_word(self) -> str:
        """Take the word in English and in the language of the page."""
        word: str = self.cleaned_data["word"]
        if word.strip().casefold() not in {"erase", gettext("erase").casefold()}:
            raise forms.ValidationError(gettext("This is not the word. Nothing was erased."))
        return word


def _text_of(upload: Any) -> str:
    if upload.size > LONGEST:
        raise Malformed(gettext("This file is too large for a receipt."))
    try:
        text: str = upload.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed(gettext("This file is not the file of a receipt.")) from None
    return text
