"""Machines' tokens in the console: their list, making one, whose text is shown once, and ending one."""

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy

from accounts.models import ServiceToken
from accounts.people_console import tag
from accounts.roles import VERBS
from accounts.service_tokens import LONGEST_LIFE, make_token, revoke, service_tokens
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.console.tables import ReadOnly
from enigma.errors import Refused

NEEDS = "tokens.manage"
USUAL_LIFE = timedelta(days=30)


@admin.register(ServiceToken)
class Tokens(ReadOnly):
    """The tokens of machines, ended ones too."""

    needs = NEEDS
    section, nav_order = "People", 30
    label = gettext_lazy("Service tokens")
    change_list_template = "console/people/tokens.html"
    list_display = ("name", "verb", "cycle_code", "state", "expires_at", "last_used_at", "end_it")
    list_display_links = None
    list_select_related = ("made_by__user",)
    keyset = ("-created_at", "-pk")
    intro = gettext_lazy(
        "Each lets a machine do one thing in one cycle until a day. It ends with the role of its maker."
    )
    empty = gettext_lazy("No machine has a token. Make one for a script that carries batches to an engine and back.")
    fields = readonly_fields = ("name", "verb", "cycle_code", "created_at", "expires_at", "last_used_at", "revoked_at")

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: ServiceToken) -> str:
        """Say whether it still opens anything."""
        if token.revoked_at:
            return tag("", gettext("Ended"))
        over = token.expires_at <= timezone.now()
        return tag("", gettext("Run out")) if over else tag("good", gettext("In use"))

    @admin.display(description=gettext_lazy("end it"))
    def end_it(self, token: ServiceToken) -> str:
        """Lead to the question."""
        if token.revoked_at or token.expires_at <= timezone.now():
            return "-"
        place = reverse("admin:token_revoke", args=[token.pk])
        return format_html('<a href="{}">{} <span class="unseen">{}</span></a>', place, gettext("End"), token.name)


class NewToken(forms.Form):
    """Asks what the token is for."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("What runs with it, and where")
    )
    verb = forms.ChoiceField(label=gettext_lazy("What it may do"), choices=[(verb, verb) for verb in sorted(VERBS)])
    cycle = forms.SlugField(label=gettext_lazy("Code of the cycle"), max_length=50)
    last_day = forms.DateField(
        label=gettext_lazy("Its last day"),
        help_text=gettext_lazy("Within 90 days"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def ends(self) -> datetime:
        """Return the end of its last day, or of what a token may live at most on that day."""
        day = timezone.make_aware(datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time.min))
        longest = timezone.now() + LONGEST_LIFE
        return min(day, longest) if day - longest < timedelta(days=1) else day


class NewTokenPage(ConsolePage):
    """Makes a token; its text is in the answer to the form, and never again."""

    needs = {"get": NEEDS, "post": NEEDS}
    template = "console/people/token.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask what for."""
        return self._ask(NewToken(initial={"last_day": timezone.localdate() + USUAL_LIFE}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it."""
        form = NewToken(request.POST)
        if not form.is_valid():
            return self._ask(form, status=422)
        about = {name: form.cleaned_data[name] for name in ("name", "verb", "cycle")}
        try:
            row, text = make_token(**about, expires_at=form.ends(), actor=self.actor)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return self._ask(form, status=422)
        title = gettext("A new token")
        return self.show(title, template="console/people/token_made.html", row=row, text=text, trail=_trail())

    def _ask(self, form: NewToken, *, status: int = 200) -> HttpResponse:
        return self.show(gettext("Make a token"), status=status, form=form, trail=_trail())


class RevokePage(ConsolePage):
    """Asks once more, then ends a token."""

    needs = {"get": NEEDS, "post": NEEDS}
    template = "console/people/sure.html"

    def get(self, request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
        """Ask."""
        row = self._row(token_id)
        about = {
            "question": gettext("End this token?"),
            "effect": gettext("What runs with it is refused from now on. It cannot be taken back: make a new one."),
            "who": row.name,
            "back": _place(),
        }
        return self.show(about["question"], **about, trail=_trail())

    def post(self, request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
        """End it."""
        row = self._row(token_id)
        self.tried(lambda: revoke(row, actor=self.actor), done=gettext("The token has ended."))
        return HttpResponseRedirect(_place())

    def _row(self, token_id: uuid.UUID) -> Any:
        row = service_tokens(self.actor).filter(pk=token_id).first()
        if row is None:
            raise Http404
        return row


def _place() -> str:
    return reverse("admin:accounts_servicetoken_changelist")


def _trail() -> list[tuple[str, str]]:
    return [(gettext("Service tokens"), _place())]


add_routes(
    console_path("accounts/servicetoken/token/add/", NewTokenPage, name="token_add"),
    console_path("accounts/servicetoken/token/<uuid:token_id>/end/", RevokePage, name="token_revoke"),
)
