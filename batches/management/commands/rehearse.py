"""Answer request files with a stand-in engine; needs no database."""

from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from batches.rehearsal import MODEL, BadLine, StandIn
from enigma.errors import Malformed
from enigma.files import source, whole_file
from enigma.operation import FOUND_PROBLEMS, OperatorCommand


class Command(OperatorCommand):
    help = "Answer request files with a stand-in that invents plausible answers (for demo and tests)"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the files and the seed."""
        parser.add_argument("requests", nargs="+", metavar="REQUESTS", help="request file, or - for stdin")
        parser.add_argument("--output", required=True, metavar="FILE", help="result file, or - for stdout")
        parser.add_argument("--seed", type=int, default=1, help="another seed, other answers (default 1)")
        parser.add_argument("--force", action="store_true", help="replace the output file")

    def operate(self, *, requests: list[str], output: str, seed: int, force: bool, **options: Any) -> None:
        """Write one result line for each request line that can be read; name the others."""
        self.say(f"rehearsal: a stand-in invents these answers, no engine is asked (model {MODEL!r})")
        stand_in = StandIn(seed=seed)
        good = bad = 0
        with whole_file(output, force=force) as results:
            for name in requests:
                answered, refused = self._answer(name, stand_in, results)
                good, bad = good + answered, bad + refused
            if bad and not good:
                raise Malformed(f"no request of ours in {bad} lines")
        self.say(f"answered {good} requests to {output}, refused {bad} lines")
        if bad:
            raise CommandError(f"{bad} lines are no requests of ours", returncode=FOUND_PROBLEMS)

    def _answer(self, name: str, stand_in: StandIn, results: BinaryIO) -> tuple[int, int]:
        """Answer one file; return how many lines were answered and how many refused."""
        good = bad = 0
        with source(name) as stream:
            for answer in stand_in.answers(stream):
                if isinstance(answer, BadLine):
                    bad += 1
                    self.say(f"{name}, line {answer.number}: {answer.reason}")
                else:
                    good += 1
                    results.write(answer)
        return good, bad
