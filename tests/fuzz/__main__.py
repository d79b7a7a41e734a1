"""``python -m tests.fuzz``: start a server on a database with cycles in it, ask it everything, and count."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.fuzz.settings"

import django

django.setup()

from django.core.management import call_command

from accounts.roles import STAFF, VERBS
from admissions.phases import Phase
from enigma.env import BASE_DIR
from tests.factories import applicants, apply, cycle, lead
from tests.serving import serving

ROLES = ("nobody", "applicant", *STAFF, *sorted(VERBS))
CYCLES = {"fall-2026": Phase.SUBMISSION, "spring-2026": Phase.PROCESSING, "fall-2025": Phase.COMPLETED}


def main() -> int:
    """Fuzz as every role that was named; return 1 when one of them found a failure."""
    options = argparse.ArgumentParser(prog="make fuzz ARGS=…")
    options.add_argument("--roles", default=",".join(ROLES))
    options.add_argument("--examples", type=int, default=5, help="random cases of each operation")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    options.add_argument("--path", default="", help="only operations whose address matches this expression")
    chosen = options.parse_args()
    fill()
    failed, cases = 0, 0
    with serving({}) as address:
        for role in chosen.roles.split(","):
            began = time.monotonic()
            found = fuzz(address, role, chosen)
            failed += found["exit"]
            cases += found["cases"]
            sys.stdout.write(f"{role}: {found}, {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
    sys.stdout.write(f"{cases} cases\n")
    return min(failed, 1)


def fill() -> None:
    """Make a cycle of each kind: one that is open, one that is being scored, one that is over."""
    call_command("migrate", verbosity=0)
    for code, phase in CYCLES.items():
        one = cycle(code)
        apply(one, applicants(3))
        lead(one, phase)


def fuzz(address: str, role: str, chosen: argparse.Namespace) -> dict[str, int]:
    """Run schemathesis as one role; return its exit code, how many cases it made and how many failures it found."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "tests/fuzz/schemathesis.toml"),
            *("run", f"{address}/api/schema/", "--max-examples", str(chosen.examples), "--seed", str(chosen.seed)),
            *("--phases", chosen.phases, "--report-json-path", str(report), "--report-dir", folder),
            *("--continue-on-failure", "--suppress-health-check", "all", "--no-color"),
            *(["--include-path-regex", chosen.path] if chosen.path else []),
        ]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_ROLE": role}
        done = subprocess.run(command, env=environment, cwd=BASE_DIR, check=False, capture_output=True, text=True)
        told = json.loads(report.read_text()) if report.exists() else {}
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    cases = told.get("test_cases", {}).get("generated", 0)
    found = {name: len(told.get(name, ())) for name in ("failures", "errors")}
    return {"exit": done.returncode, "cases": cases, **found}


if __name__ == "__main__":
    sys.exit(main())
