"""The benchmark of the last minute hands in through a real server and notices who is lost; how fast is no promise."""

import re
import subprocess
import sys

import pytest

from benchmarks.rush import Sent, _report
from enigma.env import BASE_DIR


@pytest.mark.timeout(200)
def test_twenty_people_hand_in_at_once_and_all_are_stored():
    size = ["--applications", "20", "--clients", "10", "--workers", "1", "--threads", "2"]
    command = [sys.executable, "-m", "benchmarks.rush", *size]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acknowledged 20, stored 20, lost 0, twice 0\nerrors: none" in done.stdout
    assert re.search(r"p50 \d+\.\d\d s, p99 \d+\.\d\d s", done.stdout)


def told(sent, stored, twice=0):
    return _report(sent, stored, seconds=1, twice=twice, clients=1)


def test_who_was_acknowledged_and_is_not_stored_is_a_failure(capsys):
    sent = [Sent("A", "", 0.1), Sent("B", "", 0.2), Sent("", "HTTP/1.1 503", 0.3)]
    assert told(sent, {"A", "B"}) == 0  # a refusal that is told as one loses nobody
    assert told(sent, {"A"}) == 1
    assert told(sent, {"A", "B"}, twice=1) == 1
    assert "lost 1" in capsys.readouterr().out


def test_a_rush_in_which_nobody_was_answered_can_be_reported(capsys):
    assert told([Sent("", "TimeoutError", 1.0)], set()) == 0
    assert "acknowledged 0, stored 0" in capsys.readouterr().out
