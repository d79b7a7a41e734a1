"""The report: what every step took, how that grows with the applications, and which share of its limits it reaches."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.cycle import Step

WIDTH = 110
LEAST_WORK = 0.05  # seconds; below it a rate is noise


@dataclass(frozen=True, slots=True)
class Operation:
    """A step beside the limits of which it is made; ``aim`` is the share of them to reach, in per cent."""

    name: str
    step: str
    parts: tuple[str, ...]
    aim: int
    without: str = ""  # a limit whose own time is taken out of the step first


OPERATIONS = (
    Operation("import", "import_applications", ("parse", "seal", "copy_applications", "sha256_copy"), 55),
    Operation("preprocessing", "start_preprocessing --wait", ("detector",), 100),
    Operation(
        "preprocessing without the detector",
        "start_preprocessing --wait",
        ("read_sealed", "open_all", "seal_blind", "copy_blind"),
        45,
        without="detector",
    ),
    Operation("export", "export_batch worker", ("open_blind", "cursor_orjson_file"), 85),
    Operation("import of results", "import_results worker", ("loads_copy_insert",), 55),
    Operation("selection", "perform_selection", ("narrow_update",), 50),
    Operation("publication", "publish_results", ("open_identity", "sha256_copy"), 60),
    Operation("verification", "verify_audit", ("verify_statement",), 80),
)


@dataclass(frozen=True, slots=True)
class Result:
    """All that one size has given: the steps in order, the start-up of a command, the limits in rows a second."""

    size: int
    startup: float
    steps: dict[str, Step]
    limits: dict[str, float]
    entries: int  # of the public log

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return asdict(self) | {"reached": {one.name: reached(one, self) for one in OPERATIONS}}


def reached(operation: Operation, result: Result) -> float | None:
    """Return the share of its limits that a step reaches, in per cent; None when it is too short to tell."""
    step = result.steps[operation.step]
    rows = result.entries if operation.step == "verify_audit" else step.rows
    work = step.work - (rows / result.limits[operation.without] if operation.without else 0.0)
    if work < LEAST_WORK:
        return None
    return 100 * sum(rows / result.limits[part] for part in operation.parts) / work


def report(results: Sequence[Result]) -> str:
    """Return the whole report as plain text."""
    return "\n".join([*_steps(results), "", *_limits(results), "", *_reached(results)])


def _steps(results: Sequence[Result]) -> Iterator[str]:
    first, last = results[0], results[-1]
    yield "wall: seconds; work: seconds once the command has started up; MiB: peak memory of one process"
    if first is not last:
        more = last.size / first.size
        yield f"time x, +MiB: work and peak at {last.size:,} against those at {first.size:,} ({more:g} times as many)"
    sizes = "".join(f"|{f'{result.size:,} applications':^32}" for result in _shown(results))
    yield f"{'':<28}{sizes}".rstrip()
    heads = "|" + f"{'wall':>7}{'work':>8}{'rows/s':>10}{'MiB':>6} "
    yield f"{'step':<28}{heads * len(_shown(results))}|{'time x':>8}{'+MiB':>6}"
    for name in last.steps:
        yield _step_line(name, _shown(results))
    totals = "".join(f"|{_total(result):>7.1f}{'':25}" for result in _shown(results))
    yield f"{'together':<28}{totals}|".rstrip()
    startups = ", ".join(f"{result.startup:.2f} s" for result in _shown(results))
    yield f"start-up of a command: {startups}"


def _shown(results: Sequence[Result]) -> Sequence[Result]:
    """The first and the last size: what lies between is in the JSON file."""
    return results if len(results) < 3 else (results[0], results[-1])


def _total(result: Result) -> float:
    return sum(step.seconds for step in result.steps.values())


def _step_line(name: str, results: Sequence[Result]) -> str:
    runs = results[-1].steps[name].commands
    label = name if runs == 1 else f"{name} ({runs} runs)"
    cells = "".join(f"|{_cells(result, name)}" for result in results)
    return f"{label:<28}{cells}|{_growth(name, results[0], results[-1])}".rstrip()


def _cells(result: Result, name: str) -> str:
    if name not in result.steps:
        return " " * 32
    step = result.steps[name]
    rate = f"{step.rows / step.work:,.0f}" if step.rows > 1 and step.work >= LEAST_WORK else "-"
    return f"{step.seconds:>7.2f}{step.work:>8.2f}{rate:>10}{step.peak:>6.0f} "


def _growth(name: str, first: Result, last: Result) -> str:
    if first is last or name not in first.steps:
        return ""
    before, after = first.steps[name], last.steps[name]
    times = f"{after.work / before.work:.1f}" if before.work >= LEAST_WORK else "-"
    return f"{times:>8}{after.peak - before.peak:>+6.0f}"


def _limits(results: Sequence[Result]) -> Iterator[str]:
    yield "limits of this machine in this run, rows/s in one process (python -m benchmarks.limits says what each is)"
    for name in results[-1].limits:
        yield f"{name:<28}" + "".join(f"|{result.limits[name]:>32,.0f}" for result in _shown(results))


def _reached(results: Sequence[Result]) -> Iterator[str]:
    yield "share of the limits that is reached: their times one after another, against the work of the step"
    for one in OPERATIONS:
        shares = "".join(f"|{_share(reached(one, result)):>7}" for result in _shown(results))
        yield f"{one.name:<34}{shares}|{f'aim {one.aim} %':>9}  {' + '.join(one.parts)}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0f} %"
