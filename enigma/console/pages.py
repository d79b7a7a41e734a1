"""The base of the console's own pages: each method names its permission, refusals are told, forms answer 422."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.module_loading import import_string
from django.views.generic import View

from enigma.errors import Denied, Refused


class ConsolePage(View):
    """A page behind the door of the console. ``needs`` names the permission of each method, as in the API."""

    needs: ClassVar[dict[str, str]] = {}
    template = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask for the permission of the method first; what names none answers nobody."""
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        needed = self.needs.get(method)
        if needed is None:
            return self.http_method_not_allowed(request, *args, **kwargs)
        if not request.user.has_perm(f"accounts.{needed}"):
            raise PermissionDenied
        try:
            return super().dispatch(request, *args, **kwargs)
        except Denied:
            raise PermissionDenied from None

    def may(self, permission: str) -> bool:
        """Tell whether the reader holds a permission."""
        return bool(self.request.user.has_perm(f"accounts.{permission}"))

    @property
    def actor(self) -> Any:
        """Return who acts, with the role that the database names now; for deeds."""
        return import_string(settings.CONSOLE_ACTOR)(self.request.user)

    def show(self, title: str, *, status: int = 200, template: str = "", **context: Any) -> TemplateResponse:
        """Render the page in the frame of the console."""
        frame = admin.site.each_context(self.request)
        whole = {**frame, "title": title, **context}
        return TemplateResponse(self.request, template or self.template, whole, status=status)

    def tried(self, deed: Callable[[], Any], *, done: str | Callable[[Any], str]) -> bool:
        """Do something, and tell in a message that it is done or why it was refused; return whether it is done.

        ``done`` is a sentence, or makes one of what the deed returned. Denied is raised: the page answers 403.
        """
        try:
            result = deed()
        except Denied:
            raise
        except Refused as refusal:
            messages.error(self.request, str(refusal))
            return False
        messages.success(self.request, done if isinstance(done, str) else done(result))
        return True


def console_path(route: str, view: type[ConsolePage], *, name: str) -> URLPattern:
    """Return the route of a page, behind the door; its name stands in the namespace ``admin``."""
    page = view.as_view()

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = admin.site.admin_view(page)(request, *args, **kwargs)
        return answer

    # A page that is exempt checks the token itself, after it has looked at the request.
    guarded.csrf_exempt = getattr(page, "csrf_exempt", False)  # type: ignore[attr-defined]
    return path(route, guarded, name=name)
