"""Run a command beside an embedded PostgreSQL: ``python -m enigma.postgres --throwaway -- COMMAND...``.

With DATABASE_URL set the command simply runs, on that server. Signals are passed on; no process stays behind.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil

from enigma.cluster import DATABASE, DURABLE, Server
from enigma.env import load_env_file
from enigma.errors import Refused
from enigma.places import default_folder, lasting_server, throwaway_server

MARK = "ENIGMA_LAUNCHER"  # stands in the environment of everything that a launcher runs


class Relay:
    """Passes on to a command the signals that reach its launcher, also those that come before it runs."""

    def __init__(self) -> None:
        """Take over the signals that ask a program to end."""
        self.command: subprocess.Popen[bytes] | None = None
        self.received: signal.Signals | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, self._on_signal)

    def run(self, arguments: Sequence[str], *, environment: Mapping[str, str]) -> int:
        """Run the command, end what it left running, and return its exit code (128 + N after signal N)."""
        if early := self.received:
            return 128 + early
        try:
            command = self.command = subprocess.Popen(arguments, env=environment)
        except OSError as error:
            raise Refused(f"{arguments[0]} cannot be run: {error.strerror}.") from None
        if early := self.received:  # while it was being started
            command.send_signal(early)
        code = command.wait()
        _end_all_marked(environment[MARK])
        return code if code >= 0 else 128 - code

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.received = signal.Signals(number)
        # A key at the terminal has reached the command already; a second Ctrl-C would mean "at once".
        if self.command is not None and (number == signal.SIGTERM or not _in_foreground()):
            self.command.send_signal(number)


def _in_foreground() -> bool:
    """Tell whether a terminal sends its signals to this process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _end_all_marked(mark: str) -> None:
    """End what a command left running when it crashed; everything it started carries its mark."""
    left = [process for process in psutil.process_iter() if _carries(process, mark)]
    for process in left:
        process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for process in stubborn:
        process.kill()


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return bool(process.environ().get(MARK) == mark)
    except (psutil.Error, OSError):
        return False


def _environment(server: Server) -> dict[str, str]:
    """Return our environment with the way to the server: for Django, and for psql and pg_dump by hand."""
    return {
        **os.environ,
        "DATABASE_URL": server.url(DATABASE),
        "PGHOST": str(server.data),
        "PGPORT": server.settings["port"],
        "PGUSER": "postgres",
        "PGDATABASE": DATABASE,
        "ENIGMA_PG_BIN": str(server.programs),
        "ENIGMA_PG_LOG": str(server.log),
        MARK: f"{os.getpid()}-{time.time_ns()}",
    }


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m enigma.postgres", description=__doc__)
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--data", type=Path, help="folder of the database (default: one for this checkout)")
    place.add_argument("--throwaway", action="store_true", help="a fresh database, removed afterwards")
    place.add_argument("--remove", action="store_true", help="remove the database of this checkout; runs nothing")
    parser.add_argument("--durable", action="store_true", help="with --throwaway: as safe as one that stays")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    options = parser.parse_args(argv)
    options.command = options.command[options.command[:1] == ["--"] :]
    if bool(options.command) == options.remove:
        parser.error("name the command to run after --, or --remove alone")
    if options.durable and not options.throwaway:
        parser.error("--durable belongs to --throwaway; every other database is durable")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit code, or that of our refusal."""
    options = _arguments(argv)
    try:
        if options.remove:
            Server(default_folder(), settings=DURABLE).remove()
            return 0
        if options.throwaway:
            return _run(options.command, throwaway_server(durable=options.durable))
        load_env_file()  # only here: tests must not find the server that somebody's .env names
        return _run(options.command, lasting_server((options.data or default_folder()).absolute()))
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return refusal.returncode


def _run(command: list[str], embedded: AbstractContextManager[Server]) -> int:
    if os.environ.get("DATABASE_URL"):
        _become(command)
    relay = Relay()
    with embedded as server:
        return relay.run(command, environment=_environment(server))


def _become(command: list[str]) -> NoReturn:
    try:
        os.execvp(command[0], command)  # noqa: S606  the caller's own command
    except OSError as error:
        raise Refused(f"{command[0]} cannot be run: {error.strerror}.") from None


if __name__ == "__main__":
    sys.exit(main())
