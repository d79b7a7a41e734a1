"""Runs one of ENIGMA's commands as manage.py does, and notes how long it worked once it had started up.

``python -m benchmarks.command FILE COMMAND...`` writes the seconds to FILE.
"""

import sys
import time
from pathlib import Path

import django
from django.core.management import execute_from_command_line, load_command_class
from django.core.management import get_commands as commands
from django.db import connections


def main(file: str, command: str, *arguments: str) -> None:
    """Start up as far as every command does, then run this one by the clock."""
    django.setup()
    load_command_class(commands()[command], command).check()
    connections["default"].ensure_connection()
    began = time.perf_counter()
    try:
        execute_from_command_line(["manage.py", command, *arguments])
    finally:
        Path(file).write_text(str(time.perf_counter() - began), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
