"""Download a shard of a finished run: rendered anew from the database, and never whole unless it is what it was."""

import hashlib
import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from audit.log import record
from batches.models import BatchRun
from batches.rendering import request_lines
from batches.shards import Shard
from enigma.errors import Refused

logger = logging.getLogger(__name__)

BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """A shard as the manifest names it, and how many lines of its run stand in shards before it."""

    shard: Shard
    before: int


def place_of(run: BatchRun, name: str) -> Place | None:
    """Find a shard of a run by its name; None when the run has none of this name, or none yet."""
    before = 0
    for shard in run.manifest["shards"] if run.manifest else []:
        if shard["name"] == name:
            return Place(Shard(**shard), before)
        before += shard["lines"]
    return None


def download(run: BatchRun, place: Place, *, actor: Actor) -> Iterator[bytes]:
    """Note the download, and return the bytes of the shard, to be read once.

    The entry is committed before the first text leaves the house.
    """
    code = run.admission_cycle.code
    actor.require("batches.export", cycle=code)
    facts: dict[str, Any] = {"shard": place.shard.name, "sha256": place.shard.sha256}
    with transaction.atomic():
        record("batches.download", actor=actor, entity=("run", str(run.pk)), cycle=code, **facts)
    return shard_stream(run, place)


def shard_stream(run: BatchRun, place: Place) -> Iterator[bytes]:
    """Yield the bytes of one shard in constant memory, from a transaction that lasts as long as the reading.

    The last block is held back until all bytes have the hash of the manifest; raises Refused when they do not, so
    that what was sent ends too early, and nobody takes it for the shard.
    """
    digest, held = hashlib.sha256(), b""
    with transaction.atomic(), closing(_blocks(run, place)) as blocks:
        for block in blocks:
            if held:
                yield held
            digest.update(block)
            held = block
    if digest.hexdigest() != place.shard.sha256:
        logger.error("%s was broken off: it differs from its manifest", place.shard.name)
        raise Refused(f"{run} would not come out as it was: {place.shard.name} differs from its manifest.")
    yield held


def _blocks(run: BatchRun, place: Place) -> Generator[bytes, None, None]:
    """Gather lines into blocks that are worth a write."""
    gathered = bytearray()
    part = (place.before, place.shard.lines)
    with closing(request_lines(run.admission_cycle, run, part=part)) as lines:
        for line in lines:
            gathered += line
            if len(gathered) >= BLOCK:
                yield bytes(gathered)
                gathered.clear()
    if gathered:
        yield bytes(gathered)
