"""Pages that stay stable while rows come in: each begins after the last row of the one before."""

import base64
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from enigma.rest.problems import Invalid

PAGE_SIZE, PAGE_MAX = 50, 200
NEXT = "https://admissions.example.edu/api/v1/...?cursor=NDI"  # of the description


class KeysetPages(BasePagination):
    """Pages by primary key, in the order of ``view.page_order`` (``pk`` or ``-pk``): one index walk, without OFFSET.

    The answer is ``{"results": [...], "next": url or null}``.
    """

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: APIView | None = None) -> list[Any]:
        """Return the rows of the page that ``cursor`` and ``page_size`` name; raise Invalid for a bad value."""
        order = getattr(view, "page_order", "-pk")
        size = _size(request.query_params.get("page_size", str(PAGE_SIZE)))
        if cursor := request.query_params.get("cursor"):
            after = "lt" if order.startswith("-") else "gt"
            queryset = queryset.filter(**{f"pk__{after}": _opened(cursor, queryset.model._meta.pk)})
        rows = list(queryset.order_by(order)[: size + 1])
        self.request, self.more = request, len(rows) > size
        self.last = rows[size - 1].pk if self.more else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with the address of the next one."""
        address = None
        if self.more:
            address = replace_query_param(self.request.build_absolute_uri(), "cursor", _sealed(self.last))
        return Response({"results": data, "next": address})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page."""
        address = {"type": "string", "format": "uri", "nullable": True, "example": NEXT}
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {"results": schema, "next": address},
            "additionalProperties": False,
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the two parameters."""
        size = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_SIZE}
        return [
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
            {"name": "page_size", "in": "query", "required": False, "schema": size},
        ]


def _size(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= PAGE_MAX:
        return int(text)
    raise Invalid([{"pointer": "", "code": "page_size", "detail": f"page_size takes a number from 1 to {PAGE_MAX}"}])


def _sealed(pk: Any) -> str:
    return base64.urlsafe_b64encode(str(pk).encode()).decode().rstrip("=")


def _opened(cursor: str, key: Any) -> Any:
    """Return the primary key in a cursor; raise Invalid for what ``_sealed`` did not write."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        pk = key.to_python(text)
    except (ValueError, ValidationError):
        pk = None
    if pk is None or _sealed(pk) != cursor:
        raise Invalid([{"pointer": "", "code": "cursor", "detail": "cursor takes what a page has given as next"}])
    return pk
