"""Members of staff and their sessions in the console: the tables, and the page of one with what can be done."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext

from accounts import people, second_factor, sessions
from accounts.actors import Actor
from accounts.browser import actor_of
from accounts.models import AdminSession, AdminUser
from accounts.passwords import new_password
from accounts.people_forms import NewMember, RoleForm, Way
from accounts.staff import create_staff
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.console.tables import ReadOnly
from enigma.errors import Conflict

NEEDS = "people.manage"
SESSIONS_SHOWN = 50


def tag(kind: str, text: Any) -> str:
    """Return a word in a frame; its colour only repeats what it says."""
    return format_html('<span class="tag {}">{}</span>', kind, text)


class InUse(admin.SimpleListFilter):
    """Whether the record counts."""

    title, parameter_name = gettext_lazy("record"), "record"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return both."""
        return [("in_use", gettext_lazy("In use")), ("out_of_use", gettext_lazy("Out of use"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AdminUser]) -> QuerySet[AdminUser]:
        """Keep those."""
        return queryset.filter(is_active=self.value() == "in_use") if self.value() else queryset


@admin.register(AdminUser)
class People(ReadOnly):
    """The members of staff."""

    needs = NEEDS
    section, nav_order = "People", 10
    change_list_template = "console/people/list.html"
    list_display = ("address", "role", "in_use", "factor", "last_login_at")
    list_display_links = None
    list_filter = ("role", InUse)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = gettext_lazy("The whole e-mail address")
    empty = gettext_lazy("No members of staff yet. manage.py create_admin makes the first.")
    fields = readonly_fields = ("address", "role", "in_use", "factor", "last_login_at", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdminUser]:
        """Ask for everybody's second factor along with them."""
        return with_factors(super().get_queryset(request))

    def find(self, queryset: QuerySet[AdminUser], term: str) -> QuerySet[AdminUser]:
        """Find somebody by the whole address."""
        return queryset.filter(user__email=term.strip().lower())

    @admin.display(description=gettext_lazy("e-mail address"))
    def address(self, member: AdminUser) -> str:
        """Return the address, which leads to the person's page."""
        return format_html('<a href="{}">{}</a>', reverse("admin:person", args=[member.user_id]), member.user.email)

    @admin.display(description=gettext_lazy("record"))
    def in_use(self, member: AdminUser) -> str:
        """Say whether the record counts."""
        return tag("good", gettext("In use")) if member.is_active else tag("", gettext("Out of use"))

    @admin.display(description=gettext_lazy("second factor"))
    def factor(self, member: AdminUser) -> str:
        """Say whether one is enrolled."""
        return tag("good", gettext("Enrolled")) if member.guarded else tag("warn", gettext("None yet"))


def with_factors(members: QuerySet[AdminUser]) -> QuerySet[AdminUser]:
    """Add to each whether a second factor is enrolled, as ``guarded``."""
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=second_factor.FACTORS)
    return members.annotate(guarded=Exists(factors))


@admin.register(AdminSession)
class StaffSessions(ReadOnly):
    """The sessions of staff behind the tokens of the API."""

    needs = NEEDS
    section, nav_order = "People", 20
    list_display = ("session_id", "who", "created_at", "last_seen_at", "state")
    list_filter = ("revoked_reason",)
    list_select_related = ("admin_user__user",)
    keyset = ("-created_at", "-pk")
    empty = gettext_lazy("No sessions of the API yet. One appears when somebody signs in by it.")
    actions = ("end_chosen",)
    fields = readonly_fields = (
        "session_id",
        "who",
        "created_at",
        "last_seen_at",
        "idle_expires_at",
        "absolute_expires_at",
        "mfa_at",
        "revoked_at",
        "revoked_reason",
    )

    def has_people_manage_permission(self, request: HttpRequest) -> bool:
        """Ask the role; the action names this one."""
        return bool(request.user.has_perm(f"accounts.{NEEDS}"))

    @admin.display(description=gettext_lazy("person"))
    def who(self, session: AdminSession) -> str:
        """Return whose it is."""
        return session.admin_user.user.email

    @admin.display(description=gettext_lazy("state"))
    def state(self, session: AdminSession) -> str:
        """Say whether it was ended, and why."""
        return tag("", session.revoked_reason) if session.revoked_at else tag("good", gettext("Not ended"))

    @admin.action(description=gettext_lazy("End the chosen sessions"), permissions=["people_manage"])
    def end_chosen(self, request: HttpRequest, chosen: QuerySet[AdminSession]) -> None:
        """End them."""
        ended = sum(people.end_session_of(session, actor=actor_of(request.user)) for session in chosen)
        told = ngettext("%(count)d session has ended.", "%(count)d sessions have ended.", ended) % {"count": ended}
        self.message_user(request, told, messages.SUCCESS)


class _OfPerson(ConsolePage):
    """A page about one member of staff."""

    needs = {"get": NEEDS, "post": NEEDS}

    def member(self, person_id: int) -> AdminUser:
        """Return them; raise Http404 where there is nobody."""
        found = with_factors(people.people(self.actor)).filter(user_id=person_id).first() if person_id < 2**63 else None
        if found is None:
            raise Http404
        return found

    def trail_to(self, member: AdminUser | None = None) -> list[tuple[str, str]]:
        """Return where one is."""
        here = [(gettext("People"), reverse("admin:accounts_adminuser_changelist"))]
        return [*here, (member.user.email, _place(member))] if member else here

    def back_to(self, member: AdminUser) -> HttpResponse:
        """Lead to the person's page."""
        return HttpResponseRedirect(_place(member))


class PersonPage(_OfPerson):
    """One member of staff: what they are, and what can be done."""

    needs = {"get": NEEDS}
    template = "console/people/person.html"

    def get(self, request: HttpRequest, person_id: int) -> HttpResponse:
        """Show them."""
        member = self.member(person_id)
        live, _ = sessions.sessions_of(member.user)
        return self.show(
            member.user.email,
            member=member,
            is_me=self.actor.id == f"user:{member.user_id}",
            sessions=live.order_by("-created_at")[:SESSIONS_SHOWN],
            trail=self.trail_to(),
        )


class RolePage(_OfPerson):
    """Gives a colleague another role."""

    template = "console/people/role.html"

    def get(self, request: HttpRequest, person_id: int) -> HttpResponse:
        """Ask which."""
        member = self.member(person_id)
        return self._ask(member, RoleForm(initial={"role": member.role, "version": people.version_of(member)}))

    def post(self, request: HttpRequest, person_id: int) -> HttpResponse:
        """Change it."""
        member, form = self.member(person_id), RoleForm(request.POST)
        if not form.is_valid():
            return self._ask(member, form, status=422)
        role, version = form.cleaned_data["role"], form.cleaned_data["version"]
        self.tried(
            lambda: people.change_person(member, role=role, expected=version, actor=self.actor),
            done=gettext("The role is now %(role)s; all sessions of the person have ended.") % {"role": role},
        )
        return self.back_to(member)

    def _ask(self, member: AdminUser, form: RoleForm, *, status: int = 200) -> HttpResponse:
        title = gettext("Change the role")
        return self.show(title, status=status, form=form, member=member, trail=self.trail_to(member))


def _close(member: AdminUser, version: str, actor: Actor) -> None:
    people.change_person(member, is_active=False, expected=version, actor=actor)


def _reopen(member: AdminUser, version: str, actor: Actor) -> None:
    people.change_person(member, is_active=True, expected=version, actor=actor)


def _reset(member: AdminUser, version: str, actor: Actor) -> None:
    second_factor.reset(member, actor)


def _end(member: AdminUser, version: str, actor: Actor) -> None:
    people.end_sessions_of(member, actor=actor)


# What can be done about a person after it was asked once more: the deed, the question, what it does, what is told then.
ACTS = {
    "close": (
        _close,
        gettext_lazy("Take the record out of use?"),
        gettext_lazy(
            "They cannot enter the console or use the API as staff any more, and all their sessions end. What they did "
            "stays in the log, and the record can be taken back into use."
        ),
        gettext_lazy("The record is out of use, and all sessions have ended."),
    ),
    "reopen": (
        _reopen,
        gettext_lazy("Take the record back into use?"),
        gettext_lazy("They may enter again with the role that they had."),
        gettext_lazy("The record is in use again."),
    ),
    "second-factor": (
        _reset,
        gettext_lazy("Take the second factor away?"),
        gettext_lazy(
            "For a lost telephone or key. All their sessions end, and they enrol a new factor at the next sign-in, for "
            "which a code is sent to their address. Be sure that it was they who asked you."
        ),
        gettext_lazy("The second factor is gone, and all sessions have ended."),
    ),
    "sessions": (
        _end,
        gettext_lazy("End all sessions?"),
        gettext_lazy("They are signed out everywhere, in browsers and in the API, and have to sign in anew."),
        gettext_lazy("All sessions have ended."),
    ),
}


class ActPage(_OfPerson):
    """Asks once more, then does it."""

    template = "console/people/sure.html"

    def get(self, request: HttpRequest, person_id: int, act: str) -> HttpResponse:
        """Ask."""
        member, (_, question, effect, _done) = self.member(person_id), _known(act)
        about = {"question": question, "effect": effect, "version": people.version_of(member), "back": _place(member)}
        return self.show(str(question), **about, who=member.user.email, trail=self.trail_to(member))

    def post(self, request: HttpRequest, person_id: int, act: str) -> HttpResponse:
        """Do it."""
        member, (deed, _, _, done) = self.member(person_id), _known(act)
        version = request.POST.get("version", "")
        self.tried(lambda: deed(member, version, self.actor), done=str(done))
        return self.back_to(member)


class NewMemberPage(_OfPerson):
    """Makes a member of staff; a password is shown in the answer to the form, and never again."""

    template = "console/people/add.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask who."""
        return self._ask(NewMember())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make them."""
        form = NewMember(request.POST)
        if not form.is_valid():
            return self._ask(form, status=422)
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        password = new_password() if form.cleaned_data["way"] == Way.PASSWORD else None
        try:
            member = create_staff(email, password, role=role, actor=self.actor)
        except Conflict as refusal:
            form.add_error("email", str(refusal))
            return self._ask(form, status=422)
        return self.show(
            gettext("A new member of staff"),
            template="console/people/made.html",
            member=member,
            password=password,
            trail=self.trail_to(member),
        )

    def _ask(self, form: NewMember, *, status: int = 200) -> HttpResponse:
        return self.show(gettext("Add a member of staff"), status=status, form=form, trail=self.trail_to())


def _known(act: str) -> tuple[Any, Any, Any, Any]:
    if act not in ACTS:
        raise Http404
    return ACTS[act]


def _place(member: AdminUser) -> str:
    return reverse("admin:person", args=[member.user_id])


add_routes(
    console_path("accounts/adminuser/person/add/", NewMemberPage, name="person_add"),
    console_path("accounts/adminuser/person/<int:person_id>/", PersonPage, name="person"),
    console_path("accounts/adminuser/person/<int:person_id>/role/", RolePage, name="person_role"),
    console_path("accounts/adminuser/person/<int:person_id>/<slug:act>/", ActPage, name="person_act"),
)
