"""The files of a batch: shards of request lines, each whole or absent, and the manifest that says what they hold."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from admissions import rubrics
from batches.answers import Stage, response_schema
from batches.models import BatchRun
from batches.prompts import prompt
from batches.rendering import request_lines
from enigma.errors import Malformed, Refused
from enigma.files import whole_file

# The smallest limits that engines publish are 50,000 lines and 100 MB a file; plan for nine tenths of them.
SHARD_LINES = 45_000
SHARD_BYTES = 90_000_000
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a batch."""

    name: str
    lines: int
    bytes: int
    sha256: str


class Sink(Protocol):
    """What takes bytes."""

    def write(self, content: bytes, /) -> object: ...


# Opens the file of a name for writing.
Opener = Callable[[str], AbstractContextManager[Sink]]


class _Nothing:
    """Takes bytes and keeps none."""

    def write(self, content: bytes, /) -> object:
        return None


def into(folder: Path, *, force: bool) -> Opener:
    """Open whole files in the folder; they raise Malformed for what is in the way unless ``force``."""
    return lambda name: whole_file(folder / name, force=force)


def nowhere(name: str) -> AbstractContextManager[Sink]:
    """Open nothing: the shards are only measured and hashed, since they can be rendered again at any time."""
    return nullcontext(_Nothing())


def write_shards(
    run: BatchRun, open_file: Opener, *, on_progress: Callable[[int], None] = lambda done: None
) -> Iterator[Shard]:
    """Write the requests of a run, inside the caller's transaction; yield each file once it is whole.

    Raises what ``open_file`` raises; Refused when a file of a finished run would come out otherwise than its
    manifest says, before it replaces anything, and when requests are left over or missing.
    """
    cycle = run.admission_cycle
    expected = {shard["name"]: shard["sha256"] for shard in run.manifest["shards"]} if run.manifest else None
    number = done = 0
    # Closed here, not when it is forgotten: its cursor must not outlive the transaction.
    with closing(request_lines(cycle, run)) as lines:
        first = next(lines, None)
        while first is not None:
            number += 1
            name = f"{_stem(run)}-{number:04d}.jsonl"
            with open_file(name) as stream:
                shard, first = _fill(name, stream.write, first, lines, most=run.shard_lines)
                if expected is not None and expected.get(shard.name) != shard.sha256:
                    raise Refused(f"{run} would not come out as it was: {shard.name} differs from its manifest.")
            done += shard.lines
            on_progress(done)
            yield shard
    if done != run.requests:
        raise Refused(f"{run} holds {run.requests} requests, but {done} could be written.")


def _fill(
    name: str, write: Callable[[bytes], object], line: bytes | None, lines: Iterator[bytes], *, most: int
) -> tuple[Shard, bytes | None]:
    """Write lines until the shard is full; return the shard and the line that no longer fitted."""
    digest, count, size = hashlib.sha256(), 0, 0
    while line is not None and count < most and (not count or size + len(line) <= SHARD_BYTES):
        write(line)
        digest.update(line)
        count += 1
        size += len(line)
        line = next(lines, None)
    return Shard(name, count, size, digest.hexdigest()), line


def refuse_strangers(run: BatchRun, folder: Path) -> None:
    """Raise Malformed when the folder holds files under the names of a run that has not written any yet."""
    if there := sorted(path.name for path in folder.glob(f"{_stem(run)}[-.]*")):
        raise Malformed(f"{folder / there[0]} is there already, from another database; --force replaces it.")


def manifest_of(run: BatchRun, shards: list[Shard]) -> dict[str, Any]:
    """Return what the files of a run hold and what it was made from, as JSON values; no clock, so it is repeatable."""
    stage: Stage = run.stage
    schema = json.dumps(response_schema(stage), sort_keys=True, separators=(",", ":"))
    rubric_version = run.admission_cycle.rubric_version
    return {
        "version": MANIFEST_VERSION,
        "cycle": run.admission_cycle.code,
        "run": run.pk,
        "stage": stage,
        "format": run.format,
        "model": run.model,
        "requests": run.requests,
        "prompt_version": run.prompt_version,
        "prompt_sha256": prompt(stage, run.prompt_version).sha256,
        "rubric_version": rubric_version,
        "rubric_sha256": rubrics.rubric(rubric_version).sha256,
        "schema_sha256": hashlib.sha256(schema.encode()).hexdigest(),
        "shards": [asdict(shard) for shard in shards],
    }


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """Return the bytes of a manifest's file."""
    return json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def write_manifest(run: BatchRun, folder: Path, *, force: bool) -> None:
    """Write the manifest beside the shards."""
    with whole_file(folder / f"{_stem(run)}.manifest.json", force=force) as stream:
        stream.write(manifest_bytes(run.manifest))


def _stem(run: BatchRun) -> str:
    return f"{run.admission_cycle.code}-{run.stage}-run{run.pk}"
