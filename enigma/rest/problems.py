"""Every error of the API as ``application/problem+json`` (RFC 9457), with a pointer (RFC 6901) for each bad field."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Denied, Malformed, Refused

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
FAULT = "Something went wrong on our side."
# What a refusal becomes; a subclass comes before its base.
STATUS_OF: tuple[tuple[type[Refused], int], ...] = (
    (Denied, status.HTTP_403_FORBIDDEN),
    (Malformed, status.HTTP_422_UNPROCESSABLE_ENTITY),
    (Conflict, status.HTTP_409_CONFLICT),
    (Refused, status.HTTP_409_CONFLICT),
)


class Precondition(APIException):
    """If-Match names another version than the stored one."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "It was changed in the meantime: read it again, and change that."
    default_code = "changed"


class PreconditionMissing(APIException):
    """A change was sent without If-Match."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = "Send If-Match with the ETag that you read."
    default_code = "if_match_missing"


class Invalid(APIException):
    """Well-formed input that cannot be taken: 422 with a pointer for each field.

    ``errors`` is a list of ``{"pointer": "/email", "code": "invalid", "detail": "is not an e-mail address"}``.
    """

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "The input has faults."
    default_code = "invalid"

    def __init__(self, errors: list[dict[str, str]], detail: str | None = None) -> None:
        super().__init__(detail)
        self.errors = errors


class TooLarge(APIException):
    """The body is longer than what is accepted."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class LengthRequired(APIException):
    """The body came without its length."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send Content-Length: a body in chunks of unknown number is not taken."
    default_code = "length_required"


class Unavailable(APIException):
    """The database does not answer, or gave up on this request in favour of another."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer: try again in a moment."
    default_code = "unavailable"
    wait = 5


def problem(
    code: int, detail: str, *, kind: str = "", errors: list[dict[str, str]] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the members of a problem; ``kind`` is a stable word for programs, beside the sentence for people."""
    body = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": code, "detail": detail}
    if kind:
        body["code"] = kind
    if errors:
        body["errors"] = errors
    return body | more


def answer_exception(fault: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: refusals, DRF's own exceptions, 404 and 403; anything else is a fault of ours (500)."""
    fault = _as_api_exception(fault)
    if not isinstance(fault, APIException):
        return None
    headers = {}
    if challenge := getattr(fault, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(fault, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    if isinstance(fault, exceptions.ValidationError):
        code, detail, kind = status.HTTP_422_UNPROCESSABLE_ENTITY, Invalid.default_detail, Invalid.default_code
        body = problem(code, detail, kind=kind, errors=list(pointers(fault.detail)))
    else:
        code, kind = fault.status_code, str(getattr(fault.detail, "code", fault.default_code))
        body = problem(code, str(fault.detail), kind=kind, errors=getattr(fault, "errors", None))
    return Response(body, status=code, headers=headers, content_type=CONTENT_TYPE)


def _as_api_exception(fault: Exception) -> Exception:
    if isinstance(fault, Http404):
        return exceptions.NotFound()
    if isinstance(fault, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(fault, OperationalError | InterfaceError):
        # The kind only: the text of an error may quote a row.
        logger.error("the database failed a request: %s", type(fault).__name__)
        return Unavailable()
    if isinstance(fault, DatabaseError):
        logger.error("a fault of ours: the database refused a request by %s", type(fault).__name__)
        return APIException(FAULT, code="server_error")
    if isinstance(fault, UnreadableRecord):
        logger.error("a sealed record does not open: is a master key missing from ENIGMA_FERNET_KEYS?")
        return Unavailable("A sealed record does not open; whoever runs this installation can see why.")
    if isinstance(fault, Refused):
        code = next(code for kind, code in STATUS_OF if isinstance(fault, kind))
        refusal = APIException(str(fault), code=_words(type(fault).__name__))
        refusal.status_code = code
        return refusal
    return fault


def _words(name: str) -> str:
    """PhaseError is ``phase_error``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def pointers(detail: Any, at: str = "") -> Iterator[dict[str, str]]:
    """Turn the nested errors of a serializer into a flat list, each with its pointer into the body."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = at if name == "non_field_errors" else f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from pointers(inner, here)
    elif isinstance(detail, list) and any(isinstance(inner, Mapping | list) for inner in detail):
        for number, inner in enumerate(detail):
            yield from pointers(inner, f"{at}/{number}")
    elif isinstance(detail, list):
        for inner in detail:
            yield from pointers(inner, at)
    else:
        yield {"pointer": at, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere: below /api/ by a problem, elsewhere by a page."""
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return answer(status.HTTP_404_NOT_FOUND, "There is nothing at this address.", kind="not_found")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refuses to read."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return answer(status.HTTP_400_BAD_REQUEST, "The request cannot be read.", kind="bad_request")


def failed(request: HttpRequest) -> HttpResponse:
    """Answer a request that met a fault of ours; what it was stands in the server's log only."""
    if not _is_api(request):
        # With the request, so that the page has what every page has; it asks no database (templates/500.html).
        return render(request, "500.html", status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    return answer(status.HTTP_500_INTERNAL_SERVER_ERROR, FAULT, kind="server_error")


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def answer(code: int, detail: str, *, kind: str = "", headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Return a problem as a Django response, for what happens outside DRF."""
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return JsonResponse(problem(code, detail, kind=kind), status=code, content_type=CONTENT_TYPE, headers=headers)
