"""Runs the server and a worker on this machine until somebody ends them, and leaves no process behind.

Only for a demo and for trying things out: an installation has its own supervisor (docs/operations.md).
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from enigma.env import BASE_DIR
from enigma.errors import Refused

HOST = "127.0.0.1"
READY_WITHIN = 60.0  # seconds; the worker says that it lives every 10
ENDS_WITHIN = 20.0  # seconds; then it is killed
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

Program = tuple[Sequence[str], Mapping[str, str]]


class Unserved(Refused):
    """The server or the worker did not come up, or one of them has ended by itself."""

    returncode = 1


def port_near(wanted: int) -> int:
    """Return the port that was wanted, or a free one where somebody listens on it already."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise Unserved(f"There is no free port on {HOST}.")


def server(port: int) -> list[str]:
    """Return the command of the server that production runs."""
    options = ["--interface", "wsgi", "--host", HOST, "--port", str(port), "--blocking-threads", "4"]
    return [sys.executable, "-m", "granian", *options, "--log-level", "warning", "enigma.wsgi:application"]


def worker() -> list[str]:
    """Return the command of a worker."""
    return [sys.executable, str(BASE_DIR / "manage.py"), "run_worker"]


def serve(programs: Sequence[Program], *, port: int, ready: Callable[[], None]) -> None:
    """Run the programs, call ``ready`` once the server answers that all is well, and stay until a signal comes.

    Raise Unserved when one of them ends by itself, or nothing answers in time; the others are ended all the same.
    """
    with _told_to_end() as ended, _running(programs) as running:
        _until_ready(f"http://{HOST}:{port}/readyz", running, ended)
        if not ended.is_set():
            ready()
        while not ended.wait(0.2):
            _all_alive(running)


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Yield what is set by a signal that asks to end; a second one hurries nothing and breaks nothing off."""
    ended = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, note) for number in ENDING}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _running(programs: Sequence[Program]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the programs, each in a session of its own: a Ctrl-C reaches us, and we end them in order."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command, settings in programs:
            environment = {**os.environ, **settings}
            started = subprocess.Popen(
                command, cwd=BASE_DIR, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
            )
            running.append(started)
        yield running
    finally:
        _end(running)


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    deadline = time.monotonic() + ENDS_WITHIN
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_ready(address: str, running: Sequence[subprocess.Popen[bytes]], ended: threading.Event) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not ended.is_set():
        _all_alive(running)
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310  our own server
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise Unserved(f"{address} did not say within {READY_WITHIN:.0f} seconds that all is well.") from None
            ended.wait(0.1)
        else:
            return


def _all_alive(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if (code := process.poll()) is not None:
            raise Unserved(f"{_name(process)} has ended by itself, with code {code}; what it said stands above.")


def _name(process: subprocess.Popen[bytes]) -> str:
    return "The server" if "granian" in str(process.args) else "The worker"
