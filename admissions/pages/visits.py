"""Who comes to a page of applicants and for which application; and the one way in which a refusal is told."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled

from accounts.actors import Actor
from accounts.browser import actor_of
from accounts.models import User
from admissions.doors import Opening, Shut, opening_for
from admissions.drafts import Written, draft_of
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.own import own_application, own_in
from admissions.phases import Phase, Status
from enigma.errors import Denied, Refused


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the application to a cycle: what they have written and handed in, and what is open to them."""

    user: User
    actor: Actor
    cycle: AdmissionCycle
    opening: Opening
    application: Application | None
    draft: Written | None

    @property
    def is_withdrawn(self) -> bool:
        """Whether they have taken their application back."""
        return self.application is not None and self.application.status == Status.WITHDRAWN

    @property
    def is_change(self) -> bool:
        """Whether the draft is to replace what they have handed in."""
        return self.draft is not None and self.draft.application_id is not None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to write: handed in, and no change of it begun."""
        return self.application is not None and (self.is_withdrawn or not self.is_change)

    @property
    def may_write(self) -> bool:
        """Whether the pages offer to write."""
        return self.opening.shut is None and not self.is_withdrawn


def of_cycle(*methods: str) -> Callable[..., Callable[..., HttpResponse]]:
    """Make ``view(request, visit, ...)`` a page at the application to a cycle, for whoever is signed in."""

    def decorator(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @_page(*methods)
        @wraps(view)
        def page(request: HttpRequest, code: str, **rest: Any) -> HttpResponse:
            user = cast(User, request.user)
            actor = actor_of(user)
            actor.require("application.submit")
            return view(request, _visit(get_object_or_404(AdmissionCycle, code=code), user, actor), **rest)

        return page

    return decorator


def of_application(*methods: str) -> Callable[..., Callable[..., HttpResponse]]:
    """Make ``view(request, visit, ...)`` a page of an application that was handed in: 404 for everybody else."""

    def decorator(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @_page(*methods)
        @wraps(view)
        def page(request: HttpRequest, reference: str, **rest: Any) -> HttpResponse:
            user = cast(User, request.user)
            actor = actor_of(user)
            actor.require("application.view")
            try:
                found = own_application(user, reference)
            except Application.DoesNotExist:
                raise Http404 from None
            return view(request, _visit(found.admission_cycle, user, actor, found), **rest)

        return page

    return decorator


def _visit(cycle: AdmissionCycle, user: User, actor: Actor, application: Application | None = None) -> Visit:
    found = application or own_in(cycle, user)
    if found:
        found.admission_cycle = cycle
    draft = draft_of(cycle, user) if cycle.phase == Phase.SUBMISSION else None
    return Visit(user, actor, cycle, opening_for(cycle, user), found, draft)


def _page(*methods: str) -> Callable[..., Callable[..., HttpResponse]]:
    def decorator(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @require_http_methods(methods)
        @wraps(view)
        def page(request: HttpRequest, **rest: Any) -> HttpResponse:
            answer = _told(request, view, **rest)
            add_never_cache_headers(answer)
            return answer

        return page

    return decorator


def _told(request: HttpRequest, view: Callable[..., HttpResponse], **rest: Any) -> HttpResponse:
    try:
        return view(request, **rest)
    except Denied:
        return render(request, "apply/denied.html", status=403)
    except Refused as refusal:
        return render(request, "apply/refused.html", {"told": str(refusal)}, status=409)
    except Throttled:
        return render(request, "429.html", status=429)


__all__ = ["Shut", "Visit", "of_application", "of_cycle"]
