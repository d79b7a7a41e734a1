"""Take applications in from a CSV or JSON-lines file: ``manage.py import_applications FILE --cycle CODE``."""

import hashlib
import io
import json
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError
from django.db import transaction

from accounts.actors import acting
from admissions.cycles import cycle_named
from admissions.intake import Rejected, Tally, import_applications
from audit.log import record
from enigma.errors import Malformed
from enigma.files import source, whole_file
from enigma.operation import FOUND_PROBLEMS, OperatorCommand, progress


class Command(OperatorCommand):
    help = "Take applications in from a file; exit code 1 when rows were rejected"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", help="path, or - for standard input")
        parser.add_argument("--cycle", required=True, metavar="CODE")
        parser.add_argument("--format", choices=["csv", "jsonl"], help="default: by the file's name, else csv")
        parser.add_argument("--dry-run", action="store_true", help="do everything, then keep nothing")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")
        parser.add_argument("--rejects", metavar="FILE", help="write one JSON line for each rejected row")
        parser.add_argument("--force", action="store_true", help="replace the file of --rejects")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, file: str, cycle: str, actor: str | None, dry_run: bool, **options: Any) -> None:
        """Import, tell every rejected row, and sum up."""
        target, who = cycle_named(cycle), acting(actor)
        if options["rejects"] and Path(options["rejects"]).absolute() == Path(file).absolute():
            raise Malformed("--rejects would replace the file that is imported.")
        with ExitStack() as stack:
            stream = Hashing(stack.enter_context(source(file)))
            rejects = (
                stack.enter_context(whole_file(options["rejects"], force=options["force"]))
                if options["rejects"]
                else None
            )
            told = stack.enter_context(progress("rows"))
            if dry_run:
                stack.enter_context(transaction.atomic())
                stack.callback(transaction.set_rollback, True)
            tally = import_applications(
                io.BufferedReader(stream, 1 << 16),
                target,
                format=options["format"] or ("jsonl" if file.lower().endswith((".jsonl", ".ndjson")) else "csv"),
                actor=who,
                on_rejected=lambda one: self._tell(one, rejects),
                on_progress=lambda tally: told(tally.rows),
            )
            with transaction.atomic():
                counts: dict[str, Any] = {
                    "rows": tally.rows,
                    "imported": tally.imported,
                    "unchanged": tally.unchanged,
                    "rejected": tally.rejected,
                }
                record(
                    "applications.import_file",
                    actor=who,
                    entity=("cycle", cycle),
                    sha256=stream.sha256(),
                    **counts,
                )
        self._sum_up(tally, counts, cycle, dry_run=dry_run, as_json=options["json"])

    def _tell(self, one: Rejected, rejects: BinaryIO | None) -> None:
        for fault in one.faults:
            self.stderr.write(f"line {one.line}, row {one.row}: {fault.field}: {fault.reason}")
        if rejects:
            faults = [{"field": fault.field, "reason": fault.reason} for fault in one.faults]
            rejects.write(json.dumps({"line": one.line, "row": one.row, "faults": faults}).encode() + b"\n")

    def _sum_up(self, tally: Tally, counts: dict[str, int], cycle: str, *, dry_run: bool, as_json: bool) -> None:
        verb = "would import" if dry_run else "imported"
        told = f"{tally.unchanged} were there, {tally.rejected} rejected"
        summary = f"{cycle}: {verb} {tally.imported} of {tally.rows} rows, {told}"
        self.answer(summary, {"cycle": cycle, "dry_run": dry_run, **counts}, as_json=as_json)
        if tally.rejected:
            raise CommandError(f"{tally.rejected} rows were rejected.", returncode=FOUND_PROBLEMS)


class Hashing(io.RawIOBase):
    """Passes a stream on and hashes what passes, so that the log can name the file."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream, self._hash = stream, hashlib.sha256()

    def readable(self) -> bool:
        """Say so to BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next."""
        data = self._stream.read(len(buffer))
        self._hash.update(data)
        buffer[: len(data)] = data
        return len(data)

    def sha256(self) -> str:
        """Hex digest of all that has passed."""
        return self._hash.hexdigest()
