"""``python -m benchmarks``: lead cycles of several sizes through all phases and print what every step took."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks.cycle import Cycle
from benchmarks.database import environment_of, fresh_database
from benchmarks.processes import Failed, measure
from benchmarks.table import Result, report
from enigma.env import BASE_DIR

SIZES = [1_000, 10_000]
MOST_LIMIT_ROWS = 10_000  # more tell nothing more of a rate


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the report, write the figures; return the exit code."""
    options = _arguments(argv)
    if not os.environ.get("DATABASE_URL"):
        sys.stderr.write("Set DATABASE_URL to a server where a database may be created, or run `make bench`.\n")
        return 2
    results: list[Result] = []
    try:
        for size in sorted(options.sizes):
            results.append(_led(size, letters=not options.without_letters))
    except Failed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    finally:  # what was measured so far is worth its minutes
        if results:
            print(report(results))
    if options.json:
        options.json.write_text(json.dumps([result.as_json() for result in results], indent=1) + "\n")
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=_size, nargs="+", default=SIZES, metavar="N", help="applications a cycle")
    parser.add_argument("--without-letters", action="store_true", help="leave the letters unsent: they take most")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    return parser.parse_args(argv)


def _size(text: str) -> int:
    if (size := int(text)) < 1:
        raise argparse.ArgumentTypeError("a cycle has at least one application")
    return size


def _led(size: int, *, letters: bool) -> Result:
    """Lead a cycle in a database and a folder of its own; both are gone afterwards."""
    with fresh_database(f"enigma_benchmark_{os.getpid()}") as url, tempfile.TemporaryDirectory() as folder:
        environment = environment_of(url, Path(folder))
        cycle = Cycle(size, folder=Path(folder), environment=environment)
        cycle.lead(letters=letters, told=_tell)
        _tell(f"{size:,} applications: limits of the machine")
        most = str(min(size, MOST_LIMIT_ROWS))
        command = [sys.executable, "-m", "benchmarks.limits", folder, most]
        limits = json.loads(measure(command, environment=environment, folder=str(BASE_DIR)).output)
        return Result(size, cycle.startup(), cycle.steps, limits, _entries(url))


def _entries(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM hash_chain").fetchone()
        return row[0] if row else 0


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
    else:
        sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    sys.exit(main())
