"""The routes that anybody may read: which cycles take applications, by which rules, and where all cycles stand."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from admissions import public
from admissions.api import examples
from admissions.api.public_serializers import Info, StatusAnswer
from admissions.api.versions import UNCHANGED, VERSIONED
from enigma.rest.conditional import answer_version
from enigma.rest.views import ApiView

STEPS = [
    "Ask for a code: it is sent to your e-mail address, and there is nothing to sign up for.",
    "Trade the code for an access token.",
    "Send your application with that token, and keep the reference and the receipt that you are given.",
]


class InfoView(ApiView):
    """Where one can apply."""

    needs = {"get": "public.view"}

    @extend_schema(
        operation_id="admission_info",
        summary="Cycles that take applications now or soon, their rules, and how to apply",
        parameters=VERSIONED,
        responses={200: Info, 304: UNCHANGED},
        examples=[OpenApiExample("One cycle is open", examples.INFO, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """Answer with the rules; the ETag changes with any of them, and when a cycle opens or closes."""
        return answer_version(request, Info({"cycles": public.invitations(), "how_to_apply": _how_to_apply()}).data)


class StatusView(ApiView):
    """Where all cycles stand."""

    needs = {"get": "public.view"}

    @extend_schema(
        operation_id="admission_status",
        summary="The phase of every cycle, and once it is published its figures",
        parameters=VERSIONED,
        responses={200: StatusAnswer, 304: UNCHANGED},
        examples=[OpenApiExample("Two cycles", examples.STATUS, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """Answer with the phases; how many have applied is told by nothing before publication."""
        return answer_version(request, StatusAnswer({"cycles": public.standings()}).data)


def _how_to_apply() -> dict[str, Any]:
    routes = {name: reverse(f"api-{name}") for name in ("code", "token", "applications")}
    return {"steps": STEPS, **routes}
