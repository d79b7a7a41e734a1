"""A route answers nobody to whom it names no permission."""

import pytest
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor, nobody
from accounts.roles import Role
from enigma.rest.views import ApiView
from tests.enigma.rest_calls import OMAR, ask, view

METHODS = ["get", "head", "post", "put", "patch", "delete", "options", "trace"]
AIZA = Actor(kind="staff", id="user:2", role=Role.AUDITOR)


def answers(self, request):
    return Response({"here": True})


HANDLERS = dict.fromkeys(("get", "post", "put", "patch", "delete", "options", "trace"), answers)


@pytest.mark.parametrize("actor", [OMAR, nobody()])
@pytest.mark.parametrize("method", METHODS)
def test_a_route_without_permissions_answers_nobody(method, actor):
    assert ask(view(**HANDLERS), method, actor=actor).status_code == 405


@pytest.mark.parametrize("actor", [OMAR, nobody()])
def test_a_view_that_is_no_route_of_ours_and_names_nothing_answers_nobody(actor):
    assert ask(type("Bare", (APIView,), {"get": answers}), actor=actor).status_code == 403


def test_only_methods_with_a_permission_exist():
    route = view(needs={"get": "cycle.view", "delete": "cycle.change"}, **HANDLERS)
    found = {method: ask(route, method).status_code for method in METHODS}
    missing = dict.fromkeys(("post", "put", "patch", "options", "trace"), 405)
    assert found == {"get": 200, "head": 200, "delete": 200, **missing}


def test_what_does_not_exist_is_said_with_what_does():
    answer = ask(view(needs={"get": "cycle.view"}, get=answers), "post")
    assert (answer.headers["Allow"], answer.headers["Content-Type"]) == ("GET, HEAD", "application/problem+json")
    assert answer.data["code"] == "method_not_allowed"


def test_reading_the_head_needs_what_reading_needs():
    route = view(needs={"get": "audit.view"}, get=answers)
    assert [ask(route, "head", actor=actor).status_code for actor in (AIZA, OMAR, nobody())] == [200, 403, 401]


@pytest.mark.django_db  # a change that is refused is noted
def test_each_method_has_its_own_permission():
    route = view(needs={"get": "cycle.view", "post": "cycle.create"}, get=answers, post=answers)
    assert [ask(route, method, actor=AIZA).status_code for method in ("get", "post")] == [200, 403]


def test_a_permission_that_does_not_exist_opens_nothing():
    with pytest.raises(KeyError):
        ask(view(needs={"get": "cycle.veiw"}, get=answers))


def test_a_reader_who_takes_no_json_is_told():
    answer = ask(view(needs={"get": "cycle.view"}, get=answers), headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (406, "application/problem+json")


def test_nobody_on_the_way_keeps_an_answer():
    assert ask(view(needs={"get": "cycle.view"}, get=answers)).headers["Cache-Control"] == "no-store"


def test_a_view_of_another_may_narrow_it():
    class Reads(view(needs={"get": "cycle.view", "post": "cycle.create"}, get=answers, post=answers)):
        needs = {"get": "cycle.view"}

    assert issubclass(Reads, ApiView)
    assert [ask(Reads, method).status_code for method in ("get", "post")] == [200, 405]
