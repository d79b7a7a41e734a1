"""Reads what clients send: strict JSON, and files that are streamed to disk."""

import json
import math
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from enigma.rest.problems import TooLarge

JSON_MAX = 2_000_000  # bytes; an application with the longest texts has a fortieth of it
UPLOAD_MAX = 8_000_000_000  # bytes; a million answers of 4 KB, twice over
BLOCK = 1 << 20
DEPTH_MAX = 32
INTEGER_DIGITS, INTEGER_MAX = 16, 2**53 - 1  # RFC 7493, 2.2


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it, and no more: no NaN, no key twice, no half characters, no number that gets lost."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the value; raise ParseError (400) or TooLarge (413)."""
        data = stream.read(JSON_MAX + 1)
        if len(data) > JSON_MAX:
            raise TooLarge(f"A JSON body takes at most {JSON_MAX} bytes.")
        try:
            return _value(data.decode())
        except (ValueError, RecursionError) as fault:
            raise ParseError(f"The body is not JSON: {_without_quotes(fault)}.") from None


class _Strict(ValueError):
    """A value that is not taken; the text quotes nothing of it."""


def _value(text: str) -> Any:
    value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
    )
    level, depth = [value], 0
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
        if depth > DEPTH_MAX:
            raise RecursionError
    json.dumps(value, ensure_ascii=False).encode()  # fails for half a character
    return value


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Strict("an object names the same key twice")
    return value


def _constant(name: str) -> Any:
    raise _Strict(f"it holds {name}")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Strict("it holds a number that is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS + 1 or abs(int(text)) > INTEGER_MAX:
        raise _Strict("it holds an integer beyond 2^53-1, which many readers would round")
    return int(text)


def _without_quotes(fault: Exception) -> str:
    """Say what is wrong without what the person wrote."""
    if isinstance(fault, json.JSONDecodeError):
        return f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
    if isinstance(fault, RecursionError):
        return "it is nested too deeply"
    if isinstance(fault, UnicodeEncodeError):
        return "it holds half of a surrogate pair"
    return str(fault) if isinstance(fault, _Strict) else "it is not UTF-8 text"


class Upload:
    """A body that is streamed to a nameless file; ``stream`` stands at its beginning. The last reference closes it."""

    def __init__(self, stream: IO[bytes], size: int = 0) -> None:
        self.stream, self.size = stream, size
        weakref.finalize(self, stream.close)


class UploadParser(BaseParser):
    """Takes any bytes as they come, to disk and not to memory; the result is an Upload."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Upload:
        """Return the Upload; raise TooLarge (413), before the first byte where the length is announced."""
        request = (parser_context or {}).get("request")
        _refuse_too_large(int(request.META.get("CONTENT_LENGTH") or 0) if request else 0)
        upload = Upload(tempfile.TemporaryFile())  # noqa: SIM115  Upload closes it
        while block := stream.read(BLOCK):
            upload.size += len(block)
            _refuse_too_large(upload.size)
            upload.stream.write(block)
        upload.stream.seek(0)
        return upload


def _refuse_too_large(size: int) -> None:
    if size > UPLOAD_MAX:
        raise TooLarge(f"A file takes at most {UPLOAD_MAX} bytes.")


class JSONLinesParser(UploadParser):
    """The same for what calls itself JSON lines."""

    media_type = "application/x-ndjson"
