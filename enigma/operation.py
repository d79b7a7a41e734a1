"""What ENIGMA's commands share: refusals become exit codes, progress goes to a terminal only, data to stdout."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from enigma.encryption import UnreadableRecord
from enigma.errors import Refused

FOUND_PROBLEMS = 1


class OperatorCommand(BaseCommand):
    """A command whose ``operate`` may raise Refused: its sentence goes to stderr, its code to the shell."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run ``operate``; raise CommandError with the refusal's exit code."""
        try:
            self.operate(**options)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=refusal.returncode) from None
        except UnreadableRecord as fault:
            told = f"A sealed record does not open ({fault}). Is a master key missing from ENIGMA_FERNET_KEYS?"
            raise CommandError(told, returncode=FOUND_PROBLEMS) from None
        except OperationalError as fault:
            told = f"The database does not answer: {str(fault).splitlines()[0]}"
            raise CommandError(told, returncode=FOUND_PROBLEMS) from fault

    def operate(self, **options: Any) -> None:
        """Do the work; subclasses say what."""
        raise NotImplementedError

    def say(self, message: str) -> None:
        """Tell a person something, beside the data."""
        self.stderr.write(self.style.NOTICE(message) if self.stderr.isatty() else message)

    def answer(self, summary: str, data: dict[str, Any], *, as_json: bool) -> None:
        """Write the outcome to stdout: one line for a person, or one JSON object."""
        self.stdout.write(json.dumps(data, ensure_ascii=False) if as_json else summary)

    def agree(self, question: str, *, yes: bool) -> None:
        """Ask before a step that cannot be undone, if there is somebody to ask; raise CommandError on a no."""
        if yes or not sys.stdin.isatty():
            return
        if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was done.", returncode=2)


@contextmanager
def progress(label: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how much is done so far; it draws a bar on stderr when that is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
