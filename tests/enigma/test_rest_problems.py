"""Every error of the API is a problem."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import exceptions

from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Denied, Malformed, Refused
from enigma.rest import problems
from tests.enigma.rest_calls import ask, view


class PhaseError(Refused):
    """A refusal of an app."""


def raising(fault):
    def get(self, request):
        raise fault

    return view(needs={"get": "cycle.view"}, get=get)


REFUSED = "The cycle is not in that phase."
UNREADABLE = "A sealed record does not open; whoever runs this installation can see why."
FAULTS = [
    (PhaseError(REFUSED), 409, "Conflict", REFUSED, "phase_error"),
    (Conflict(REFUSED), 409, "Conflict", REFUSED, "conflict"),
    (Denied(REFUSED), 403, "Forbidden", REFUSED, "denied"),
    (Malformed(REFUSED), 422, "Unprocessable Entity", REFUSED, "malformed"),
    (Http404("a table's name"), 404, "Not Found", "Not found.", "not_found"),
    (
        PermissionDenied("why"),
        403,
        "Forbidden",
        "You do not have permission to perform this action.",
        "permission_denied",
    ),
    (problems.Precondition(), 412, "Precondition Failed", problems.Precondition.default_detail, "changed"),
    (
        problems.PreconditionMissing(),
        428,
        "Precondition Required",
        problems.PreconditionMissing.default_detail,
        "if_match_missing",
    ),
    (problems.TooLarge(), 413, "Request Entity Too Large", "The body is too large.", "too_large"),
    (problems.LengthRequired(), 411, "Length Required", problems.LengthRequired.default_detail, "length_required"),
    (OperationalError("a row"), 503, "Service Unavailable", problems.Unavailable.default_detail, "unavailable"),
    (IntegrityError("a row"), 500, "Internal Server Error", problems.FAULT, "server_error"),
    (UnreadableRecord("record 7"), 503, "Service Unavailable", UNREADABLE, "unavailable"),
    (InterfaceError("a row"), 503, "Service Unavailable", problems.Unavailable.default_detail, "unavailable"),
]


@pytest.mark.parametrize(("fault", "status", "title", "detail", "code"), FAULTS)
def test_a_fault_becomes_a_problem(fault, status, title, detail, code):
    answer = ask(raising(fault))
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer.content) == body


def test_an_unknown_fault_is_ours():
    with pytest.raises(ZeroDivisionError):
        ask(raising(ZeroDivisionError()))


def test_who_has_to_wait_is_told_how_long():
    waits = [exceptions.Throttled(wait=12.4), exceptions.Throttled(wait=0), OperationalError(), problems.TooLarge()]
    assert [ask(raising(fault)).headers.get("Retry-After") for fault in waits] == ["13", "1", "5", None]


def test_invalid_input_is_told_field_by_field():
    errors = {"name": ["is short"], "scores": {"SAT": ["is no number"]}, "rows": [{}, {"a/b~c": ["is odd"]}]}
    body = json.loads(ask(raising(exceptions.ValidationError(errors))).content)
    assert (body["status"], body["code"]) == (422, "invalid")
    assert body["errors"] == [
        {"pointer": "/name", "code": "invalid", "detail": "is short"},
        {"pointer": "/scores/SAT", "code": "invalid", "detail": "is no number"},
        {"pointer": "/rows/1/a~1b~0c", "code": "invalid", "detail": "is odd"},
    ]


def test_what_concerns_no_field_points_to_its_place():
    errors = {"non_field_errors": ["too much"], "inner": {"non_field_errors": ["too little"]}}
    found = problems.pointers(exceptions.ValidationError(errors).detail)
    assert [(one["pointer"], one["detail"]) for one in found] == [("", "too much"), ("/inner", "too little")]


def resolved(body, pointer):
    """What a pointer leads to, as RFC 6901 says."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


names = st.text(min_size=1).filter(lambda name: name != "non_field_errors")
leaves = st.lists(st.text(min_size=1), min_size=1)
trees = st.recursive(
    st.dictionaries(names, leaves, min_size=1),
    lambda inner: st.dictionaries(names, inner, min_size=1) | st.lists(inner, min_size=1),
    max_leaves=10,
)


@given(trees)
def test_every_pointer_leads_to_its_fault(tree):
    found = list(problems.pointers(exceptions.ValidationError(tree).detail))
    assert found
    for one in found:
        assert one["detail"] in resolved(tree, one["pointer"])


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_address_of_the_api_that_leads_nowhere_is_a_problem(method):
    answer = getattr(Client(), method)("/api/v1/nothing/here", secure=True)
    body = {"type": "about:blank", "title": "Not Found", "status": 404}
    told = {"detail": "There is nothing at this address.", "code": "not_found"}
    assert (answer.json(), answer.headers["Content-Type"]) == ({**body, **told}, "application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"


def test_elsewhere_it_is_a_page():
    assert Client().get("/nothing", secure=True).headers["Content-Type"].startswith("text/html")


def test_a_request_that_django_refuses_is_a_problem_too():
    answer = Client().get("/api/v1/health", secure=True, headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    page = Client().get("/nothing", secure=True, headers={"Host": "elsewhere.example"})
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/health", "application/problem+json"), ("/livez", "text/html")])
def test_a_fault_of_ours_tells_nothing_of_itself(path, kind, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("enigma.rest.health.Live.get", fail)
    monkeypatch.setattr("enigma.health.checks", fail)
    answer = Client(raise_request_exception=False).get(path, secure=True)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (500, kind)
    assert b"secret" not in answer.content
