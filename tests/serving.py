"""Runs the server that production runs, with a worker beside it, on a free port of this machine."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from enigma.env import BASE_DIR
from enigma.serving import port_near

SETTINGS = "tests.fuzz.settings"  # plain http, no limits on how often


@contextmanager
def serving(environment: Mapping[str, str], *, before: Sequence[str] = ()) -> Iterator[str]:
    """Yield the address once server and worker are ready; both end with the block. ``before`` is a command to run."""
    port = port_near(0)
    granian = ["-m", "granian", "--interface", "wsgi", "--port", str(port), "--blocking-threads", "4"]
    programs = ([*granian, "--no-access-log", "enigma.wsgi:application"], ["manage.py", "run_worker"])
    whole = {**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS, **environment}
    if before:
        subprocess.run([sys.executable, "manage.py", *before], cwd=BASE_DIR, env=whole, check=True)
    log = Path(tempfile.gettempdir()) / f"enigma-server-{port}.log"
    with log.open("wb") as stream:
        running = [
            subprocess.Popen([sys.executable, *program], cwd=BASE_DIR, env=whole, stdout=stream, stderr=stream)
            for program in programs
        ]
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", log=log)
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def wait_for(address: str, *, log: Path) -> None:
    """Wait up to half a minute for an address to answer with success."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310  our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} does not answer; its log is {log}:\n{log.read_text()}")
