"""``python -m benchmarks.rush``: many people hand in through the pages in the last minute, and nobody is lost.

Starts the real server on 127.0.0.1; every client has a session and a finished draft, opens the check page and sends it.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.database import environment_of, fresh_database
from enigma.env import BASE_DIR
from enigma.serving import port_near

CODE = "rush"
LAST_MINUTE = 60.0
PATIENCE = 120.0  # seconds that one client waits for an answer
_RECEIPT = re.compile(rb"/applications/([0-9A-Z-]{14})/receipt/")
_VERSION = re.compile(rb'name="version" value="(\d+)"')
_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one application: the reference that was acknowledged, or a fault; and how long the answer took."""

    reference: str
    fault: str
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare, rush, check, report; return 1 when an application was lost or is there twice."""
    options = _arguments(argv)
    if not os.environ.get("DATABASE_URL"):
        sys.stderr.write("Set DATABASE_URL to a server where a database may be created.\n")
        return 2
    with fresh_database(f"enigma_rush_{os.getpid()}") as url, tempfile.TemporaryDirectory() as folder:
        environment = _environment(url, Path(folder))
        cookies = _prepared(options.applications, environment)
        with _serving(environment, workers=options.workers, threads=options.threads) as port:
            began = time.perf_counter()
            sent = asyncio.run(_rush(port, cookies, clients=options.clients))
            seconds = time.perf_counter() - began
        stored, twice = _stored(url)
    return _report(sent, stored, seconds=seconds, twice=twice, clients=options.clients)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rush", description=__doc__)
    for name, default in (("applications", 1_000), ("clients", 200), ("workers", 2), ("threads", 4)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    return parser.parse_args(argv)


def _environment(url: str, folder: Path) -> dict[str, str]:
    own = {"DJANGO_SETTINGS_MODULE": "benchmarks.rush_settings", "ALLOWED_HOSTS": "127.0.0.1"}
    return {**environment_of(url, folder), **own, "SECURE_SSL_REDIRECT": "0"}


def _prepared(count: int, environment: Mapping[str, str]) -> list[str]:
    """Migrate, and make cycle, people, sessions and drafts; return the cookie of each session."""
    for program in (["manage.py", "migrate", "--verbosity", "0"], ["-m", "benchmarks.rush_people", CODE, str(count)]):
        command = [sys.executable, *program]
        done = subprocess.run(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True)
    cookies: list[str] = json.loads(done.stdout)
    return cookies


@contextmanager
def _serving(environment: Mapping[str, str], *, workers: int, threads: int) -> Iterator[int]:
    """Yield the port of the server that production runs; the closing time is then a minute away."""
    port = port_near(0)
    granian = ["granian", "--interface", "wsgi", "--port", str(port), "--no-access-log", "--backpressure", "1024"]
    size = ["--workers", str(workers), "--blocking-threads", str(threads)]
    command = [sys.executable, "-m", *granian, *size, "enigma.wsgi:application"]
    server = subprocess.Popen(command, cwd=BASE_DIR, env=dict(environment), stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/livez")
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE admission_cycles SET closes_at = now() + make_interval(secs => %s)", [LAST_MINUTE]
            )
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310  our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} does not answer")


async def _rush(port: int, cookies: list[str], *, clients: int) -> list[Sent]:
    """Let so many clients take one person after the other, until everybody has sent theirs."""
    left, sent = iter(cookies), list[Sent]()

    async def client() -> None:
        for cookie in left:
            sent.append(await _hand_in(port, cookie))

    await asyncio.gather(*(client() for _ in range(clients)))
    return sent


async def _hand_in(port: int, cookie: str) -> Sent:
    """Open the check page and send it, as a browser does; only the sending is timed."""
    path, began = f"/apply/{CODE}/check/", time.perf_counter()
    try:
        page = await _ask(port, f"GET {path}", f"sessionid={cookie}")
        found = [form.search(page) for form in (_VERSION, _TOKEN)]
        csrf = re.search(rb"csrftoken=(\w+)", page)
        if not (found[0] and found[1] and csrf):
            return Sent("", page[:12].decode(errors="replace"), time.perf_counter() - began)
        body = f"version={found[0][1].decode()}&csrfmiddlewaretoken={found[1][1].decode()}&declared=yes"
        began = time.perf_counter()
        answer = await _ask(port, f"POST {path}", f"sessionid={cookie}; csrftoken={csrf[1].decode()}", body)
    except OSError as fault:
        return Sent("", type(fault).__name__, time.perf_counter() - began)
    receipt = _RECEIPT.search(answer.partition(b"\r\n\r\n")[0])
    fault = "" if receipt else answer[:12].decode(errors="replace")
    return Sent(receipt[1].decode() if receipt else "", fault, time.perf_counter() - began)


async def _ask(port: int, line: str, cookies: str, body: str = "") -> bytes:
    """Send one request on a connection of its own; return the whole answer, headers and all."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if body else ""
        head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: {cookies}\r\n{form}\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer


def _stored(url: str) -> tuple[set[str], int]:
    """Return every reference that is stored, and how many people have more than one application."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT reference, applicant_id FROM applications").fetchall()
    people = Counter(person for _, person in rows)
    return {reference for reference, _ in rows}, sum(count > 1 for count in people.values())


def _report(sent: list[Sent], stored: set[str], *, seconds: float, twice: int, clients: int) -> int:
    acknowledged = [one.reference for one in sent if one.reference]
    lost = sorted(set(acknowledged) - stored)
    waits = sorted(one.seconds for one in sent if one.reference) or [0.0]
    faults = Counter(one.fault for one in sent if one.fault)
    rate = f"{len(acknowledged) / seconds:.1f} handed in a second"
    print(f"{len(sent)} people, {clients} clients, {seconds:.1f} s: {rate}, each with the check page before")
    print(f"waiting for the answer: p50 {_at(waits, 0.5):.2f} s, p99 {_at(waits, 0.99):.2f} s, most {waits[-1]:.2f} s")
    print(f"acknowledged {len(acknowledged)}, stored {len(stored)}, lost {len(lost)}, twice {twice}")
    print(f"errors: {dict(faults) or 'none'}")
    return 1 if lost or twice or len(set(acknowledged)) != len(acknowledged) else 0


def _at(waits: list[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]


if __name__ == "__main__":
    sys.exit(main())
