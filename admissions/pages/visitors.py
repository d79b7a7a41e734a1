"""Whoever looks at a page: the person who is signed in, as an applicant, and what is theirs."""

from django.http import Http404, HttpRequest

from accounts.actors import Actor
from accounts.models import User
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.own import own_application


def person(request: HttpRequest) -> User:
    """Return who is signed in, on a page that demands it."""
    assert isinstance(request.user, User)  # noqa: S101  login_required saw to it
    return request.user


def applicant(request: HttpRequest) -> Actor:
    """Return them as an applicant, as in a session of the API: here a member of staff has no other role."""
    return Actor(kind="applicant", id=f"user:{person(request).pk}", role=Role.APPLICANT)


def own_or_404(request: HttpRequest, reference: str) -> Application:
    """Return one of the person's own applications; raise Http404 for that of anybody else, or of nobody."""
    try:
        return own_application(person(request), reference)
    except Application.DoesNotExist:
        raise Http404 from None
