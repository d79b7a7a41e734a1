"""Hold the records of a cycle against the public log: ``manage.py verify_records CODE``."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from accounts.actors import acting
from admissions.attestation import attest
from admissions.cycles import cycle_named
from enigma.operation import FOUND_PROBLEMS, OperatorCommand


class Command(OperatorCommand):
    help = "Recompute all that the log holds of a cycle from the stored records, and compare"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, code: str, actor: str | None, **options: Any) -> None:
        """Compare, name every record that differs, and sum up."""
        found = attest(cycle_named(code), actor=acting(actor))
        for wrong in found.mismatches:
            self.stderr.write(f"{wrong.kind} {wrong.ref}: {wrong.reason}")
        counts = f"{found.submissions} submissions, {found.blind_copies} blind copies and {found.decisions} decisions"
        erased = f"; {found.erased} erased" if found.erased else ""
        summary = f"{code}: {counts} compared with the log{erased}"
        self.answer(summary, {"code": code, "ok": not found.mismatches, **asdict(found)}, as_json=options["json"])
        if found.mismatches:
            raise CommandError(f"{len(found.mismatches)} records differ from the log.", returncode=FOUND_PROBLEMS)
