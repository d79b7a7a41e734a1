"""Answer request files with a stand-in engine; needs no database."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batches.answers import Failure
from batches.formats import Line, lines
from batches.rehearsal import MODEL, read_request, rehearse
from enigma.errors import Malformed


class Command(BaseCommand):
    help = "Answer request files with a stand-in that invents plausible answers (for demo and tests)"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files and the seed."""
        parser.add_argument("requests", nargs="+", metavar="REQUESTS", help="request file, or - for stdin")
        parser.add_argument("--output", required=True, metavar="FILE", help="result file, or - for stdout")
        parser.add_argument("--seed", type=int, default=1, help="another seed, other answers (default 1)")
        parser.add_argument("--force", action="store_true", help="overwrite the output file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write one result line for each request line that can be read; name the others."""
        self.stderr.write(
            f"rehearsal: a stand-in invents these answers, no engine is asked (model {MODEL!r})"
        )
        good, bad = 0, 0
        try:
            with _output(options["output"], force=options["force"]) as output:
                for answer in _answers(options["requests"], seed=options["seed"]):
                    if isinstance(answer, str):
                        bad += 1
                        self.stderr.write(answer)
                    else:
                        good += 1
                        output.write(answer)
                if bad and not good:
                    raise CommandError(f"no request of ours in {bad} lines", returncode=2)
        except OSError as fault:
            raise CommandError(f"{fault.filename}: {fault.strerror}", returncode=2) from None
        self.stderr.write(f"answered {good} requests to {options['output']}, refused {bad} lines")
        if bad:
            raise CommandError(f"{bad} lines are no requests of ours", returncode=1)


def _answers(names: list[str], *, seed: int) -> Iterator[bytes | str]:
    """Yield a result line, or the sentence that names a bad line; all requests must be of one format."""
    format_name = None
    for name in names:
        with _input(name) as stream:
            for line in lines(stream):
                try:
                    case = read_request(_content(line))
                    format_name = format_name or case.format
                    if case.format != format_name:
                        raise Malformed(f"a request in {case.format}, after others in {format_name}")
                    yield rehearse(case, seed=seed)
                except Malformed as fault:
                    yield f"{name}, line {line.number}: {fault}"


def _content(line: Line) -> bytes:
    if isinstance(line.content, Failure):
        raise Malformed(line.content.detail)
    return line.content


@contextmanager
def _input(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
    else:
        with open(name, "rb") as stream:
            yield stream


@contextmanager
def _output(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Yield a stream to NAME.part, only for its owner, and rename it once it is whole."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target, part = Path(name), Path(f"{name}.part")
    if target.exists() and not force:
        raise CommandError(f"{name} exists; --force overwrites it", returncode=2)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
