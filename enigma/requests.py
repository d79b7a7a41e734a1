"""Gives each request an id that log lines and pages about a fault show; and a page for when the database is away."""

import logging
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)
_current: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIds(logging.Filter):
    """Puts the id of the request that is being answered into each log line; "-" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through."""
        record.request_id = _current.get()
        return True


class ButNotReady(logging.Filter):
    """Leaves out that /readyz said no: it is asked to find that out, again and again, and says itself what is wrong."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all other lines through."""
        request = getattr(record, "request", None)
        return getattr(request, "path_info", "") != "/readyz" or getattr(record, "status_code", 500) != 503


class RequestMiddleware:
    """The outermost: what others log while they answer has the id already.

    Pages about faults show it (``request.id``); no header does, as what one person is answered must not differ from
    what another is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Name the request, and pass it on."""
        request.id = secrets.token_hex(6)
        token = _current.set(request.id)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a page by 503 while the database does not answer; the API says it in its own way."""
        if not isinstance(exception, OperationalError | InterfaceError) or request.path_info.startswith("/api/"):
            return None
        # The kind only: the text of an error may quote a row.
        logger.error("the database failed a page: %s", type(exception).__name__)
        answer: HttpResponse = render(request, "503.html", status=503)
        answer["Retry-After"] = "30"
        return answer
