"""Moves waiting entries into the two logs, once or until interrupted."""

import argparse
from threading import Event
from typing import Any

from audit.sequencer import follow, sequence_all
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Move what deeds have noted from the outbox into the audit log and the public chain."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--follow keeps going; any number may run, one works at a time."""
        parser.add_argument("--follow", action="store_true", help="keep going until interrupted")

    def operate(self, **options: Any) -> None:
        """Sequence and say how many."""
        if options["follow"]:
            self.say("Sequencing; interrupt to stop.")
            follow(Event())
        else:
            self.say(f"{sequence_all()} entries sequenced.")
