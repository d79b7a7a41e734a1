"""Lead a demo cycle's evaluation by the stand-in engine: export, answer, import, until nothing is asked any more."""

from collections.abc import Iterator
from pathlib import Path

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle
from batches.answers import Stage
from batches.asking import wanted
from batches.export import export_batch
from batches.formats import lines
from batches.ingest import import_file
from batches.models import BatchRun
from batches.rehearsal import MODEL, read_request, rehearse
from enigma.errors import Malformed
from enigma.files import whole_file

STAGES: tuple[Stage, ...] = ("worker", "judge")


def export_round(cycle: AdmissionCycle, stage: Stage, folder: Path, *, actor: Actor) -> BatchRun:
    """Export all open requests of a stage for the stand-in."""
    return export_batch(
        cycle, stage=stage, format="plain", model=MODEL, folder=folder, actor=actor, force=True
    )


def answer_round(run: BatchRun, folder: Path, *, seed: int = 1) -> list[Path]:
    """Let the stand-in answer the shards of a run; return the result files, beside the shards."""
    answered = []
    for shard in run.manifest["shards"]:
        requests = folder / shard["name"]
        results = requests.with_suffix(".results.jsonl")
        with requests.open("rb") as stream, whole_file(results, force=True) as output:
            for line in lines(stream):
                if not isinstance(line.content, bytes):
                    raise Malformed(f"{requests.name}: line {line.number}: {line.content.detail}")
                output.write(rehearse(read_request(line.content), seed=seed))
        answered.append(results)
    return answered


def evaluate(cycle: AdmissionCycle, folder: Path, *, actor: Actor, seed: int = 1) -> Iterator[str]:
    """Lead a cycle in processing to the end of its evaluation; yields a sentence after each export and import."""
    runs = list(BatchRun.objects.filter(admission_cycle=cycle, state=BatchRun.State.EXPORTED).order_by("pk"))
    while runs:
        for run in runs:
            for results in answer_round(run, folder, seed=seed):
                taken = import_file(results, actor=actor)
                yield f"{run.stage} answers: {taken.imported} of {taken.lines} taken, {taken.rejected} rejected"
        runs = []
        for stage in STAGES:
            if wanted(cycle, stage):
                runs.append(export_round(cycle, stage, folder, actor=actor))
                yield f"{stage} batch: {runs[-1].requests} requests in {len(runs[-1].manifest['shards'])} files"
