"""Take in what the engines answered: ``manage.py import_results FILE...``."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError
from django.db import transaction

from accounts.actors import Actor, acting
from audit.sequencer import sequence_all
from batches.ingest import Imported, ImportRun, opened, report_line
from enigma.errors import Refused
from enigma.files import whole_file
from enigma.operation import FOUND_PROBLEMS, OperatorCommand, progress


class Command(OperatorCommand):
    help = "Take in result files; exit code 1 when lines were rejected. Each file is taken whole or not at all"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="do everything, then keep nothing")
        parser.add_argument("--report", metavar="FILE", help="write one JSON line for each request decided")
        parser.add_argument("--force", action="store_true", help="replace the file of --report")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, files: list[Path], dry_run: bool, **options: Any) -> None:
        """Import file by file, tell every line that was not taken, and sum up; a refused file stops no other."""
        actor = acting(options["actor"])
        taken: list[tuple[Path, Imported]] = []
        refused: list[Refused] = []
        with self._report_to(options["report"], force=options["force"]) as report, ExitStack() as stack:
            told = stack.enter_context(progress("files", total=len(files)))
            if dry_run:  # one transaction around all, so that each file sees what those before it would have brought
                stack.enter_context(transaction.atomic())
                stack.callback(transaction.set_rollback, True)
            for number, path in enumerate(files, start=1):
                try:
                    taken.append((path, self._import(path, actor, report)))
                except Refused as refusal:
                    self.say(str(refusal))
                    refused.append(refusal)
                told(number)
        if not dry_run:
            sequence_all()
        self._sum_up(taken, refused, dry_run=dry_run, as_json=options["json"])

    @contextmanager
    def _report_to(self, name: str | None, *, force: bool) -> Iterator[BinaryIO | None]:
        if name is None:
            yield None
        else:
            with whole_file(name, force=force) as stream:
                yield stream

    def _import(self, path: Path, actor: Actor, report: BinaryIO | None) -> Imported:
        with transaction.atomic(), opened(path) as stream:
            run = ImportRun(stream, path.name, actor=actor)
            result = run.run()
            for issue in run.issues():
                self.say(f"{path.name}: {issue}")
            if report:
                report.writelines(report_line(decided) for decided in run.report())
        return result

    def _sum_up(
        self, taken: list[tuple[Path, Imported]], refused: list[Refused], *, dry_run: bool, as_json: bool
    ) -> None:
        listed = [{"file": path.name, "sha256": one.sha256, **one.counts()} for path, one in taken]
        total = {key: sum(one[key] for one in listed) for key in ("lines", "imported", "unchanged", "rejected")}
        verb = "would take" if dry_run else "took"
        summary = "{} {imported} of {lines} lines, {unchanged} were there, {rejected} rejected".format(verb, **total)
        if listed:
            self.answer(summary, {"dry_run": dry_run, **total, "files": listed}, as_json=as_json)
        if refused:
            worst = max(refusal.returncode for refusal in refused)
            raise CommandError(f"{len(refused)} of {len(refused) + len(taken)} files were refused.", returncode=worst)
        if total["rejected"]:
            raise CommandError(f"{total['rejected']} lines were rejected.", returncode=FOUND_PROBLEMS)
