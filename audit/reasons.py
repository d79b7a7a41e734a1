"""Says in words what is wrong with an entry of a log, from its columns alone."""

import json
from collections.abc import Sequence
from typing import Any

from audit.canonical import NotCanonical, decode, encode
from audit.chain import ENTRY_TEXTS, KINDS, audit_body, chain_step, leaf, leaf_hash

_EMPTY = "a column is empty"


def public_reason(row: Sequence[Any]) -> str | None:
    """Say what is wrong with an entry, given as a row of `statements.PUBLIC_ONE`, or None when nothing is."""
    seq, ts, kind, ref, text, hashed, previous, value = row
    if None in (kind, ref, text, hashed, previous, value):
        return _EMPTY
    if kind not in KINDS:
        return "decision_type is not a kind of entry"
    rebuilt = leaf(seq=seq, kind=kind, cycle=text[86:118], ref=ref, commit=text[11:75], ts=ts or "")
    if rebuilt != text or not _is_hexadecimal(text[11:75] + text[86:118] + ref):
        return _leaf_reason(text, {"seq": seq, "ts": ts, "kind": kind, "ref": ref})
    if bytes(hashed) != leaf_hash(text.encode()):
        return "leaf_hash is not the hash of data_json"
    if bytes(value) != chain_step(bytes(previous), bytes(hashed)):
        return "data_hash does not follow from previous_hash and leaf_hash"
    return None


_COLUMNS = {"seq": "chain_id", "ts": "timestamp", "kind": "decision_type", "ref": "subject_ref"}


def _leaf_reason(text: str, copies: dict[str, Any]) -> str:
    try:
        entry = decode(text.encode())
    except NotCanonical as error:
        return f"data_json is not the bytes of a leaf: {error}"
    if isinstance(entry, dict):
        for name, copy in copies.items():
            if name in entry and entry[name] != copy:
                return f"{_COLUMNS[name]} differs from data_json"
    return "data_json is not the bytes of a leaf"


def _is_hexadecimal(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")


def audit_reason(row: Sequence[Any]) -> str | None:
    """Return how the copies of an entry differ from its body, or None when they make it byte for byte."""
    log_id, ts, *texts, details, body = row
    if None in (*texts, details, body):
        return _EMPTY
    copies = dict(zip(ENTRY_TEXTS, texts, strict=True)) | {"details": json.loads(details)}
    try:
        if audit_body(copies, log_id=log_id, timestamp=ts or "").decode() == body:
            return None
        entry = decode(body.encode())
    except NotCanonical as error:
        return f"body or details are not EJ1: {error}"
    copies |= {"log_id": log_id, "timestamp": ts}
    if not isinstance(entry, dict) or entry.keys() != copies.keys():
        return "body is not an entry"
    differing = (name for name in sorted(copies) if encode(copies[name]) != encode(entry[name]))
    return f"{next(differing)} differs from body"
