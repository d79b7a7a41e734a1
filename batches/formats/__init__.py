"""The batch formats by name: how requests are written and results are read. Pure: no database, no network."""

from collections.abc import Mapping

import orjson

from batches.formats import openai_chat, plain
from batches.formats.base import Format, Parsed, Request
from batches.formats.lines import Line, lines

__all__ = ["FORMATS", "Format", "Line", "Parsed", "Request", "is_request", "lines", "shape_of", "sniff"]

FORMATS: Mapping[str, Format] = {module.name: module for module in (plain, openai_chat)}


def sniff(line: bytes) -> str | None:
    """Return the name of the format that a line of a request or result file seems to be in, or None.

    A guess by the keys, to choose the parser: the parser then decides.
    """
    try:
        tree = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return shape_of(tree) if isinstance(tree, dict) else None


def shape_of(tree: Mapping[str, object]) -> str | None:
    """Return what sniff does, of a line that is decoded already."""
    if "anonymized_id" in tree:
        return plain.name
    if "custom_id" in tree and tree.keys() & {"body", "response", "error"}:
        return openai_chat.name
    return plain.name if "custom_id" in tree else None


def is_request(line: object) -> bool:
    """Return whether a line (bytes) is a question of ours that went out, and not an answer that came back."""
    try:
        tree = orjson.loads(line) if isinstance(line, bytes) else None
    except orjson.JSONDecodeError:
        return False
    return isinstance(tree, dict) and any(keys <= tree.keys() for keys in _REQUEST_KEYS)


_REQUEST_KEYS = ({"prompt", "response_schema"}, {"method", "url", "body"})
