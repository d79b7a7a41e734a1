"""A second verifier of both logs, from the written format alone: it shares no line with the audit app."""

import hashlib
import hmac
import json


def h(*parts):
    return hashlib.sha256(b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in parts)).digest()


def ej1(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def commit(kind, salt, fields):
    def digest(name, value):
        salted = hmac.new(salt, f"enigma/field-salt/v1\n{name}".encode(), "sha256").digest()
        return h(f"enigma/field/v1\n{name}\n", salted, ej1(value)).hex()

    return h(f"enigma/commit/v1\n{kind}\n", ej1({name: digest(name, value) for name, value in fields.items()}))


def first_public_lie(origin, rows):
    """Position of the first (chain_id, kind, ref, ts, text, leaf_hash, previous, value) that does not hold, or None."""
    value = h("enigma/chain/v1\n", origin, "\n")
    for due, (chain_id, kind, ref, ts, text, hashed, previous, new_value) in enumerate(rows):
        if chain_id != due:
            return due
        entry = {"seq": due, "kind": kind, "ref": ref, "ts": ts, "v": 1, "commit": text[11:75], "cycle": text[86:118]}
        holds = ej1(entry) == text.encode() and set(text[11:75] + text[86:118] + ref) <= set("0123456789abcdef")
        follows = bytes(previous) == value
        value = h(b"\x02", previous, hashed)
        if not (holds and follows) or bytes(hashed) != h(b"\x00", text) or bytes(new_value) != value:
            return due
    return None


def first_audit_lie(origin, rows):
    """Position of the first (log_id, copies by name, body, previous, value) that does not hold, or None."""
    value = h("enigma/audit/v1\n", origin, "\n")
    for due, (log_id, copies, body, previous, new_value) in enumerate(rows):
        if log_id != due:
            return due
        holds = ej1(copies) == body.encode() and bytes(previous) == value
        value = h(b"\x03", previous, h(body))
        if not holds or bytes(new_value) != value:
            return due
    return None
