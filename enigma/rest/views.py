"""The view that every route of the API is made of: it names a permission for each method, or it answers nobody."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.utils.cache import patch_cache_control
from django.utils.module_loading import import_string
from rest_framework import status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enigma.rest.paging import KeysetPages
from enigma.rest.problems import LengthRequired


class ApiView(APIView):
    """A route. ``needs`` names the permission of each method; a method that it leaves out does not exist.

    ``request.auth`` is the Actor (never None: an actor without a session has the role «nobody»). A POST with an
    Idempotency-Key is answered once and replayed after, unless ``idempotent`` is False (what hands out secrets).
    ``throttle_scope`` names the limits of a route that needs its own.
    """

    needs: ClassVar[dict[str, str]] = {}
    idempotent: ClassVar[bool] = True
    # Whether a deed and its kept answer commit together; False where a handler has to commit between its steps.
    one_transaction: ClassVar[bool] = True
    # Whether a route with GET and PATCH answers an ETag and demands If-Match (enigma.rest.conditional).
    versioned: ClassVar[bool] = True
    throttle_scope: ClassVar[str] = ""
    page_order: ClassVar[str] = "-pk"
    http_method_names: ClassVar[list[str]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let only those methods exist that name a permission; all others are answered by 405."""
        super().__init_subclass__(**kwargs)
        cls.http_method_names = sorted({*cls.needs, *(("head",) if "get" in cls.needs else ())})

    @property
    def allowed_methods(self) -> list[str]:
        """What the header Allow names."""
        return [method.upper() for method in self.http_method_names]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer, and let nobody on the way keep what was answered."""
        response = super().dispatch(request, *args, **kwargs)
        if "Cache-Control" not in response:
            patch_cache_control(response, no_store=True)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body of unknown length; let the handler of a POST with a key answer through the store of answers."""
        super().initial(request, *args, **kwargs)
        # Django reads as many bytes as are announced: without a number it would find the body empty.
        if request.headers.get("Transfer-Encoding") and not request.headers.get("Content-Length"):
            raise LengthRequired
        posts = request.method == "POST" and "post" in self.http_method_names
        if posts and self.idempotent and "Idempotency-Key" in request.headers:
            self._answer_once(import_string(settings.REST_IDEMPOTENCY), partial(self.post, request, *args, **kwargs))

    def _answer_once(self, once: Callable[..., Any], answer: Callable[[], Response]) -> None:
        """Put the store of answers before the handler of this request."""
        self.post: Callable[..., Any] = lambda request, *args, **kwargs: once(self, request, answer)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Have it noted when somebody was refused a change, by the route's permission or by the deed itself."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == status.HTTP_403_FORBIDDEN and request.method not in SAFE_METHODS:
            import_string(settings.REST_REFUSALS)(self, request, response)
        return response

    def page(self, queryset: Any, serializer: Any) -> Response:
        """Answer one page of a list."""
        pages = KeysetPages()
        rows = pages.paginate_queryset(queryset, self.request, self)
        return pages.get_paginated_response(serializer(rows, many=True, context={"request": self.request}).data)
