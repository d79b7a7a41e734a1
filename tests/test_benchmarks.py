"""The benchmark leads a small cycle to its end and reports every step; how fast it was is nobody's promise here."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.cycle import Step
from benchmarks.limits import LIMITS
from benchmarks.processes import Failed, measure
from benchmarks.table import OPERATIONS, WIDTH, Result, reached, report
from enigma.env import BASE_DIR

STEPS = [
    "create_cycle",
    "import_applications",
    "sequence_log",
    "freeze",
    "start_preprocessing --wait",
    "start_batch_prep",
    "export_batch worker",
    "start_processing",
    "rehearse worker",
    "import_results worker",
    "export_batch judge",
    "rehearse judge",
    "import_results judge",
    "further attempts",
    "mark_scored",
    "perform_selection",
    "publish_results",
    "run_worker --once (letters)",
    "complete",
    "verify_audit",
    "export_outcomes",
]


def result(size, seconds):
    """A made-up result: every step worked that long, every limit is 1,000 rows a second."""
    times = {"seconds": 0.5 + seconds, "work": seconds}
    steps = {name: Step(name, size, commands=1, **times, peak=80.0 + size / 100) for name in STEPS}
    limits = {limit.__name__: 1_000.0 for limit in LIMITS}
    return Result(size, 0.5, steps, limits, 2 * size)


@pytest.mark.timeout(400)
def test_thirty_applicants_are_led_to_the_end_and_every_step_is_told(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--sizes", "30", "--json", str(figures)]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Failed")) == (0, 0), done.stderr
    told = json.loads(figures.read_text())[0]
    assert (told["size"], list(told["steps"])) == (30, STEPS)
    peaks = {name: step["peak"] for name, step in told["steps"].items() if step["commands"]}
    assert {name: peak for name, peak in peaks.items() if not 20 < peak < 1_000} == {}
    assert [limit.__name__ for limit in LIMITS if told["limits"][limit.__name__] <= 0] == []
    assert list(told["reached"]) == [one.name for one in OPERATIONS]
    assert [name for name in [*STEPS, *told["limits"], *told["reached"]] if name not in done.stdout] == []


def test_the_report_fits_a_terminal_and_shows_growth():
    lines = report([result(1_000, 1), result(10_000, 10)]).splitlines()
    assert max(map(len, lines)) <= WIDTH
    freeze = next(line for line in lines if line.startswith("freeze"))
    cells = [cell.split() for cell in freeze.split("|")]
    assert cells == [
        ["freeze"],
        ["1.50", "1.00", "1,000", "90"],
        ["10.50", "10.00", "1,000", "180"],
        ["10.0", "+90"],
    ]


def test_a_step_as_fast_as_its_limits_reaches_a_hundred_per_cent():
    selection = next(one for one in OPERATIONS if one.name == "selection")
    assert reached(selection, result(1_000, 1)) == pytest.approx(100)
    assert reached(replace(selection, without="narrow_update"), result(1_000, 2)) == pytest.approx(100)


def test_a_step_too_short_to_measure_claims_nothing():
    assert [reached(one, result(1_000, 0.01)) for one in OPERATIONS] == [None] * len(OPERATIONS)


def test_a_command_that_fails_is_told_with_its_complaint():
    complaint = "import sys; sys.exit('no such cycle')"
    with pytest.raises(Failed, match=r"ended with 1:\nno such cycle"):
        measure([sys.executable, "-c", complaint], environment={}, folder="/")


@pytest.mark.timeout(400)
def test_every_page_of_the_console_is_timed_in_each_phase():
    command = [sys.executable, "-m", "benchmarks.console", "--applications", "400", "--repeats", "1", "--most", "60000"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = [line.split(maxsplit=3)[3] for line in done.stdout.splitlines()[2:]]
    assert len(pages) > 40
    assert [
        path
        for path in (
            "/console/",
            "/console/cycles/bench/perform_selection/ in scored",
            "/console/cycles/bench/publish_results/ in selection",
            "/console/decisions/ in processing",
            "/console/scores/bench/",
        )
        if path not in pages
    ] == []
