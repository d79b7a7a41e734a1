"""The console of the staff: Django's admin behind a door that asks for the second factor in this session."""

from collections.abc import Callable
from functools import update_wrapper
from itertools import groupby
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts import second_factor
from accounts.browser import used_second_factor
from enigma.console import registry
from enigma.console.registry import SECTIONS, Entry
from enigma.console.tables import ReadOnly

ENTER = "accounts.staff.session"


def may_know(user: Any) -> bool:
    """Tell whether the person may know that there is a console."""
    return bool(user.is_authenticated and user.has_perm(ENTER))


class ConsoleSite(AdminSite):
    """Anonymous people are led to sign in, staff to their second factor; for anybody else there is nothing here."""

    site_title = site_header = _("ENIGMA console")
    index_title = _("Dashboard")
    site_url = None
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: type[ModelAdmin] | None = None, **options: Any) -> None:
        """Take in the tables that were made for this console; those that packages bring would be written by hand."""
        if admin_class is not None and issubclass(admin_class, ReadOnly):
            super().register(model_or_iterable, admin_class, **options)

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

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put the console's own pages before those of Django's admin, which end with whatever begins alike."""
        return [*registry.routes(), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the dashboard: the panels of all apps that the reader may see."""
        panels = registry.panels_of("dashboard", request)
        context = {**self.each_context(request), "title": self.index_title, "panels": panels, **(extra_context or {})}
        return TemplateResponse(request, "admin/index.html", context)

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:
        """There is one index: the navigation shows everything there is."""
        return redirect("admin:index")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the navigation, as far as the reader may go."""
        return {**super().each_context(request), "sections": self._sections(request)}

    def _sections(self, request: HttpRequest) -> list[dict[str, Any]]:
        if not request.user.is_authenticated:
            return []
        mine = [one for one in self._entries() if request.user.has_perm(f"accounts.{one.needs}")]
        places = [(one, reverse(f"admin:{one.name}")) for one in mine]
        home = reverse("admin:index")  # with which every address begins
        near = [place for _, place in places if place != home and request.path.startswith(place)]
        longest = max(near, key=len, default=request.path)
        return [
            {
                "name": SECTIONS[section],
                "lines": [{"label": one.label, "url": place, "is_current": place == longest} for one, place in lines],
            }
            for section, lines in groupby(places, key=lambda pair: pair[0].section)
        ]

    def _entries(self) -> list[Entry]:
        tables = [
            Entry(
                table.section,
                table.label or capfirst(model._meta.verbose_name_plural),
                f"{model._meta.app_label}_{model._meta.model_name}_changelist",
                table.needs,
                table.nav_order,
            )
            for model, table in self._registry.items()
            if getattr(table, "section", "")
        ]
        dashboard = Entry("Overview", _("Dashboard"), "index", "staff.session", 0)
        everything = [dashboard, *registry.entries(), *tables]
        order = list(SECTIONS)
        return sorted(everything, key=lambda one: (order.index(one.section), one.order, str(one.label)))

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
