"""Export a batch: claim the open requests, write them into shards, say in a manifest what was written.

Files are for whoever runs a command; without a folder the shards are only hashed, and rendered when they are asked for.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle
from audit.log import record
from batches.answers import Stage
from batches.asking import PHASES, claim, hold, unfinished
from batches.models import BatchRun
from batches.prompts import prompt
from batches.queue import defer_export
from batches.settlement import reask
from batches.shards import (
    SHARD_LINES,
    Opener,
    Shard,
    into,
    manifest_bytes,
    manifest_of,
    nowhere,
    refuse_strangers,
    write_manifest,
    write_shards,
)
from enigma.errors import Conflict, Malformed, Refused

MODEL_LENGTH = 200
# So many requests are hashed while somebody waits, in a few seconds; more are left to a worker.
AT_ONCE = 20_000

_MARK_EXPORTED = """
    UPDATE anonymized_applications AS blind SET is_exported = true
      FROM evaluation_requests AS request
     WHERE request.run_id = %s AND request.anonymized_id = blind.anonymized_id AND NOT blind.is_exported
"""


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

    A killed export is finished by the same call once more, with the same requests. Raises PhaseError, Conflict
    while another process exports, Refused when nothing is open or when an unfinished export was another call,
    Malformed for files in the way.
    """
    actor.require("batches.export", cycle=cycle.code)
    _refuse_bad_model(model)
    _make_folder(folder)
    asked = {"format": format, "model": model, "shard_lines": shard_lines}
    # Autocommit outside, so that the claim is durable before the first byte is written.
    with _alone(cycle, stage):
        begun = unfinished(cycle, stage)
        if begun:
            run = _resume(cycle, begun, asked)
        else:
            run = _begin(cycle, stage, asked, actor, folder=None if force else folder)
        # What a killed export has left under this run's names is its own to replace.
        ours = force or begun is not None
        _write(run, into(folder, force=ours), actor, folder=folder, on_progress=on_progress)
    return run


def order_batch(
    cycle: AdmissionCycle,
    *,
    stage: Stage,
    format: str,
    model: str,
    actor: Actor,
    shard_lines: int = SHARD_LINES,
    again: bool = False,
    later: bool = False,
) -> BatchRun:
    """Export without files: here and now, or by a worker when told ``later`` or when there is much to hash.

    ``again`` first gives up what went out and was never answered. Returns the run, still exporting if a worker has
    it. The same call takes up what was not finished; raises like ``export_batch``.
    """
    actor.require("batches.export", cycle=cycle.code)
    _refuse_bad_model(model)
    asked = {"format": format, "model": model, "shard_lines": shard_lines}
    with _alone(cycle, stage):
        with transaction.atomic():
            begun = unfinished(cycle, stage)
            if again and not begun:
                reask(cycle, stage, actor=actor)
            run = _resume(cycle, begun, asked) if begun else _begin(cycle, stage, asked, actor)
            later = later or run.requests > AT_ONCE
            if later:
                defer_export(run)
        if not later:
            _write(run, nowhere, actor)
    return run


def finish_batch(run: BatchRun, *, actor: Actor) -> None:
    """Finish an export that was ordered, without files; one that is finished stays as it is.

    Raises Conflict while another process exports, PhaseError outside the phases of the stage.
    """
    cycle = run.admission_cycle
    actor.require("batches.export", cycle=cycle.code)
    with _alone(cycle, run.stage):
        run.refresh_from_db(from_queryset=BatchRun.objects.select_related("admission_cycle"))
        if run.state == BatchRun.State.EXPORTING:
            _write(_resume(cycle, run, {}), nowhere, actor)


def export_again(run: BatchRun, *, folder: Path, actor: Actor, force: bool = False) -> None:
    """Write the files of a finished run once more: the same requests, the same bytes, the same names.

    Raises Conflict while another process exports, Malformed for files in the way, Refused when a file would come
    out otherwise than the manifest says.
    """
    actor.require("batches.export", cycle=run.admission_cycle.code)
    _make_folder(folder)
    with _alone(run.admission_cycle, run.stage):
        # The entry is committed before the first text leaves the house.
        with transaction.atomic():
            record("batches.export_again", actor=actor, entity=("run", str(run.pk)), cycle=run.admission_cycle.code)
        with transaction.atomic():
            for _ in write_shards(run, into(folder, force=force)):
                pass
            write_manifest(run, folder, force=force)


def _refuse_bad_model(model: str) -> None:
    if not model.strip() or len(model) > MODEL_LENGTH or not model.isprintable():
        raise Malformed(f"The name of a model is 1 to {MODEL_LENGTH} printable characters.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise Malformed(f"{folder} cannot be made: {fault.strerror}.") from None


@contextmanager
def _alone(cycle: AdmissionCycle, stage: str) -> Iterator[None]:
    """Hold a session lock for this cycle and stage: it needs no transaction, and dies with its process."""
    key = int.from_bytes(hashlib.sha256(f"enigma/export/{cycle.pk}/{stage}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise Conflict(f"Another process is exporting the {stage} batch of {cycle.code}.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _begin(
    cycle: AdmissionCycle, stage: Stage, asked: dict[str, Any], actor: Actor, *, folder: Path | None = None
) -> BatchRun:
    """Claim what is open for a new run, unless strangers' files lie in its way in the folder."""
    with transaction.atomic():
        hold(cycle, PHASES[stage], deed=f"A {stage} batch")
        version = prompt(stage).version
        run = BatchRun.objects.create(admission_cycle=cycle, stage=stage, prompt_version=version, requests=0, **asked)
        claimed = claim(run)
        if not claimed:
            raise Refused(f"{cycle.code} has no open {stage} request to export.")
        if folder:
            refuse_strangers(run, folder)
        facts = {"stage": stage, "format": run.format, "model": run.model, "requests": claimed}
        record("batches.claim", actor=actor, entity=("run", str(run.pk)), cycle=cycle.code, **facts)
    return run


def _resume(cycle: AdmissionCycle, run: BatchRun, asked: dict[str, Any]) -> BatchRun:
    """Return an unfinished run, unless this call would finish it as something else than it was begun as."""
    with transaction.atomic():
        hold(cycle, PHASES[run.stage], deed=f"A {run.stage} batch")
    begun = {name: getattr(run, name) for name in asked}
    if begun != asked:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in begun.items())
        raise Refused(f"{run} was begun and not finished: finish it with what it was begun with, {told}.")
    return run


def _write(
    run: BatchRun,
    open_file: Opener,
    actor: Actor,
    *,
    folder: Path | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write the shards of a claimed run where ``open_file`` says, and finish the run, in one transaction."""
    with transaction.atomic():
        shards = list(write_shards(run, open_file, on_progress=on_progress))
        _finish(run.admission_cycle, run, shards, actor, folder=folder)


def _finish(cycle: AdmissionCycle, run: BatchRun, shards: list[Shard], actor: Actor, *, folder: Path | None) -> None:
    run.manifest = manifest_of(run, shards)
    run.manifest_sha256 = hashlib.sha256(manifest_bytes(run.manifest)).hexdigest()
    run.state, run.exported_at = BatchRun.State.EXPORTED, timezone.now()
    if folder:
        write_manifest(run, folder, force=True)
    run.save(update_fields=["manifest", "manifest_sha256", "state", "exported_at"])
    if run.stage == "worker":
        with connection.cursor() as cursor:
            cursor.execute(_MARK_EXPORTED, [run.pk])
    counts = {"requests": run.requests, "shards": len(shards)}
    facts = {"stage": run.stage, **counts, "manifest_sha256": run.manifest_sha256}
    cycle.commit("export", run=run.pk, **facts)
    record("batches.export", actor=actor, entity=("run", str(run.pk)), cycle=cycle.code, **facts)
