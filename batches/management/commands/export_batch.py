"""Write the open requests of a stage as JSON lines: ``manage.py export_batch CODE --stage worker --output DIR``."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.actors import acting
from admissions.cycles import cycle_named
from admissions.models.cycles import AdmissionCycle
from audit.sequencer import sequence_all
from batches.export import export_again, export_batch
from batches.formats import FORMATS
from batches.models import BatchRun
from batches.settlement import reask
from batches.shards import SHARD_LINES
from enigma.errors import Malformed
from enigma.operation import OperatorCommand, progress


class Command(OperatorCommand):
    help = "Write the open requests of a stage as shards of JSON lines, with a manifest"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("--stage", choices=["worker", "judge"], required=True)
        parser.add_argument("--format", choices=sorted(FORMATS), default="plain")
        parser.add_argument("--model", required=True, help="name of the model that will be asked")
        parser.add_argument("--output", type=Path, required=True, metavar="DIR")
        parser.add_argument("--shard-lines", type=int, default=SHARD_LINES)
        parser.add_argument(
            "--again", type=int, metavar="RUN", help="write the files of a finished run once more, as they were"
        )
        parser.add_argument("--reask", action="store_true", help="ask again what went out and was never answered")
        parser.add_argument("--force", action="store_true", help="replace files that are there")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, code: str, again: int | None, **options: Any) -> None:
        """Export what is open, or a finished run once more."""
        if options["shard_lines"] < 1:
            raise Malformed("--shard-lines takes a number from 1.")
        cycle = cycle_named(code)
        run = self._again(cycle, again, options) if again is not None else self._export(cycle, options)
        sequence_all()
        shards = run.manifest["shards"]
        folder = options["output"]
        summary = f"{run}: {run.requests} requests in {len(shards)} files under {folder} for {run.model}"
        files = [str(folder / shard["name"]) for shard in shards]
        data = {**run.manifest, "manifest_sha256": run.manifest_sha256, "files": files}
        self.answer(summary, data, as_json=options["json"])

    def _export(self, cycle: AdmissionCycle, options: dict[str, Any]) -> BatchRun:
        actor = acting(options["actor"])
        if options["reask"]:
            self.say(f"{reask(cycle, options['stage'], actor=actor)} unanswered requests are asked again")
        with progress("requests") as told:
            return export_batch(
                cycle,
                stage=options["stage"],
                format=options["format"],
                model=options["model"],
                folder=options["output"],
                actor=actor,
                shard_lines=options["shard_lines"],
                force=options["force"],
                on_progress=told,
            )

    def _again(self, cycle: AdmissionCycle, again: int, options: dict[str, Any]) -> BatchRun:
        runs = BatchRun.objects.exclude(state=BatchRun.State.EXPORTING)
        run = runs.filter(pk=again, admission_cycle=cycle, stage=options["stage"]).first()
        if run is None:
            raise Malformed(f"{cycle.code} has no finished {options['stage']} run {again}.")
        export_again(run, folder=options["output"], actor=acting(options["actor"]), force=options["force"])
        return run
