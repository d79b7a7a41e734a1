"""Leads one cycle through all phases by the commands of an operator, each a measured process of its own."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.applicants import write_applications
from benchmarks.processes import Measured, measure
from enigma.env import BASE_DIR

CODE = "bench"
MODEL = "rehearsal"
FURTHER = "further attempts"


@dataclass(slots=True)
class Step:
    """One line of the table: all runs of what it names, together."""

    name: str
    rows: int
    commands: int = 0
    seconds: float = 0.0
    work: float = 0.0  # seconds without the start-up
    peak: float = 0.0  # MiB, of the largest

    def add(self, run: Measured, *, work: float) -> None:
        """Add a command to it."""
        self.commands += 1
        self.seconds += run.seconds
        self.work += work
        self.peak = max(self.peak, run.peak)


class Cycle:
    """A cycle in a database of its own; ``steps`` fills as it is led on."""

    def __init__(self, size: int, *, folder: Path, environment: Mapping[str, str]) -> None:
        self.size, self.folder, self._environment = size, folder, environment
        self.steps: dict[str, Step] = {}
        self._clock = folder / "seconds"
        self._startups: list[float] = []

    def startup(self) -> float:
        """Return the seconds before a command begins to work, the median of all."""
        return median(self._startups)

    def lead(self, *, letters: bool = True, told: Callable[[str], None]) -> None:
        """Take all steps in order; ``told`` is given the name of each step before it is taken."""
        self._told = told
        applications = self.folder / "applications.jsonl"
        write_applications(applications, self.size)
        self._open()
        self._step("import_applications", str(applications), "--cycle", CODE)
        self._step("sequence_log")
        self._advance("freeze")
        self._advance("start_preprocessing", "--wait")
        self._evaluate()
        self._advance("perform_selection")
        # Without --wait, so that the step and the sending of its letters are told apart; a worker does the same.
        self._advance("publish_results")
        if letters:
            self._step("run_worker", "--once", name="run_worker --once (letters)")
        self._advance("complete")
        self._step("verify_audit")
        self._step("export_outcomes", CODE, "--output", str(self.folder / "outcomes.csv"))

    def _open(self) -> None:
        migrate = [sys.executable, str(BASE_DIR / "manage.py"), "migrate", "--verbosity", "0"]
        measure(migrate, environment=self._environment, folder=str(BASE_DIR))
        seats = str(max(1, self.size // 8))
        self._step("create_cycle", CODE, "--name", "Benchmark", "--seats", seats, "--demo", rows=1)

    def _evaluate(self) -> None:
        self._advance("start_batch_prep")
        files = self._export("worker")
        self._advance("start_processing")
        self._answer("worker", files)
        self._answer("judge", self._export("judge"))
        self.steps[FURTHER] = Step(FURTHER, rows=0)  # its commands come twice over, or not at all
        while wanted := self._wanted():
            for stage in ("worker", "judge"):
                self._answer(stage, self._export(stage, name=FURTHER), name=FURTHER)
            self.steps[FURTHER].rows += wanted
        self._advance("mark_scored")

    def _export(self, stage: str, *, name: str = "") -> list[str]:
        """Export what is open and return the request files."""
        options = ("--stage", stage, "--model", MODEL, "--output", str(self.folder), "--json")
        done = self._step("export_batch", CODE, *options, name=name or f"export_batch {stage}", rows=self._rows(name))
        files: list[str] = json.loads(done.output)["files"]
        return files

    def _answer(self, stage: str, files: list[str], *, name: str = "") -> None:
        answers = str(self.folder / f"{name or stage}.answers.jsonl")
        rehearsed, imported = name or f"rehearse {stage}", name or f"import_results {stage}"
        rows = self._rows(name)
        self._step("rehearse", *files, "--output", answers, "--force", name=rehearsed, rows=rows)
        self._step("import_results", answers, name=imported, rows=rows)

    def _rows(self, name: str) -> int:
        return 0 if name == FURTHER else self.size

    def _wanted(self) -> int:
        """Count the evaluations that the judge wants made anew; whom it always rejects is set aside first."""
        status = self._status()
        if waiting := status["final_scores"].get("waiting"):
            self._decide(waiting)
        wanted: int = status["requests"]["worker"].get("wanted", 0)
        return wanted

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self._manage("cycle_status", CODE, "--json").output)
        return status

    def _decide(self, waiting: int) -> None:
        """Set aside whom the judge rejected every time, as a person would."""
        listed = json.loads(self._manage("decide", CODE, "--json").output)["waiting"]
        for one in listed[:waiting]:
            self._manage("decide", CODE, one["id"], "--set-aside", "--reason", "rejected every time")

    def _advance(self, step: str, *options: str) -> None:
        self._step("advance", CODE, step, "--yes", *options, name=" ".join([step, *options]))

    def _step(self, *arguments: str, name: str = "", rows: int | None = None) -> Measured:
        name = name or arguments[0]
        self._told(f"{self.size:,} applications: {name}")
        run = self._manage(*arguments)
        work = float(self._clock.read_text())
        self._startups.append(run.seconds - work)
        step = self.steps.setdefault(name, Step(name, self.size if rows is None else rows))
        step.add(run, work=work)
        return run

    def _manage(self, *arguments: str) -> Measured:
        command = [sys.executable, "-m", "benchmarks.command", str(self._clock), *arguments]
        return measure(command, environment=self._environment, folder=str(BASE_DIR))
