"""What the console shows of people and their sessions."""

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts import second_factor
from accounts.actors import Actor
from accounts.browser import actor_of
from accounts.models import AdminSession, AdminUser
from accounts.people import end_sessions_of
from enigma.console.tables import ReadOnly
from enigma.errors import Refused


@admin.register(AdminUser)
class People(ReadOnly):
    """The members of staff."""

    needs = "people.manage"
    section, nav_order = "People", 10
    list_display = ("id", "address", "role", "is_active", "has_second_factor", "last_login_at")
    list_filter = ("role", "is_active")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    search_help_text = "The whole e-mail address"
    empty = "No members of staff yet. manage.py create_admin makes the first."
    fields = readonly_fields = ("address", "role", "is_active", "has_second_factor", "last_login_at", "created_at")
    actions = ("reset_second_factor", "end_sessions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdminUser]:
        """Ask for everybody's second factor along with them."""
        factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=second_factor.FACTORS)
        return super().get_queryset(request).annotate(guarded=Exists(factors))

    def find(self, queryset: QuerySet[AdminUser], term: str) -> QuerySet[AdminUser]:
        """Find somebody by the whole address."""
        return queryset.filter(user__email=term.strip().lower())

    def has_people_manage_permission(self, request: HttpRequest) -> bool:
        """Ask the role; the actions name this one."""
        return bool(request.user.has_perm("accounts.people.manage"))

    @admin.display(description="e-mail address")
    def address(self, member: AdminUser) -> str:
        """Return the address."""
        return member.user.email

    @admin.display(boolean=True)
    def has_second_factor(self, member: AdminUser) -> bool:
        """Tell whether one is enrolled."""
        return bool(member.guarded)  # get_queryset adds it

    @admin.action(description="Reset the second factor", permissions=["people_manage"])
    def reset_second_factor(self, request: HttpRequest, members: QuerySet[AdminUser]) -> None:
        """Take the chosen people's second factors away."""
        self._each(request, members, second_factor.reset, "The second factor is gone and all sessions have ended")

    @admin.action(description="End all sessions", permissions=["people_manage"])
    def end_sessions(self, request: HttpRequest, members: QuerySet[AdminUser]) -> None:
        """Sign the chosen people out everywhere."""
        self._each(request, members, _end_sessions, "All sessions have ended")

    def _each(
        self,
        request: HttpRequest,
        members: QuerySet[AdminUser],
        deed: Callable[[AdminUser, Actor], object],
        done: str,
    ) -> None:
        for member in members.select_related("user"):
            try:
                deed(member, actor_of(request.user))
            except Refused as refusal:
                self.message_user(request, f"{member}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{member}: {done}.", messages.SUCCESS)


@admin.register(AdminSession)
class StaffSessions(ReadOnly):
    """The sessions of staff behind the tokens of the API."""

    needs = "people.manage"
    section, nav_order = "People", 20
    list_display = ("session_id", "admin_user", "created_at", "last_seen_at", "revoked_at", "revoked_reason")
    list_filter = ("revoked_reason",)
    list_select_related = ("admin_user",)
    keyset = ("-created_at", "-pk")
    empty = "No sessions of the API yet. One appears when somebody signs in by it."
    fields = readonly_fields = (
        "session_id",
        "admin_user",
        "created_at",
        "last_seen_at",
        "idle_expires_at",
        "absolute_expires_at",
        "mfa_at",
        "revoked_at",
        "revoked_reason",
    )


def _end_sessions(member: AdminUser, actor: Actor) -> None:
    end_sessions_of(member, actor=actor)
