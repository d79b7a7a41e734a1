"""Versions of what can be read and changed: ETag, If-None-Match and If-Match (RFC 9110, 13)."""

import hashlib
import json
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from enigma.rest.problems import Precondition, PreconditionMissing


def etag_of(representation: Any) -> str:
    """Return a strong ETag: the hash of what a reader is shown."""
    text = json.dumps(representation, sort_keys=True, separators=(",", ":"), default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def answer_version(request: Request, representation: Any) -> Response:
    """Answer with the representation and its ETag, or with 304 when the reader has it already."""
    etag = etag_of(representation)
    # A proxy that compresses makes the tag weak on its way out; for reading that is the same version.
    known = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    if etag in known or "*" in known:
        return Response(status=304, headers={"ETag": etag})
    return Response(representation, headers={"ETag": etag})


def demand_version(request: Request, representation: Any) -> None:
    """Raise PreconditionMissing (428) without If-Match, Precondition (412) when it names another version."""
    named = parse_etags(request.headers.get("If-Match", ""))
    if not named:
        raise PreconditionMissing
    if "*" not in named and etag_of(representation) not in named:
        raise Precondition
