"""Say where a cycle stands, with every count that must add up: ``manage.py cycle_status CODE``."""

from argparse import ArgumentParser
from typing import Any

from accounts.actors import acting
from admissions.cycles import cycle_named
from batches.status import status_of
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Say where a cycle stands"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, code: str, actor: str | None, **options: Any) -> None:
        """Print the figures."""
        acting(actor).require("cycle.view")
        status = status_of(cycle_named(code))
        lines = "\n".join(_lines(status))
        self.answer(lines, status, as_json=options["json"])


def _lines(status: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in status.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{name}: {'-' if value is None else value}")
    return lines
