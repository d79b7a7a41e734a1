"""Letters in the console: which went out, which did not arrive, and the texts they have, with a preview."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.browser import actor_of
from admissions.letter_rendering import preview
from admissions.letter_templates import WrongText, edit, restore, standings, text_for, version_of, written_for
from admissions.letter_texts import (
    BODY_MAX,
    LANGUAGES,
    PLACEHOLDERS,
    SUBJECT_MAX,
    VARIANTS,
    LetterText,
    direction,
    faults_of,
    tidied,
)
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.posting import resend
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import Entry, add_entry, add_routes, panel
from enigma.console.tables import ReadOnly
from enigma.errors import Conflict, Refused

NEEDS = "letters.edit"
NAMES = {"en": _("English"), "ur": _("Urdu"), "ar": _("Arabic")}
TITLES = {
    "submitted": _("Application received"),
    "changed": _("Application changed"),
    "withdrawn": _("Application withdrawn"),
    "selected": _("Outcome: selected"),
    "not_selected": _("Outcome: not selected"),
    "not_assessed": _("Outcome: not assessed"),
    "review_answered": _("Review answered"),
    "late_access": _("Late access granted"),
}
MEANINGS = {
    "name": _("the reader's name"),
    "reference": _("the reference of the application"),
    "receipt": _("the receipt in the public log"),
    "cycle": _("the name of the cycle"),
    "seats": _("how many places there are"),
    "until": _("the last moment to send or change"),
    "link": _("the page that the letter is about"),
}
TONES = {"queued": "", "sent": "good", "failed": "bad", "bounced": "bad"}


@admin.register(Letter)
class Letters(ReadOnly):
    """Every letter, by reference only: who it went to is not here."""

    needs = NEEDS
    section, nav_order = "Letters", 10
    label = _("Letters")
    intro = _(
        "Workers send what is queued. A letter that failed or came back can be sent again once the reason is mended; "
        "bounces are read by manage.py import_bounces."
    )
    empty = _("No letters yet. The first one is queued when somebody applies.")
    list_display = ("reference", "cycle", "kind", "standing", "why", "sent")
    list_filter = ("state", "kind", "admission_cycle")
    list_select_related = ("application", "admission_cycle")
    fields = readonly_fields = (
        *("reference", "cycle", "kind", "sequence", "language", "standing", "why", "attempts"),
        *("queued_at", "due_at", "sent_at"),
    )
    actions = ("send_again",)

    def has_letters_edit_permission(self, request: HttpRequest) -> bool:
        """Ask the role; the action names this one."""
        return bool(request.user.has_perm(f"accounts.{NEEDS}"))

    @admin.display(description=_("reference"))
    def reference(self, letter: Letter) -> SafeString:
        """Return the reference of the application, or that it goes to an account."""
        return format_html('<span class="whole">{}</span>', _about(letter))

    @admin.display(description=_("cycle"))
    def cycle(self, letter: Letter) -> SafeString:
        """Return the code of the cycle."""
        return format_html('<span class="whole">{}</span>', letter.admission_cycle.code)

    @admin.display(description=_("state"))
    def standing(self, letter: Letter) -> SafeString:
        """Return the state, in its tone."""
        return format_html('<span class="tag {}">{}</span>', TONES[letter.state], letter.get_state_display())

    @admin.display(description=_("reason"))
    def why(self, letter: Letter) -> str:
        """Return the kind of the last fault, or the status code of a bounce."""
        return letter.bounce or letter.fault

    @admin.display(description=_("sent"))
    def sent(self, letter: Letter) -> SafeString | str:
        """Return when it went out."""
        if letter.sent_at is None:
            return ""
        return format_html('<span class="whole">{}</span>', date_format(localtime(letter.sent_at), "DATETIME_FORMAT"))

    @admin.action(description=_("Send again"), permissions=["letters_edit"])
    def send_again(self, request: HttpRequest, letters: QuerySet[Letter]) -> None:
        """Queue the chosen letters again."""
        sent = 0
        for letter in letters:
            try:
                resend(letter, actor=actor_of(request.user))
                sent += 1
            except Refused as refusal:
                self.message_user(request, f"{_about(letter)}: {refusal}", messages.ERROR)
        if sent:
            self.message_user(request, gettext("%d letters are queued again.") % sent, messages.SUCCESS)


def _about(letter: Letter) -> str:
    return letter.application.reference if letter.application else gettext("an account")


class TextForm(forms.Form):
    """A text of a letter, as staff write it."""

    subject = forms.CharField(label=_("Subject"), max_length=SUBJECT_MAX)
    body = forms.CharField(
        label=_("Text"),
        max_length=BODY_MAX,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, variant: str, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.variant = variant
        for name in ("subject", "body"):
            self.fields[name].widget.attrs |= {"lang": language, "dir": direction(language)}

    def text(self) -> LetterText:
        """Return what was typed."""
        return tidied(LetterText(self.cleaned_data["subject"], self.cleaned_data["body"]))

    def clean(self) -> dict[str, Any]:
        """Refuse what no letter may hold, with its line."""
        cleaned: dict[str, Any] = super().clean()
        if not self.errors:
            for fault in faults_of(self.variant, self.text()):
                self.add_error("subject" if fault.startswith("The subject") else "body", fault)
        return cleaned


class LetterPage(ConsolePage):
    """What both pages of texts share: for which cycle, or for all."""

    def chosen(self) -> AdmissionCycle | None:
        """Return the cycle that the address names; None for all of them, Http404 for one that is not there."""
        code = self.request.GET.get("cycle", "")
        if not code:
            return None
        cycle = AdmissionCycle.objects.filter(code=code.replace("\0", "")).first()
        if cycle is None:
            raise Http404
        return cycle


class Texts(LetterPage):
    """All texts, and whose they are."""

    needs = {"get": NEEDS}
    template = "console/letter_texts.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them for a cycle, or for all."""
        cycle = self.chosen()
        cells = {(one.variant, one.language): one for one in standings(cycle)}
        rows = [
            (TITLES[variant], [(cells[variant, language], place(variant, language, cycle)) for language in LANGUAGES])
            for variant in VARIANTS
        ]
        cycles = AdmissionCycle.objects.values_list("code", "name")
        return self.show(
            gettext("Texts of letters"),
            cycle=cycle,
            cycles=cycles,
            rows=rows,
            languages=[NAMES[one] for one in LANGUAGES],
        )


class Text(LetterPage):
    """One text in one language, beside what a reader would get."""

    needs = {"get": NEEDS, "post": NEEDS}
    template = "console/letter_text.html"

    def get(self, request: HttpRequest, variant: str, language: str) -> HttpResponse:
        """Show the text that counts now."""
        cycle = self._known(variant, language)
        text = text_for(variant, language, cycle)
        kept = {"subject": text.subject, "body": text.body, "version": version_of(variant, language, cycle)}
        return self._page(TextForm(initial=kept, variant=variant, language=language), language, cycle, text)

    def post(self, request: HttpRequest, variant: str, language: str) -> HttpResponse:
        """Preview, keep or take back."""
        cycle = self._known(variant, language)
        if request.POST.get("do") == "restore":
            return self._restore(variant, language, cycle)
        form = TextForm(request.POST, variant=variant, language=language)
        if not form.is_valid():
            return self._page(form, language, cycle, None, status=422)
        if request.POST.get("do") != "save":
            return self._page(form, language, cycle, form.text())
        about = {"cycle": cycle, "version": form.cleaned_data["version"], "actor": actor_of(request.user)}
        try:
            edit(variant, language, form.text(), **about)
        except (Conflict, WrongText) as refusal:
            form.add_error(None, str(refusal))
            return self._page(form, language, cycle, form.text(), status=409)
        messages.success(request, gettext("The text is kept; letters have it from now on."))
        return HttpResponseRedirect(place(variant, language, cycle))

    def _restore(self, variant: str, language: str, cycle: AdmissionCycle | None) -> HttpResponse:
        sent = self.request.POST.get("version", "")
        version = int(sent) if sent.isdecimal() and len(sent) < 9 else -1

        def deed() -> object:
            return restore(variant, language, cycle=cycle, version=version, actor=actor_of(self.request.user))

        self.tried(deed, done=gettext("The text that was written here is out of use."))
        return HttpResponseRedirect(place(variant, language, cycle))

    def _known(self, variant: str, language: str) -> AdmissionCycle | None:
        if variant not in VARIANTS or language not in LANGUAGES:
            raise Http404
        return self.chosen()

    def _page(
        self, form: TextForm, language: str, cycle: AdmissionCycle | None, text: LetterText | None, *, status: int = 200
    ) -> HttpResponse:
        shown = preview(form.variant, cycle, language, text.subject, text.body) if text else None
        return self.show(
            f"{TITLES[form.variant]}, {NAMES[language]}",
            status=status,
            form=form,
            written_in=language,  # the frame has a language of its own
            side=direction(language),
            cycle=cycle,
            shown=shown,
            written=written_for(form.variant, language, cycle),
            placeholders=[(f"{{{name}}}", MEANINGS[name]) for name in sorted(PLACEHOLDERS[form.variant])],
            here=place(form.variant, language, cycle),
            trail=[(gettext("Texts of letters"), _with_cycle(reverse("admin:letter_texts"), cycle))],
        )


def place(variant: str, language: str, cycle: AdmissionCycle | None) -> str:
    """Return the address of a text."""
    return _with_cycle(reverse("admin:letter_text", args=[variant, language]), cycle)


def _with_cycle(address: str, cycle: AdmissionCycle | None) -> str:
    return f"{address}?{urlencode({'cycle': cycle.code})}" if cycle else address


@panel("dashboard", template="console/letters_panel.html", needs=NEEDS, order=60)
def not_arrived(request: HttpRequest) -> dict[str, Any] | None:
    """Tell of the letters that did not arrive, where there are any."""
    states = Letter.objects.filter(state__in=["failed", "bounced"]).order_by("state").values_list("state")
    counts = dict(states.annotate(count=Count("*")))
    return {"counts": counts} if counts else None


add_entry(Entry("Letters", _("Texts of letters"), "letter_texts", NEEDS, 20))
add_routes(
    console_path("letters/texts/", Texts, name="letter_texts"),
    console_path("letters/texts/<slug:variant>/<slug:language>/", Text, name="letter_text"),
)
