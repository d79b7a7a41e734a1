"""``python -m benchmarks.console``: how long each page of the console takes beside so many applications.

Leads a small cycle to its end in a database of its own, multiplies its rows there by SQL, and asks for every page of
the navigation, for what these link to as filters and further pages, and for the cycle in each of its later phases.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.database import environment_of, fresh_database
from enigma.env import BASE_DIR


def main(argv: Sequence[str] | None = None) -> int:
    """Fill, measure, print the slowest first; return 1 when a page takes longer than the most that is allowed."""
    options = _arguments(argv)
    if not os.environ.get("DATABASE_URL"):
        sys.stderr.write("Set DATABASE_URL to a server where a database may be created.\n")
        return 2
    with fresh_database(f"enigma_console_{os.getpid()}") as url, tempfile.TemporaryDirectory() as folder:
        environment = {
            **environment_of(url, Path(folder)),
            "SECOND_FACTOR_OPTIONAL": "1",
            "ALLOWED_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": "benchmarks.rush_settings",  # static files lie where they are, uncollected
        }
        for program in (
            ["manage.py", "migrate", "--verbosity", "0"],
            ["-m", "benchmarks.console_rows", folder, str(options.applications)],
        ):
            subprocess.run([sys.executable, *program], cwd=BASE_DIR, env=environment, check=True)
        command = [sys.executable, "-m", "benchmarks.console_pages", str(options.repeats)]
        done = subprocess.run(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True)
    pages = sorted(json.loads(done.stdout), key=lambda page: -page["milliseconds"])
    print(f"{options.applications:,} applications; the median of {options.repeats} answers of each page")
    print("      ms  queries      KB  page")
    for page in pages:
        print("{milliseconds:8.0f} {queries:8} {kilobytes:7.0f}  {page}".format(**page))
    return int(any(page["milliseconds"] > options.most for page in pages))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--applications", type=int, default=100_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="how often each page is asked for")
    parser.add_argument("--most", type=float, default=500, metavar="MS", help="what no page may take")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
