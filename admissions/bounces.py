"""Mark the letters that came back, by the reports of mail servers; no address of a report is kept or logged."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.bounce_reports import Bounce, Unread
from admissions.models.letters import Letter
from audit.log import record

CHUNK = 1_000

_MARK = """
    UPDATE letters
       SET state = 'bounced', bounce = report.status
      FROM unnest(%s::uuid[], %s::varchar[]) AS report (mail_id, status)
     WHERE letters.mail_id = report.mail_id AND letters.state = 'sent'
"""


@dataclass(slots=True)
class Tally:
    """What came of an import: letters marked now, marked before, not ours; and messages by why they tell nothing."""

    bounced: int = 0
    known: int = 0
    foreign: int = 0
    unread: Counter[str] = field(default_factory=Counter)

    def facts(self) -> dict[str, int]:
        """All of it as JSON values."""
        own = {"bounced": self.bounced, "known": self.known, "foreign": self.foreign}
        return {**own, **{reason: self.unread[reason] for reason in sorted(self.unread)}}


def note_bounces(reports: Iterable[Bounce | Unread], *, actor: Actor) -> Tally:
    """Mark each letter that a report calls undelivered; return the counts. Reports may come twice, and in any order.

    A letter that was queued again since has another name, so a late report about the mail before finds nothing.
    """
    actor.require("letters.edit")
    tally = Tally()
    reports = iter(reports)
    with transaction.atomic():
        while chunk := list(islice(reports, CHUNK)):
            tally.unread.update(report.reason for report in chunk if isinstance(report, Unread))
            _mark({report.mail_id: report.status for report in _bounces(chunk)}, tally)
        counts: dict[str, Any] = tally.facts()
        record("letters.bounces", actor=actor, entity=("letters", "bounces"), **counts)
    return tally


def _bounces(chunk: list[Bounce | Unread]) -> Iterator[Bounce]:
    return (report for report in chunk if isinstance(report, Bounce))


def _mark(found: dict[UUID, str], tally: Tally) -> None:
    if not found:
        return
    ours = Letter.objects.filter(mail_id__in=list(found)).count()
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [list(found), list(found.values())])
        marked = cursor.rowcount
    tally.bounced += marked
    tally.known += ours - marked
    tally.foreign += len(found) - ours
