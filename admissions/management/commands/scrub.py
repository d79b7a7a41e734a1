"""Scrub JSON lines from standard input to standard output."""

import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

import orjson
from django.core.management.base import BaseCommand, CommandError

from admissions.scrubbing import Identity, scrub

FIELDS = ("name", "email", "phone", "address")


class Command(BaseCommand):
    """Read {"id","text","identity"} line by line and write {"id","scrubbed","spans"}; needs no database."""

    help = 'Reads JSON lines {"id","text","identity":{...} or null}, writes {"id","scrubbed","spans"}.'
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Scrub every good line as it comes; name bad ones on standard error and exit 1 for them."""
        done, bad = self._scrub_lines(sys.stdin.buffer, sys.stdout.buffer)
        summary = f"scrubbed {done} texts, {bad} lines could not be read"
        if bad:
            raise CommandError(summary, returncode=1)
        if sys.stderr.isatty():
            self.stderr.write(summary)

    def _scrub_lines(self, lines: Iterable[bytes], output: BinaryIO) -> tuple[int, int]:
        done = bad = 0
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                output.write(scrubbed_line(line))
            except ValueError as fault:
                self.stderr.write(f"line {number}: {fault}")
                bad += 1
                continue
            output.flush()
            done += 1
        return done, bad


def scrubbed_line(line: bytes) -> bytes:
    """Return the answer to one input line; ValueError names field and reason, never the text itself."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as fault:
        raise ValueError(f"not JSON: {fault.msg} at column {fault.colno}") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    if "id" not in record:
        raise ValueError("id: missing")
    if not isinstance(record["id"], str | int) or isinstance(record["id"], bool):
        raise ValueError("id: must be a string or a whole number")
    result = scrub(_text(record), _identity(record.get("identity")))
    spans = [{"start": span.start, "end": span.end, "type": span.type} for span in result.spans]
    return orjson.dumps({"id": record["id"], "scrubbed": result.text, "spans": spans}) + b"\n"


def _text(record: dict[str, Any]) -> str:
    if "text" not in record:
        raise ValueError("text: missing")
    if not isinstance(record["text"], str):
        raise ValueError("text: must be a string")
    return record["text"]


def _identity(value: Any) -> Identity | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("identity: must be an object or null")
    for field in FIELDS:
        if not isinstance(value.get(field), str | None):
            raise ValueError(f"identity.{field}: must be a string or null")
    return Identity(**{field: value.get(field) for field in FIELDS})
