"""Versions of what can be read and changed."""

import pytest
from rest_framework.response import Response

from enigma.rest.conditional import answer_version, demand_version, etag_of
from tests.enigma.rest_calls import ask, view

STORED = {"name": "Fall 2026", "seats": 40}
ETAG = etag_of(STORED)


def get(self, request):
    return answer_version(request, STORED)


def patch(self, request):
    demand_version(request, STORED)
    return Response(status=204)


ROUTE = view(needs={"get": "cycle.view", "patch": "cycle.change"}, get=get, patch=patch)


def test_equal_things_have_equal_tags_and_others_have_not():
    assert etag_of(dict(reversed(STORED.items()))) == ETAG
    assert etag_of({**STORED, "seats": 41}) != ETAG


def test_a_reader_gets_the_tag():
    answer = ask(ROUTE)
    assert (answer.status_code, answer.headers["ETag"], answer.data) == (200, ETAG, STORED)


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_who_has_this_version_is_sent_nothing(known):
    answer = ask(ROUTE, headers={"If-None-Match": known})
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, ETAG, b"")


@pytest.mark.parametrize("known", ['"other"', "", "nonsense", ETAG.strip('"')])
def test_who_has_another_is_sent_this_one(known):
    assert ask(ROUTE, headers={"If-None-Match": known}).status_code == 200


@pytest.mark.parametrize(
    ("named", "status"),
    [(ETAG, 204), (f'"other", {ETAG}', 204), ("*", 204), ('"other"', 412), (f"W/{ETAG}", 412), ("", 428), ("x", 428)],
)
def test_a_change_names_the_version_that_it_changes(named, status):
    assert ask(ROUTE, "patch", headers={"If-Match": named}).status_code == status


def test_a_change_without_a_version_is_refused():
    assert ask(ROUTE, "patch").status_code == 428
