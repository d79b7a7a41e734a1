"""The pages of somebody who has signed in: what they can do here, and their sessions."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import second_factor
from accounts.browser import actor_of
from accounts.console import may_know
from accounts.models import User
from accounts.sessions import end_all, sessions_of


@never_cache
@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Say who is signed in, and lead on."""
    user = _user(request)
    return render(
        request,
        "account/home.html",
        {"is_staff": may_know(user), "has_factor": second_factor.has_one(user)},
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """List the sessions of one's apps and scripts; POST ends all sessions, this one too."""
    user = _user(request)
    if request.method == "POST":
        end_all(user, actor=actor_of(user), reason="logout_everywhere")
        return redirect("account_request_login_code")
    rows = [row for kind in sessions_of(user) for row in kind]
    return render(request, "account/sessions.html", {"rows": rows})


def refused_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form came without its proof of origin; why is in the log, and no help to a person."""
    return render(request, "403_csrf.html", status=403)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  login_required saw to it
    return request.user
