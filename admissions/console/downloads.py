"""Lists that leave the house after publication: sent by POST, streamed, and each in the audit log."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.browser import actor_of
from admissions.console.cycles import cycle_or_404
from admissions.disclosure import outcome_lines, published_ranking
from admissions.models.cycles import AdmissionCycle
from enigma.console.pages import ConsolePage, console_path
from enigma.console.registry import add_routes
from enigma.errors import Denied, Refused

LINES = 500  # sent together: a line alone costs more on its way than in the database
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class Download(ConsolePage):
    """A file that is written while it is sent."""

    file: ClassVar[str] = ""

    def post(self, request: HttpRequest, code: str) -> HttpResponseBase:
        """Send the file, or say on the page of the cycle why not."""
        cycle = cycle_or_404(code)
        format = request.POST.get("format", "csv")
        format = format if format in TYPES else "csv"
        try:
            lines = self.lines(cycle, format)
        except Denied:
            raise
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:cycle", code)
        name = f"{cycle.code}-{self.file}.{format}"
        about = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(_blocks(lines), content_type=TYPES[format], headers=about)

    def lines(self, cycle: AdmissionCycle, format: str) -> Iterable[bytes]:
        """Return what the file holds; raise a refusal before the first line."""
        raise NotImplementedError


class Outcomes(Download):
    """Who got which outcome, with names and addresses."""

    needs = {"post": "outcomes.export"}
    file = "outcomes"

    def lines(self, cycle: AdmissionCycle, format: str) -> Iterable[bytes]:
        """Return a line for each applicant."""
        return outcome_lines(cycle, format=format, actor=actor_of(self.request.user))


class Ranking(Download):
    """The ranked input of the selection: whoever has it can check the digest in the log."""

    needs = {"post": "cycle.view"}
    file = "ranking"

    def lines(self, cycle: AdmissionCycle, format: str) -> Iterable[bytes]:
        """Return its lines, the same in every format."""
        return published_ranking(cycle, actor=actor_of(self.request.user))


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    left = iter(lines)
    while block := b"".join(islice(left, LINES)):
        yield block


add_routes(
    console_path("cycles/<slug:code>/outcomes/", Outcomes, name="cycle-outcomes"),
    console_path("cycles/<slug:code>/ranking/", Ranking, name="cycle-ranking"),
)
