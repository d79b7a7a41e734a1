"""Lead a cycle's evaluation by the stand-in engine: export, answer, import, until nothing is asked any more."""

from collections.abc import Iterator
from pathlib import Path

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle
from batches.answers import Stage
from batches.asking import is_open
from batches.export import export_batch
from batches.ingest import import_file
from batches.models import BatchRun
from batches.rehearsal import MODEL, BadLine, StandIn
from enigma.errors import Malformed
from enigma.files import source, whole_file

STAGES: tuple[Stage, ...] = ("worker", "judge")


def export_round(cycle: AdmissionCycle, stage: Stage, folder: Path, *, actor: Actor) -> BatchRun:
    """Export all open requests of a stage for the stand-in; files of an earlier database in its folder are replaced."""
    return export_batch(cycle, stage=stage, format="plain", model=MODEL, folder=folder, actor=actor, force=True)


def answer_round(run: BatchRun, folder: Path, *, seed: int = 1) -> list[Path]:
    """Let the stand-in answer the shards of a run; return the result files, beside the shards."""
    answered = []
    for shard in run.manifest["shards"]:
        requests = folder / shard["name"]
        results = requests.with_suffix(".results.jsonl")
        with source(requests) as stream, whole_file(results, force=True) as output:
            for answer in StandIn(seed=seed).answers(stream):
                if isinstance(answer, BadLine):
                    raise Malformed(f"{requests.name}: line {answer.number}: {answer.reason}")
                output.write(answer)
        answered.append(results)
    return answered


def evaluate(cycle: AdmissionCycle, folder: Path, *, actor: Actor, seed: int = 1) -> Iterator[str]:
    """Lead a cycle in processing to the end of its evaluation; yields a sentence after each export and import.

    May be stopped anywhere, and called again: it goes on with the shards that lie in the folder.
    """
    answered: set[int] = set()  # one round each: what the import refuses, a second round would not mend
    while True:
        for stage in STAGES:
            if is_open(cycle, stage):
                run = export_round(cycle, stage, folder, actor=actor)
                yield f"{stage} batch: {run.requests} requests in {len(run.manifest['shards'])} files"
        exported = BatchRun.objects.filter(admission_cycle=cycle, state=BatchRun.State.EXPORTED)
        runs = list(exported.exclude(pk__in=answered).order_by("pk"))
        if not runs:
            return
        for run in runs:
            answered.add(run.pk)
            for results in answer_round(run, folder, seed=seed):
                taken = import_file(results, actor=actor)
                yield f"{run.stage} answers: {taken.imported} of {taken.lines} taken, {taken.rejected} rejected"
