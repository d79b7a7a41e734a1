"""The API describes itself as it is."""

import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from enigma.rest.docs import description
from enigma.rest.schema import schemes_for
from enigma.rest.serializers import StrictSerializer
from enigma.rest.views import ApiView


class ThingSerializer(StrictSerializer):
    """A thing."""

    name = serializers.CharField()


class Things(ApiView):
    """Things."""

    needs = {"get": "cycle.view", "post": "batches.export"}

    @extend_schema(operation_id="list", responses=ThingSerializer(many=True))
    def get(self, request):
        """List."""

    @extend_schema(operation_id="make", request=ThingSerializer, responses={201: ThingSerializer})
    def post(self, request):
        """Make."""


class Thing(ApiView):
    """A thing."""

    needs = {"get": "public.view", "patch": "application.submit", "delete": "people.manage"}

    @extend_schema(operation_id="read", responses=ThingSerializer)
    def get(self, request, name):
        """Read."""

    @extend_schema(operation_id="change", request=ThingSerializer, responses=ThingSerializer)
    def patch(self, request, name):
        """Change."""

    @extend_schema(operation_id="remove", responses={204: None})
    def delete(self, request, name):
        """Remove."""


@pytest.fixture(scope="module")
def schema():
    routes = [path("api/v1/admin/things", Things.as_view()), path("api/v1/things/<str:name>", Thing.as_view())]
    return SchemaGenerator(patterns=routes).get_schema(request=None, public=True)


@pytest.fixture(scope="module")
def operations(schema):
    return {one["operationId"]: one for methods in schema["paths"].values() for one in methods.values()}


def test_each_operation_names_the_problems_that_can_come(operations):
    assert {name: sorted(map(int, one["responses"])) for name, one in operations.items()} == {
        "list": [200, 401, 403, 404, 406, 422, 429],
        "make": [201, 400, 401, 403, 404, 406, 409, 411, 413, 415, 422, 429],
        "read": [200, 304, 401, 404, 406, 429],
        "change": [200, 400, 401, 403, 404, 406, 409, 411, 412, 413, 415, 422, 428, 429],
        "remove": [204, 401, 403, 404, 406, 409, 429],
    }


def test_a_problem_is_described_once(schema, operations):
    found = operations["make"]["responses"]["409"]["content"]
    assert found == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert schema["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]


def test_each_operation_names_whose_tokens_open_it(schema, operations):
    found = {name: [key for one in each.get("security", []) for key in one] for name, each in operations.items()}
    assert found == {
        "list": ["staffToken"],
        "make": ["serviceToken", "staffToken"],
        "read": [],
        "change": ["applicantToken"],
        "remove": ["staffToken"],
    }
    assert sorted(schema["components"]["securitySchemes"]) == ["applicantToken", "serviceToken", "staffToken"]


def test_headers_come_with_the_method(operations):
    asked = {
        name: [(header["name"], header.get("required", False)) for header in one.get("parameters", [])]
        for name, one in operations.items()
    }
    assert asked == {
        "list": [("cursor", False), ("page_size", False)],
        "make": [("Idempotency-Key", False)],
        "read": [("If-None-Match", False), ("name", True)],
        "change": [("If-Match", True), ("name", True)],
        "remove": [("name", True)],
    }
    answered = {
        name: sorted(next(iter(one["responses"].values())).get("headers", {})) for name, one in operations.items()
    }
    assert answered == {
        "list": [],
        "make": ["Idempotency-Replayed"],
        "read": ["ETag"],
        "change": ["ETag"],
        "remove": [],
    }


def test_a_list_is_a_page(schema, operations):
    content = operations["list"]["responses"]["200"]["content"]["application/json"]
    assert content == {"schema": {"$ref": "#/components/schemas/ThingPage"}}
    page = schema["components"]["schemas"]["ThingPage"]
    assert (page["required"], page["additionalProperties"]) == (["results", "next"], False)
    assert page["properties"]["results"] == {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}


def test_nothing_is_sent_or_answered_that_has_no_name(schema):
    kinds = [name for name in schema["components"]["schemas"] if name != "Problem"]
    assert kinds
    assert [name for name in kinds if schema["components"]["schemas"][name]["additionalProperties"]] == []


def test_routes_of_staff_are_sorted_by_subject(operations):
    assert {name: one["tags"] for name, one in operations.items()}["list"] == ["admin things"]
    assert operations["read"]["tags"] == ["things"]


def test_a_permission_that_everybody_holds_needs_no_token():
    assert [sorted(set(schemes_for(one))) for one in ("public.view", "audit.view")] == [[], ["staffToken"]]


def test_the_whole_description_is_valid_and_without_warnings(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_every_operation_is_told_in_words():
    found = {one["operationId"]: one for methods in description()["paths"].values() for one in methods.values()}
    assert [name for name, one in found.items() if not (one.get("summary") and one.get("x-permission"))] == []


@pytest.mark.django_db
def test_anybody_may_read_it_and_need_not_read_it_twice():
    answer = Client().get("/api/schema/", secure=True)
    assert (answer.status_code, json.loads(answer.content)["info"]["title"]) == (200, "ENIGMA API")
    again = Client().get("/api/schema/", secure=True, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "public, no-cache")
