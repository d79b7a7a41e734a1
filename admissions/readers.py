"""Read application files: bytes become raw rows, each with the line it starts on.

A damaged record costs itself alone; memory does not grow with the file. Values are judged in `rows`.
"""

import csv
import io
import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, Literal

from enigma.errors import Malformed

Format = Literal["csv", "jsonl"]

REQUIRED = ("name", "email", "phone", "address", "gpa", "test_scores", "essay", "achievements")
COLUMNS = (*REQUIRED, "external_id", "timestamp")
"""What a row is made of; the last two may be left out."""

V1_COLUMNS = {
    "application_id": "external_id",
    "timestamp": "timestamp",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "address": "address",
    "gpa": "gpa",
    "test_scores_json": "test_scores",
    "essay": "essay",
    "achievements": "achievements",
    "status": "status",
}
"""The columns of ENIGMA 1.x, and what they are called now."""

ONLY_V1 = V1_COLUMNS.keys() - set(COLUMNS)
WHOLE_ROW = "row"
"""The field of a fault that concerns no single field."""

RECORD_BYTES, RECORD_LINES = 2**20, 5000
JSON_LINE_BYTES = 2**21
BLOCK_BYTES = 2**16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NOT_UTF8 = "holds bytes that are not UTF-8"
OPEN_QUOTE = "a quote is opened and never closed"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field; the reason never repeats a person's data."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record as it was read.

    `line` is the physical line it starts on, `row` counts records from 1. A record that could not be taken
    apart has no values, and a fault that says why.
    """

    line: int
    row: int
    values: dict[str, object]
    faults: list[Fault] = field(default_factory=list)


class Unreadable(Exception):
    """A record or a JSON text that cannot be taken apart; `str()` is the reason."""


class Doubled(dict[str, object]):
    """A JSON object that gave a key more than once."""

    repeated: frozenset[str] = frozenset()


def read(stream: BinaryIO, *, format: Format) -> Iterator[RawRow]:
    """Return the rows of a CSV (RFC 4180) or JSONL stream in UTF-8, good and bad alike.

    Raises Malformed at once when the file is empty or its header is not one of ours.
    """
    if format == "jsonl":
        return _json_rows(_Lines(stream, limit=JSON_LINE_BYTES))
    if format != "csv":
        raise Malformed("an application file is read as csv or as jsonl")
    csv.field_size_limit(max(csv.field_size_limit(), 2 * RECORD_BYTES))
    lines = _Lines(stream, limit=RECORD_BYTES)
    return _csv_rows(lines, _header(lines))


def parse_json(text: str) -> object:
    """Decode JSON and lose nothing: fractions are Decimal, NaN stays visible, a double key makes a Doubled.

    Raises Unreadable for what is not JSON.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not valid JSON at character {error.pos + 1}") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None


def shown(name: str) -> str:
    """Quote a column, key or test name for a message; cut, printable, and silent if it may be an address."""
    text = re.sub(r"[^A-Za-z0-9 _.:+-]", "?", name[:40])
    return "(not shown)" if "@" in name else f"'{text}'"


def listed(names: Sequence[str]) -> str:
    """Quote several names, at most a dozen of them."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(shown(name) for name in names[:12]) + more


class _Lines:
    """The physical lines of a stream, which can be put back.

    Of a line over the limit only the first limit + 1 bytes are kept. `number` is that of the line taken last.
    """

    def __init__(self, stream: BinaryIO, *, limit: int) -> None:
        self._stream, self._limit, self.number = stream, limit, 0
        self._store: deque[bytes] = deque()
        self._tail = b""
        first = self.take()
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Malformed("line 1: the file is UTF-16; save it as UTF-8")
        line = first.removeprefix(BYTE_ORDER_MARK)
        while line.isspace():
            line = self.take()
        if not line:
            raise Malformed("line 1: the file is empty")
        self.put_back([line])

    def _fill(self) -> None:
        """Read on until a whole line is in store, or the last one."""
        while not self._store and (block := self._stream.read(BLOCK_BYTES)):
            if len(self._tail) > self._limit:
                block = block[block.find(b"\n") :] if b"\n" in block else b""
                self._tail = self._tail[: self._limit + 1]
            lines = io.BytesIO(self._tail + block).readlines()  # the fastest way to split at \n alone
            self._tail = b"" if lines[-1].endswith(b"\n") else lines.pop()
            self._store.extend(lines)
        if self._tail and not self._store:
            self._store.append(self._tail)
            self._tail = b""

    def take(self) -> bytes:
        """Return the next line with its ending; empty at the end of the stream."""
        if not self._store:
            self._fill()
        if not self._store:
            return b""
        self.number += 1
        return self._store.popleft()

    def put_back(self, lines: Sequence[bytes]) -> None:
        """Let the lines taken last be taken again."""
        self._store.extendleft(reversed(lines))
        self.number -= len(lines)

    def record(self) -> list[bytes]:
        """Take lines until every quote is closed, or until a record may not grow further; none at the end."""
        line = self.take()
        if not line:
            return []
        record, size, quotes, store = [line], len(line), line.count(b'"'), self._store
        while quotes % 2 and size <= RECORD_BYTES and len(record) < RECORD_LINES:
            if not store:
                self._fill()
            if not store:
                break
            line = store.popleft()  # take(), spelt out: this is the hottest loop
            record.append(line)
            size += len(line)
            quotes += line.count(b'"')
        self.number += len(record) - 1
        return record


def _is_odd(data: bytes) -> bool:
    return data.count(b'"') % 2 == 1


def _split(record: list[bytes], *, width: int | None) -> tuple[list[str], bool]:
    """Return the cells of a record, and whether it was UTF-8; raises Unreadable."""
    data = b"".join(record)
    if len(data) > RECORD_BYTES or len(record) >= RECORD_LINES:
        raise Unreadable(f"the record is longer than 1 MiB or {RECORD_LINES} lines; a quote may be left open")
    if _is_odd(data):
        raise Unreadable(OPEN_QUOTE)
    text, is_utf8 = _decoded(data)
    try:
        cells = next(csv.reader((text,), strict=True))
    except csv.Error:
        raise Unreadable("a quote or a line break is in the wrong place") from None
    if width is not None and len(cells) != width:
        raise Unreadable(f"{len(cells)} fields were found, {width} were expected")
    return cells, is_utf8


def _decoded(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode(errors="surrogateescape"), False


def _csv_rows(lines: _Lines, columns: list[str]) -> Iterator[RawRow]:
    row = 0
    while record := lines.record():
        if record[0].isspace():
            continue
        row += 1
        line = lines.number - len(record) + 1
        try:
            cells, is_utf8 = _split(record, width=len(columns))
        except Unreadable as damage:
            reason = _damage(str(damage), line=line, size=len(record), lost=_lost(lines, record, len(columns)))
            yield RawRow(line, row, {}, [Fault(WHOLE_ROW, reason)])
            continue
        values: dict[str, object] = dict(zip(columns, cells, strict=True))
        yield RawRow(line, row, values, _csv_faults(values, is_utf8=is_utf8))


def _csv_faults(values: dict[str, object], *, is_utf8: bool) -> list[Fault]:
    faults = [] if is_utf8 else _not_utf8(values)
    status = values.pop("status", "submitted")
    if status != "submitted" and Fault("status", NOT_UTF8) not in faults:
        faults.append(Fault("status", "must be 'submitted'"))
    return faults


def _not_utf8(values: dict[str, object]) -> list[Fault]:
    """Name the fields that hold bytes which were smuggled through decoding as surrogates (PEP 383)."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    named = [name for name, text in texts.items() if re.search("[\udc80-\udcff]", text)]
    return [Fault(name, NOT_UTF8) for name in named] or [Fault(WHOLE_ROW, NOT_UTF8)]


def _lost(lines: _Lines, record: list[bytes], width: int) -> int:
    """Return how many lines of a damaged record are lost, and put back the rest.

    An open quote runs on into the records below it. Reading resumes at the first line below that starts a
    record of the right width. Between its first and its last line a record has no line with an odd number of
    quotes, so that all lines but the last can be tried alone.
    """
    for start, line in enumerate(record[1:], 1):
        candidate = _ahead(lines, line) if _is_odd(line) else [line]
        if _fits(candidate, width):
            lines.put_back(record[start:])
            return start
    return len(record)


def _ahead(lines: _Lines, line: bytes) -> list[bytes]:
    """Return the record that starts with the line taken last, and leave the lines as they are."""
    lines.put_back([line])
    candidate = lines.record()
    lines.put_back(candidate[1:])
    return candidate


def _fits(candidate: list[bytes], width: int) -> bool:
    if sum(line.count(b",") for line in candidate) < width - 1:
        return False
    try:
        return bool(_split(candidate, width=width))
    except Unreadable:
        return False


def _damage(reason: str, *, line: int, size: int, lost: int) -> str:
    """Say what is wrong with a record of `size` lines when the first `lost` of them are set aside."""
    if lost < size:  # whatever it came to, it ran on into a record below
        reason = OPEN_QUOTE
    return reason if lost == 1 else f"{reason}; lines {line} to {line + lost - 1} are set aside"


def _header(lines: _Lines) -> list[str]:
    """Read the header and return, for every column of the file, the field it fills; raises Malformed."""
    record = lines.record()
    line = lines.number - len(record) + 1
    try:
        names, _ = _split(record, width=None)
    except Unreadable as damage:
        raise Malformed(f"line {line}: the header cannot be read: {damage}") from None
    layout = V1_COLUMNS if ONLY_V1.intersection(names) else dict(zip(COLUMNS, COLUMNS, strict=True))
    if problems := _header_problems(names, layout):
        raise Malformed(f"line {line}: {'; '.join(problems)}")
    return [layout[name] for name in names]


def _header_problems(names: list[str], layout: dict[str, str]) -> list[str]:
    if layout.keys().isdisjoint(names):
        by_comma = " separated by commas" if len(names) == 1 else ""
        return [f"this is not a header; the columns are {', '.join(COLUMNS)}{by_comma}"]
    required = V1_COLUMNS if layout is V1_COLUMNS else REQUIRED
    problems = {
        "unknown column": [name for name in names if name not in layout],
        "missing column": [name for name in required if name not in names],
        "column given twice": [name for name, times in Counter(names).items() if times > 1],
    }
    return [f"{problem}: {listed(found)}" for problem, found in problems.items() if found]


def _json_rows(lines: _Lines) -> Iterator[RawRow]:
    row = 0
    while line := lines.take():
        if line.isspace():
            continue
        row += 1
        try:
            values, is_utf8 = _object(line)
        except Unreadable as damage:
            yield RawRow(lines.number, row, {}, [Fault(WHOLE_ROW, str(damage))])
            continue
        faults = _json_faults(values) if is_utf8 else [*_not_utf8(values), *_json_faults(values)]
        yield RawRow(lines.number, row, {name: values[name] for name in COLUMNS if name in values}, faults)


def _object(line: bytes) -> tuple[dict[str, object], bool]:
    if len(line) > JSON_LINE_BYTES:
        raise Unreadable("the line is longer than 2 MiB")
    text, is_utf8 = _decoded(line)
    try:
        value = parse_json(text)
    except Unreadable as damage:
        cut = "" if line.endswith(b"\n") else "; the file ends here without a line break"
        raise Unreadable(f"the line {damage}{cut}") from None
    if not isinstance(value, dict):
        raise Unreadable("the line must be one JSON object")
    return value, is_utf8


def _json_faults(values: dict[str, object]) -> list[Fault]:
    faults = []
    if isinstance(values, Doubled):
        faults += [Fault(name, "is given twice") for name in COLUMNS if name in values.repeated]
    if unknown := [name for name in values if name not in COLUMNS]:
        faults.append(Fault(WHOLE_ROW, f"unknown key: {listed(unknown)}"))
    return faults


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = Doubled(found)
    doubled.repeated = frozenset(name for name, times in Counter(key for key, _ in pairs).items() if times > 1)
    return doubled


def _integer(text: str) -> int | Decimal:
    """Keep a long row of digits as Decimal: int() refuses more than 4300 of them with an error of its own."""
    return int(text) if len(text) <= 18 else _fraction(text)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that no Decimal can hold
        return Decimal("NaN")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=_fraction, parse_int=_integer, parse_constant=_fraction
)
