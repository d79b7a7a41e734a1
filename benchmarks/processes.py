"""Runs a command as a process of its own and measures it: wall time, and peak memory as the system counts it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Linux counts in KiB, macOS in bytes.
_PER_MEBIBYTE = 2**20 if sys.platform == "darwin" else 2**10


class Failed(Exception):
    """A command ended with another exit code than 0; the text says which, and what it wrote."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took, and what it wrote to stdout."""

    seconds: float
    peak: float  # MiB
    output: str


def measure(arguments: Sequence[str], *, environment: Mapping[str, str], folder: str) -> Measured:
    """Run a command to its end; raise Failed unless it ends well.

    A child begins with the peak of the process that forks it, so whoever calls this must stay small.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaints:
        began = time.perf_counter()
        child = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaints,
        )
        _, status, used = os.wait4(child.pid, 0)  # as wait(), with what the system counted
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        complaints.seek(0)
        if child.returncode:
            told = "".join(complaints.readlines()[-20:])
            raise Failed(f"{' '.join(arguments)} ended with {child.returncode}:\n{told}")
        return Measured(seconds, used.ru_maxrss / _PER_MEBIBYTE, output.read())
