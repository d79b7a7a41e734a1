"""Read what mail servers sent back and mark the letters that did not arrive: ``manage.py import_bounces FILE...``."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accounts.actors import acting
from admissions.bounce_reports import Bounce, Unread, read_reports
from admissions.bounces import note_bounces
from enigma.errors import Malformed
from enigma.operation import OperatorCommand

STDIN = "-"


class Command(OperatorCommand):
    help = "Mark the letters that came back, by delivery status notifications in .eml or mbox files"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("files", nargs="+", metavar="FILE", help=f"a message, an mbox, or {STDIN} for stdin")
        parser.add_argument("--actor", metavar="E-MAIL", help="the member of staff who imports")
        parser.add_argument("--json", action="store_true")

    def operate(self, *, files: list[str], actor: str | None, **options: Any) -> None:
        """Read all files as one import."""
        facts = note_bounces(_reports(files), actor=acting(actor)).facts()
        summary = ", ".join(f"{name} {count}" for name, count in facts.items())
        self.answer(summary, facts, as_json=options["json"])


def _reports(files: list[str]) -> Iterator[Bounce | Unread]:
    for name in files:
        if name == STDIN:
            yield from read_reports(sys.stdin.buffer)
            continue
        try:
            with Path(name).open("rb") as stream:
                yield from read_reports(stream)
        except OSError as fault:
            raise Malformed(f"{name} cannot be read: {fault.strerror}.") from None
