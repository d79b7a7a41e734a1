"""Answers a POST with an Idempotency-Key once: the deed and its answer are stored together, and replayed after."""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.models import IdempotentRequest
from accounts.roles import Role
from enigma.rest.problems import Invalid

KEY = re.compile(r"[!-~]{1,255}")
GIVEN_UP_AFTER = timedelta(minutes=5)  # a request that takes longer has lost its process
KEPT_FOR = timedelta(days=1)
HEADERS = (("Location", "location"), ("ETag", "etag"))  # what is kept of an answer beside its body


class KeyReused(APIException):
    """The key came before, with another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request: take a new one."
    default_code = "idempotency_key_reused"


class StillAnswering(APIException):
    """The first request with the key is being answered right now."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The first request with this Idempotency-Key is still being answered."
    default_code = "idempotent_request_in_progress"
    wait = 1


def once(view: Any, request: Request, answer: Callable[[], Any]) -> Any:
    """Return what ``answer`` returns, or what it returned to the same request of the same actor before.

    Whoever has no identity has no keys: strangers would share theirs. Only successes are kept, so that a request
    that was refused can be tried again.
    """
    actor: Actor = request.auth
    if actor.role == Role.NOBODY:
        return answer()
    key = _key_of(actor, request)
    what = _fingerprint(request)
    claim = _claim(key, what)
    if isinstance(claim, HttpResponse):
        return claim
    try:
        # One transaction: when the answer cannot be kept, because the row was given up and taken over meanwhile,
        # the deed is undone, so that it is never done twice.
        with transaction.atomic() if view.one_transaction else nullcontext():
            response = answer()
            kept = _keep(key, claim, response)
    except BaseException:
        _forget(key, claim)
        raise
    if not kept:
        _forget(key, claim)
    return response


def purge() -> int:
    """Remove what is older than a day; return how many rows went."""
    removed, _ = IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return removed


def _key_of(actor: Actor, request: Request) -> bytes:
    key = request.headers["Idempotency-Key"]
    if not KEY.fullmatch(key):
        detail = "Idempotency-Key takes 1 to 255 visible ASCII characters"
        raise Invalid([{"pointer": "", "code": "idempotency_key", "detail": detail}])
    return hashlib.sha256("\n".join((actor.kind, actor.id, key)).encode()).digest()


def _fingerprint(request: Request) -> bytes:
    """Hash what was asked; spelling the same JSON in another way is the same request."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256("\n".join((str(request.method), request.get_full_path(), body)).encode()).digest()


def _claim(key: bytes, what: bytes) -> datetime | HttpResponse:
    """Return the moment since which the row is ours, or the stored answer; raise when neither can be."""
    now = timezone.now()
    row = IdempotentRequest(key_sha256=key, request_sha256=what, created_at=now)
    IdempotentRequest.objects.bulk_create([row], ignore_conflicts=True)
    stored = IdempotentRequest.objects.filter(key_sha256=key).first()
    if stored is None:  # the first request has just failed, and taken its row with it
        raise StillAnswering
    if bytes(stored.request_sha256) != what:
        raise KeyReused
    if stored.status is not None:
        return _replayed(stored)
    if stored.created_at == now or _take_over(stored, now):
        return now
    raise StillAnswering


def _take_over(stored: IdempotentRequest, now: datetime) -> bool:
    """Make the row of a process that died ours, unless somebody else is faster."""
    mine = IdempotentRequest.objects.filter(pk=stored.pk, status=None, created_at=stored.created_at)
    return stored.created_at < now - GIVEN_UP_AFTER and mine.update(created_at=now) == 1


def _keep(key: bytes, since: datetime, response: Any) -> bool:
    """Store a success; return whether it was one. Raise StillAnswering when the row is somebody else's by now."""
    if not (isinstance(response, Response) and status.is_success(response.status_code)):
        return False
    kept = {column: response.headers.get(name, "") for name, column in HEADERS}
    body = JSONRenderer().render(response.data)
    kind = "application/json" if body else ""
    row = IdempotentRequest.objects.filter(key_sha256=key, status=None, created_at=since)
    if not row.update(status=response.status_code, content_type=kind, body=body, **kept):
        raise StillAnswering
    return True


def _replayed(stored: IdempotentRequest) -> HttpResponse:
    headers = {name: getattr(stored, column) for name, column in HEADERS if getattr(stored, column)}
    answer = HttpResponse(bytes(stored.body or b""), status=stored.status, content_type=stored.content_type or None)
    if not stored.content_type:
        del answer["Content-Type"]
    for name, value in {**headers, "Idempotency-Replayed": "true"}.items():
        answer[name] = value
    return answer


def _forget(key: bytes, since: datetime) -> None:
    IdempotentRequest.objects.filter(key_sha256=key, status=None, created_at=since).delete()
