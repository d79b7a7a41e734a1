"""EJ1: JSON with exactly one spelling per value, so that a hash over the bytes is a hash over the meaning.

It is RFC 8785 (JCS) without floats: ASCII keys, integers within 2**53 - 1, 16 levels, no lone surrogates.
"""

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import NoReturn, TypeAlias

from enigma.errors import Malformed

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 16

Value: TypeAlias = "str | int | bool | Sequence[Value] | Mapping[str, Value] | None"

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class NotCanonical(Malformed):
    """A value that EJ1 cannot carry, or bytes that EJ1 would not write."""


def encode(value: Value) -> bytes:
    """Return the EJ1 bytes of a value; raise NotCanonical for a value that EJ1 does not have."""
    # Plain texts and numbers, most of what a commitment is made of, take a way past the general encoder.
    if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
        return b"%d" % value
    try:
        if type(value) is str:
            return encode_basestring(value).encode()
        _check(value, depth=0)
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise NotCanonical("a text holds a lone surrogate") from None


def decode(data: bytes) -> Value:
    """Return the value of EJ1 bytes; raise NotCanonical for any other spelling, even of the same value."""
    try:
        value: Value = _DECODER.decode(data.decode())
    except UnicodeDecodeError:
        raise NotCanonical("the bytes are not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotCanonical(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise NotCanonical(_TOO_DEEP) from None
    if encode(value) != data:
        raise NotCanonical("the same value is spelled differently in EJ1")
    return value


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def _check(value: object, *, depth: int) -> None:
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonical("an integer lies beyond 2**53 - 1")
    elif isinstance(value, (dict, list, tuple)):
        _check_container(value, depth=depth + 1)
    else:
        raise NotCanonical(f"a {type(value).__name__} has no EJ1 form")


def _check_container(value: dict[object, object] | list[object] | tuple[object, ...], *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical(_TOO_DEEP)
    if isinstance(value, dict):
        for key in value:
            if not (isinstance(key, str) and key and key.isascii()):
                raise NotCanonical("a key is empty, not ASCII or not a text")
        value = list(value.values())
    for item in value:
        _check(item, depth=depth)


def _pairs(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise NotCanonical("a key stands twice in one object")
    return keys


def _integer(digits: str) -> int:
    # int() itself refuses very long texts with an error that is not ours.
    if len(digits) > len(str(-MAX_INTEGER)):
        raise NotCanonical("an integer lies beyond 2**53 - 1")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise NotCanonical(f"{text[:40]} is not an integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
