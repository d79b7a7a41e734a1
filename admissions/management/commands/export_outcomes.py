"""Give the office the outcomes with names, after publication: ``manage.py export_outcomes CODE --output FILE|-``."""

from argparse import ArgumentParser
from typing import Any

from accounts.actors import acting
from admissions.cycles import cycle_named
from admissions.disclosure import export_outcomes
from enigma.files import whole_file
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Write all outcomes with identities, after publication; the export is audited"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("--output", required=True, metavar="FILE", help="path, or - for standard output")
        parser.add_argument("--format", choices=["csv", "jsonl"], default="csv")
        parser.add_argument("--force", action="store_true", help="replace a file that is there")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, code: str, output: str, **options: Any) -> None:
        """Write the list; the summary goes to stderr, since stdout may be the file."""
        cycle = cycle_named(code)
        with whole_file(output, force=options["force"]) as stream:
            count = export_outcomes(cycle, stream, format=options["format"], actor=acting(options["actor"]))
        self.say(f"{code}: {count} outcomes written to {output}")
