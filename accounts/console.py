"""The console of the staff: Django's admin behind a door that asks for the second factor in this session."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode

from accounts import second_factor
from accounts.browser import used_second_factor

ENTER = "accounts.staff.session"


def may_know(user: Any) -> bool:
    """Tell whether the person may know that there is a console."""
    return bool(user.is_authenticated and user.has_perm(ENTER))


class ConsoleSite(AdminSite):
    """Anonymous people are led to sign in, staff to their second factor; for anybody else there is nothing here."""

    site_title = site_header = "ENIGMA console"
    index_title = "Console"
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether this request may enter."""
        return may_know(request.user) and (not second_factor.demanded() or used_second_factor(request))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Put the door before every page of the console."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return self._lead_away(request) or inner(request, *args, **kwargs)

        return update_wrapper(guarded, view)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is no second sign-in page: the door of the console leads to the one there is."""
        return redirect("admin:index")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one sign-out page."""
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one page for it."""
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead home."""
        return redirect("admin:index")

    def _lead_away(self, request: HttpRequest) -> HttpResponse | None:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), resolve_url("account_login"))
        if not may_know(request.user):
            raise Http404
        if self.has_permission(request):
            return None
        if not second_factor.has_one(request.user):
            return redirect("mfa_index")
        return redirect(f"{_way_to_prove(request.user)}?{urlencode({'next': request.get_full_path()})}")


def _way_to_prove(user: Any) -> str:
    """Return the page of the second factor that the person has: a code, or else a passkey."""
    ways = {way["id"]: way["url"] for way in get_adapter().get_reauthentication_methods(user) if "mfa" in way["id"]}
    by_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    kept = [url for name, url in ways.items() if ("webauthn" in name) != by_app]
    return str((kept or list(ways.values()))[0])


class ReadOnly(ModelAdmin):
    """A table that only deeds write. ``needs`` is the permission to see it; an action names its own."""

    needs = ""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the role."""
        return bool(request.user.has_perm(f"accounts.{self.needs}"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in the index to whoever may see it."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False


console = ConsoleSite()
