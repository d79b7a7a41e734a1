"""The description of the API and a page to read it by; everything on the page comes from this server."""

from functools import cache
from typing import Any

from django.utils.cache import patch_cache_control
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from enigma.rest.conditional import answer_version
from enigma.rest.views import ApiView


class Schema(ApiView):
    """GET /api/schema/: the API as OpenAPI 3, in JSON."""

    needs = {"get": "public.view"}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Answer with the description; it changes with the program only."""
        response = answer_version(request, description())
        patch_cache_control(response, public=True, no_cache=True)
        return response


class Docs(TemplateView):
    """GET /api/docs/: the description, laid out for people."""

    http_method_names = ("get", "head")
    template_name = "api/docs.html"


@cache
def description() -> dict[str, Any]:
    """The whole description, made once."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema
