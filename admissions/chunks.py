"""Gather the rows of an application file into chunks that fit into memory, however long the rows are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from sys import getsizeof

from admissions.models.cycles import AdmissionCycle
from admissions.readers import Fault, RawRow
from admissions.rows import Draft, Limits, check, fingerprint_source
from admissions.rules import ranges
from audit.canonical import encode
from enigma.keys import keyring

# A chunk is full at so many rows, or when its accepted texts take so many bytes of memory.
CHUNK, CHUNK_BYTES = 1_000, 8_000_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: where its record starts, which data row it is, and every fault."""

    line: int
    row: int
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A good row, with the two keyed hashes that tell whether it is there already."""

    line: int
    row: int
    draft: Draft
    email_bidx: bytes
    fingerprint: bytes


@dataclass(slots=True)
class Chunk:
    """Rows that were read and judged: of a bad one only its faults are kept, as it may be as long as it likes."""

    first: int
    last: int = 0
    rows: int = 0
    size: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, judged: Candidate | Rejected) -> None:
        """Take the next row in."""
        self.last = judged.line
        self.rows += 1
        if isinstance(judged, Rejected):
            self.rejected.append(judged)
        else:
            self.candidates.append(judged)
            self.size += getsizeof(judged.draft.essay) + getsizeof(judged.draft.achievements)

    def is_full(self) -> bool:
        """Tell whether this is as much as one transaction should hold."""
        return self.rows == CHUNK or self.size >= CHUNK_BYTES


def chunks(rows: Iterable[RawRow], cycle: AdmissionCycle) -> Iterator[Chunk]:
    """Judge each row by the rules of the cycle as soon as it is read, and yield chunk after chunk."""
    limits, chunk = limits_of(cycle), None
    for raw in rows:
        chunk = chunk or Chunk(first=raw.line)
        chunk.add(judge(raw, cycle, limits))
        if chunk.is_full():
            yield chunk
            chunk = None
    if chunk:
        yield chunk


def judge(raw: RawRow, cycle: AdmissionCycle, limits: Limits) -> Candidate | Rejected:
    """Hold one application to the rules of the cycle: return it with its keyed hashes, or all its faults."""
    draft = check(raw, limits)
    if isinstance(draft, list):
        return Rejected(raw.line, raw.row, draft)
    bidx = keyring().email_index(draft.email, cycle_id=cycle.pk)
    fingerprint = keyring().fingerprint(encode(fingerprint_source(draft)), cycle_id=cycle.pk)
    return Candidate(raw.line, raw.row, draft, bidx, fingerprint)


def limits_of(cycle: AdmissionCycle) -> Limits:
    """What this cycle accepts, for the row checks."""
    tests = {name: (within.low, within.high) for name, within in ranges(cycle.tests).items()}
    return Limits(tests, cycle.gpa_scale, cycle.essay_max, cycle.achievements_max)
