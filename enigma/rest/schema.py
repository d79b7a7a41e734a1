"""Describes the API as OpenAPI: what each route needs, and every problem that it can answer with.

A response of ``Serializer(many=True)`` stands for one page of ``ApiView.page``; other lists have their own serializer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter

from enigma.rest.paging import KeysetPages
from enigma.rest.problems import CONTENT_TYPE
from enigma.rest.serializers import StrictSerializer

KEY_PATTERN = "^[!-~]{1,255}$"
FIELD_ERROR = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "where in the body it is (RFC 6901); empty: nowhere in the body"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "additionalProperties": False,
}
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "a sentence for people"},
        "code": {"type": "string", "description": "a stable word for programs"},
        "errors": {"type": "array", "items": FIELD_ERROR},
    },
    "example": {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "The cycle is in another phase.",
        "code": "conflict",
    },
}
PROBLEMS = {
    400: "The request cannot be read.",
    401: "No token, or one that is not valid any more.",
    403: "The role does not include this.",
    404: "There is no such thing, or it is not yours.",
    406: "The answer is JSON, and the request accepts none.",
    409: "A rule or somebody else's work stands against it.",
    411: "The body has no Content-Length.",
    412: "If-Match names another version than the stored one.",
    413: "The body is too large.",
    415: "The body is of a kind that this route does not take.",
    422: "The input has faults; errors names each of them.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says how many seconds to wait.",
}
# Whose token opens a route; every role that is not named here is staff's.
SCHEME_OF = {"applicant": "applicantToken", "service": "serviceToken"}
STAFF_SCHEME = "staffToken"
SCHEMES = {
    "applicantToken": "Access token of an applicant, from auth/token.",
    "serviceToken": "Token of a machine: for one verb in one cycle, made by staff.",
    STAFF_SCHEME: "Access token of a member of staff, from admin/auth/login.",
}
REPLAYED = "true: this answer was given to an earlier request with the same Idempotency-Key"


class ProblemSchema(AutoSchema):
    """Adds to each operation what follows from ``ApiView``: security, problems, keys, versions and pages."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation with its problems."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            for code in sorted(self._problem_codes(operation)):
                operation["responses"].setdefault(str(code), self._problem(code))
        return operation

    def get_tags(self) -> list[str]:
        """Sort the routes of staff by what they are about."""
        parts = self._tokenize_path()
        return [" ".join(parts[: 2 if parts[0] == "admin" else 1])]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Name the tokens whose roles include the permission; none where anybody may."""
        schemes = set() if self._needed() is None else set(schemes_for(self._needed()))
        for name in schemes:
            definition = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": SCHEMES[name]}
            self.registry.register_on_missing(
                ResolvedComponent(name, ResolvedComponent.SECURITY_SCHEMA, schema=definition, object=name)
            )
        return [{name: []} for name in sorted(schemes)]

    def get_extensions(self) -> dict[str, Any]:
        """Name the permission for programs."""
        return {"x-permission": self._needed()} if self._needed() else {}

    def get_override_parameters(self) -> list[Any]:
        """Add the headers that come with the method."""
        return [*super().get_override_parameters(), *self._headers()]

    def _headers(self) -> Iterator[OpenApiParameter]:
        if self._replays():
            yield header("Idempotency-Key", "Asks for this to be done once, however often it is sent.", KEY_PATTERN)
            yield header("Idempotency-Replayed", REPLAYED, response=[200, 201, 202, 204])
        if self._is_versioned():
            yield header("ETag", "Names this version.", response=[200])
            if self.method == "GET":
                yield header("If-None-Match", "The ETag of what the reader has: unchanged, it is answered by 304.")
            else:
                yield header("If-Match", "The ETag of the version that is to be changed.", required=True)

    def _needed(self) -> str | None:
        return getattr(self.view, "needs", {}).get(self.method.lower())

    def _replays(self) -> bool:
        return self.method == "POST" and getattr(self.view, "idempotent", False)

    def _is_versioned(self) -> bool:
        """Tell whether this is what ``enigma.rest.conditional`` answers: a thing that can be read and changed."""
        changes = self.view.versioned and "patch" in self.view.needs if hasattr(self.view, "needs") else False
        return changes and self.method in {"GET", "PATCH"}

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if self._is_versioned() and self.method == "GET":
            bodies["304"] = {"description": "The reader has this version."}
        return bodies

    def _problem_codes(self, operation: Mapping[str, Any]) -> set[int]:
        """Return the problems that can come."""
        places = {parameter["in"] for parameter in operation.get("parameters", [])}
        body = "requestBody" in operation or self._replays()
        reasons = {
            406: True,
            # Also where no token is needed: a token that is sent has to be a good one.
            401: self.view.get_authenticators(),
            403: self._needed() != "public.view",
            404: body or places & {"path", "query"},
            409: self.method != "GET",
            412: self._is_versioned() and self.method == "PATCH",
            422: body or "query" in places,
            428: self._is_versioned() and self.method == "PATCH",
            429: self.view.get_throttles(),
            **dict.fromkeys((400, 411, 413, 415), body),
        }
        return {code for code, can_come in reasons.items() if can_come}

    def _problem(self, code: int) -> dict[str, Any]:
        component = ResolvedComponent("Problem", ResolvedComponent.SCHEMA, schema=PROBLEM, object="Problem")
        self.registry.register_on_missing(component)
        answer: dict[str, Any] = {"description": PROBLEMS[code], "content": {CONTENT_TYPE: {"schema": component.ref}}}
        if code == 429:
            wait = {"schema": {"type": "integer", "minimum": 1}, "description": "seconds", "required": True}
            answer["headers"] = {"Retry-After": wait}
        return answer

    def _get_paginator(self) -> KeysetPages:
        return KeysetPages()

    def get_paginated_name(self, serializer_name: str) -> str:
        """Name the component of a page."""
        return f"{serializer_name}Page"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema


def schemes_for(permission: str | None) -> Iterator[str]:
    """Yield whose tokens open what needs ``permission``, by the table that the settings name; none: it is open."""
    table: Mapping[str, frozenset[str]] = import_string(settings.REST_PERMISSIONS)
    holders = [role for role, permissions in table.items() if permission in permissions]
    if "nobody" not in holders:
        yield from (SCHEME_OF.get(role, STAFF_SCHEME) for role in holders)


def header(
    name: str,
    description: str,
    pattern: str | None = None,
    *,
    required: bool = False,
    response: list[int] | None = None,
) -> OpenApiParameter:
    """Return a header of requests, or with ``response`` of the answers with these codes."""
    return OpenApiParameter(
        name,
        str,
        OpenApiParameter.HEADER,
        description=description,
        pattern=pattern,
        required=required,
        response=list(response) if response else False,
    )
