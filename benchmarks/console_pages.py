"""Asks for the pages of the console by the clock: ``python -m benchmarks.console_pages REPEATS`` prints JSON."""

import json
import re
import sys
import time
from collections.abc import Iterator
from html import unescape
from statistics import median
from typing import Any

import django
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

django.setup()

from accounts.actors import operator  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from accounts.staff import create_staff  # noqa: E402
from admissions.models.blind import AnonymizedApplication  # noqa: E402
from batches.models import BatchRun, ResultFile  # noqa: E402

CYCLE = "/console/cycles/bench/"
LINKS = re.compile(r'<a href="(/console/[^"?#]*)"|<a [^>]*href="(\?[^"#]*)"')
SCORED = "CASE status WHEN 'failed' THEN 'failed' ELSE 'scored' END"
# How the cycle is turned back, and the pages that are asked for there. Scores are taken away, not kept, so backwards.
PHASES = {
    "published": ("SELECT 1", ["complete/"]),
    "selection": ("UPDATE applications SET status = coalesce(outcome, 'failed')", ["publish_results/"]),
    "scored": (f"UPDATE applications SET status = {SCORED}, outcome = NULL, rank = NULL", ["perform_selection/"]),
    "processing": ("UPDATE applications SET status = replace(status, 'scored', 'processing')", ["mark_scored/"]),
    "batch_prep": (
        "UPDATE applications SET status = replace(status, 'processing', 'batch_ready')",
        ["start_processing/"],
    ),
    "preprocessing": (
        "UPDATE applications SET status = replace(status, 'batch_ready', 'preprocessing')",
        ["start_batch_prep/"],
    ),
    "frozen": (
        "UPDATE applications SET status = replace(status, 'preprocessing', 'finalized')",
        ["start_preprocessing/"],
    ),
}


class Reader:
    """A super_admin who asks for pages."""

    def __init__(self, repeats: int) -> None:
        create_staff("bench@example.org", "a long enough password", role=Role.SUPER_ADMIN, actor=operator())
        self._repeats, self._client, self.pages = repeats, Client(), dict[str, dict[str, Any]]()
        self._client.force_login(User.objects.get(), backend="accounts.backends.RoleBackend")

    def ask(self, path: str, *, note: str = "") -> str:
        """Ask for a page several times, unless its kind was asked for already; return its text."""
        name = f"{path}{note}"
        if name in self.pages:
            return ""
        with CaptureQueriesContext(connection) as queries:
            answer = self._client.get(path, secure=True)
        asked = len(queries)  # they are forgotten with the next request
        if answer.status_code != 200:
            return ""
        times = []
        for _ in range(self._repeats):
            began = time.perf_counter()
            b"".join(self._client.get(path, secure=True))
            times.append(1_000 * (time.perf_counter() - began))
        figures = {"milliseconds": median(times), "queries": asked, "kilobytes": len(answer.content) / 1_000}
        self.pages[name] = {"page": name, **figures}
        return answer.content.decode()

    def walk(self) -> None:
        """Ask for all pages of the navigation, and for the filters and further pages of each."""
        for path in list(_links(self.ask("/console/"), "/console/")):
            for query in list(_links(self.ask(path), "?")):
                self.ask(path + query)

    def visit(self) -> None:
        """Ask for one page of each kind that lies behind a list."""
        copy = AnonymizedApplication.objects.order_by("pk")[1000 % AnonymizedApplication.objects.count()]
        blind = "/console/admissions/anonymizedapplication/"
        for path in (
            *(f"{blind}{copy.pk}/", f"{blind}?q={copy.pk.hex}", "/console/scores/bench/", f"{CYCLE}rules/"),
            f"/console/batches/batchrun/{BatchRun.objects.earliest('pk').pk}/change/",
            f"/console/batches/resultfile/{ResultFile.objects.earliest('pk').pk}/change/",
        ):
            self.ask(path)


def _links(page: str, start: str) -> Iterator[str]:
    seen = dict.fromkeys(unescape(one or other) for one, other in LINKS.findall(page))
    return (link for link in seen if link.startswith(start))


def _turn_back(phase: str, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("UPDATE admission_cycles SET phase = %s", [phase])
        cursor.execute("ANALYZE applications")


def main(repeats: str) -> None:
    """Measure, and print."""
    reader = Reader(int(repeats))
    reader.walk()
    reader.visit()
    reader.ask(CYCLE)
    for phase, (statement, pages) in PHASES.items():
        _turn_back(phase, statement)
        for path in ("/console/", CYCLE, *(CYCLE + page for page in pages)):
            reader.ask(path, note=f" in {phase}")
        if phase == "processing":
            for path in ("/console/decisions/", "/console/batches/export/", "/console/batches/upload/"):
                reader.ask(path, note=f" in {phase}")
    print(json.dumps(list(reader.pages.values())))


if __name__ == "__main__":
    main(*sys.argv[1:])
