"""Write a batch: claim the open requests, stream them into shards, and say in a manifest what was written."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from accounts.actors import Actor
from admissions import rubrics
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase, PhaseError
from audit.log import record
from batches.answers import Stage, response_schema
from batches.asking import claim, want_first_evaluations, wanted
from batches.models import BatchRun
from batches.prompts import prompt
from batches.rendering import request_lines
from enigma.errors import Conflict, Malformed, Refused
from enigma.files import whole_file

# The smallest limits that engines publish are 50,000 lines and 100 MB a file; plan for nine tenths of them.
SHARD_LINES = 45_000
SHARD_BYTES = 90_000_000
MANIFEST_VERSION = 1

_MARK_EXPORTED = """
    UPDATE anonymized_applications AS blind SET is_exported = true
      FROM evaluation_requests AS request
     WHERE request.run_id = %s AND request.anonymized_id = blind.anonymized_id AND NOT blind.is_exported
"""


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a batch."""

    name: str
    lines: int
    bytes: int
    sha256: str


def export_batch(
    cycle: AdmissionCycle,
    *,
    stage: Stage,
    format: str,
    model: str,
    folder: Path,
    actor: Actor,
    shard_lines: int = SHARD_LINES,
    force: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> BatchRun:
    """Export all open requests of a stage; return the finished run, its manifest in it and beside the shards.

    A killed export is finished by the next call with the same stage, with the same requests. Raises PhaseError,
    Conflict while another process exports, Refused when nothing is open, Malformed for files in the way.
    """
    actor.require("batches.export")
    _make_folder(folder)
    # Autocommit outside, so that the claim is durable before the first byte is written; the lock ends with us.
    with _alone(cycle, stage):
        begun = _unfinished(cycle, stage)
        run = begun or _begin(cycle, stage, format, model, shard_lines, actor)
        with transaction.atomic():
            # What a killed export has left under this run's names is its own to replace.
            ours = force or begun is not None
            shards = list(_write_shards(cycle, run, folder, force=ours, on_progress=on_progress))
            _finish(cycle, run, shards, folder, actor)
    return run


def export_again(run: BatchRun, *, folder: Path, actor: Actor, force: bool = False) -> list[Shard]:
    """Write the shards of a finished run once more: the same requests, the same bytes, the same names."""
    actor.require("batches.export")
    _make_folder(folder)
    with transaction.atomic():
        shards = list(_write_shards(run.admission_cycle, run, folder, force=force, on_progress=lambda done: None))
        if [shard.sha256 for shard in shards] != [shard["sha256"] for shard in run.manifest["shards"]]:
            raise Refused(f"{run} would not come out as it was: prompt, rubric or data differ from its manifest.")
        _write_manifest(run, folder, force=force)
        record("batches.export_again", actor=actor, entity=("run", str(run.pk)), shards=len(shards))
    return shards


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise Malformed(f"{folder} cannot be made: {fault.strerror}.") from None


def _alone(cycle: AdmissionCycle, stage: str) -> ExitStack:
    """Hold a session lock for this cycle and stage: it needs no transaction, and dies with its process."""
    key = int.from_bytes(hashlib.sha256(f"enigma/export/{cycle.pk}/{stage}".encode()).digest()[:8], signed=True)
    stack = ExitStack()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise Conflict(f"Another process is exporting the {stage} batch of {cycle.code}.")
    stack.callback(_let_go, key)
    return stack


def _let_go(key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _unfinished(cycle: AdmissionCycle, stage: str) -> BatchRun | None:
    return BatchRun.objects.filter(admission_cycle=cycle, stage=stage, state=BatchRun.State.EXPORTING).first()


def _begin(
    cycle: AdmissionCycle, stage: Stage, format: str, model: str, shard_lines: int, actor: Actor
) -> BatchRun:
    with transaction.atomic():
        cycle.refresh_from_db(from_queryset=AdmissionCycle.objects.select_for_update(no_key=True))
        allowed = {Phase.BATCH_PREP, Phase.PROCESSING} if stage == "worker" else {Phase.PROCESSING}
        if cycle.phase not in allowed:
            raise PhaseError(f"A {stage} batch needs the phase {' or '.join(sorted(allowed))}; {cycle.code} is in {cycle.phase}.")
        if stage == "worker":
            want_first_evaluations(cycle)
        if not wanted(cycle, stage):
            raise Refused(f"{cycle.code} has no open {stage} request to export.")
        run = BatchRun.objects.create(
            admission_cycle=cycle,
            stage=stage,
            format=format,
            model=model,
            shard_lines=shard_lines,
            prompt_version=prompt(stage).version,
            requests=0,
        )
        claimed = claim(run)
        facts = {"stage": stage, "format": format, "model": model, "requests": claimed}
        record("batches.claim", actor=actor, entity=("run", str(run.pk)), cycle=cycle.code, **facts)
    return run


def _write_shards(
    cycle: AdmissionCycle, run: BatchRun, folder: Path, *, force: bool, on_progress: Callable[[int], None]
) -> Iterator[Shard]:
    lines = request_lines(cycle, run)
    number = done = 0
    first = next(lines, None)
    while first is not None:
        number += 1
        name = f"{cycle.code}-{run.stage}-run{run.pk}-{number:04d}.jsonl"
        shard, first = _write_shard(folder / name, first, lines, run.shard_lines, force=force)
        done += shard.lines
        on_progress(done)
        yield shard
    if done != run.requests:
        raise Refused(f"{run} holds {run.requests} requests, but {done} could be written.")


def _write_shard(
    path: Path, line: bytes | None, lines: Iterator[bytes], most: int, *, force: bool
) -> tuple[Shard, bytes | None]:
    """Write lines until the shard is full; return the shard and the line that no longer fitted."""
    digest, count, size = hashlib.sha256(), 0, 0
    with whole_file(path, force=force) as stream:
        while line is not None and count < most and (not count or size + len(line) <= SHARD_BYTES):
            stream.write(line)
            digest.update(line)
            count += 1
            size += len(line)
            line = next(lines, None)
    return Shard(path.name, count, size, digest.hexdigest()), line


def _finish(cycle: AdmissionCycle, run: BatchRun, shards: list[Shard], folder: Path, actor: Actor) -> None:
    stage: Stage = run.stage
    schema = json.dumps(response_schema(stage), sort_keys=True, separators=(",", ":"))
    run.manifest = {
        "version": MANIFEST_VERSION,
        "cycle": cycle.code,
        "run": run.pk,
        "stage": stage,
        "format": run.format,
        "model": run.model,
        "requests": run.requests,
        "prompt_version": run.prompt_version,
        "prompt_sha256": prompt(stage, run.prompt_version).sha256,
        "rubric_version": cycle.rubric_version,
        "rubric_sha256": rubrics.rubric(cycle.rubric_version).sha256,
        "schema_sha256": hashlib.sha256(schema.encode()).hexdigest(),
        "shards": [
            {"name": one.name, "lines": one.lines, "bytes": one.bytes, "sha256": one.sha256} for one in shards
        ],
    }
    run.manifest_sha256 = hashlib.sha256(_manifest_bytes(run)).hexdigest()
    run.state, run.exported_at = BatchRun.State.EXPORTED, timezone.now()
    _write_manifest(run, folder, force=True)
    run.save(update_fields=["manifest", "manifest_sha256", "state", "exported_at"])
    if stage == "worker":
        with connection.cursor() as cursor:
            cursor.execute(_MARK_EXPORTED, [run.pk])
    facts = {"stage": stage, "requests": run.requests, "shards": len(shards), "manifest_sha256": run.manifest_sha256}
    cycle.commit("export", run=run.pk, **facts)
    record("batches.export", actor=actor, entity=("run", str(run.pk)), cycle=cycle.code, **facts)


def _manifest_bytes(run: BatchRun) -> bytes:
    return json.dumps(run.manifest, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def _write_manifest(run: BatchRun, folder: Path, *, force: bool) -> None:
    with whole_file(folder / f"{run.admission_cycle.code}-{run.stage}-run{run.pk}.manifest.json", force=force) as stream:
        stream.write(_manifest_bytes(run))
