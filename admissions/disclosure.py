"""Lists that leave the house after publication: outcomes with identities for the office, the ranking for anybody."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.digests import ranking_lines
from admissions.models.outcomes import may_see_result
from admissions.phases import PhaseError
from audit.log import record
from enigma.encryption import UnreadableRecord
from enigma.keys import keyring

CHUNK = 2_000
PERSONAL = ("name", "email", "phone", "address")
COLUMNS = ("reference", "external_id", *PERSONAL, "outcome", "rank", "total")
# A spreadsheet runs a cell that begins so; an apostrophe before it makes it text. One that is told to split at
# another sign than the comma finds such beginnings inside a cell too, and drops a quote that stands before them.
_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  full-width forms count too
_LIVE_INSIDE = re.compile(r"""([;\t|\r\n][\s"]*)(?=[=+@\-＝＋－＠])""")  # noqa: RUF001

_OUTCOMES = """
    SELECT application.id, application.reference, application.external_id, application.status, application.outcome,
           application.rank, score.total, identity.wrapped_key, identity.sealed_identity
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      LEFT JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s
     ORDER BY application.rank NULLS LAST, application.reference
"""


def outcome_lines(cycle: AdmissionCycle, *, format: str, actor: Actor) -> Iterator[bytes]:
    """Return a line for each applicant, identity included, as csv (with a header) or jsonl.

    The audit entry is committed before the first identity is opened. Raises PhaseError before publication, Denied.
    """
    actor.require("outcomes.export")
    _demand_published(cycle)
    with transaction.atomic():
        record("outcomes.export", actor=actor, entity=("cycle", cycle.code), format=format)
    if format == "csv":
        header = dict(zip(COLUMNS, COLUMNS, strict=True))
        return map(_csv_line, chain([header], _people(cycle)))
    return map(_json_line, _people(cycle))


def export_outcomes(cycle: AdmissionCycle, stream: BinaryIO, *, format: str, actor: Actor) -> int:
    """Write ``outcome_lines``; return how many applicants there are."""
    return _written(stream, outcome_lines(cycle, format=format, actor=actor)) - (format == "csv")


def published_ranking(cycle: AdmissionCycle, *, actor: Actor) -> Iterator[bytes]:
    """Return the lines of the ranked input of the selection, whose SHA-256 stands in the selection log."""
    actor.require("cycle.view")
    _demand_published(cycle)
    with transaction.atomic():
        record("ranking.export", actor=actor, entity=("cycle", cycle.code))
    return ranking_lines(cycle)


def export_ranking(cycle: AdmissionCycle, stream: BinaryIO, *, actor: Actor) -> int:
    """Write ``published_ranking``; return how many lines."""
    return _written(stream, published_ranking(cycle, actor=actor))


def inert(cell: object) -> str:
    """Return a cell that no spreadsheet runs, nor a part of it where it splits at semicolons, tabs or bars."""
    text = _LIVE_INSIDE.sub(r"\1'", "" if cell is None else str(cell))
    return f"'{text}" if text.startswith(_LIVE) else text


def _demand_published(cycle: AdmissionCycle) -> None:
    if not may_see_result(cycle):
        raise PhaseError(f"The outcomes of {cycle.code} are under embargo until publication; it is in {cycle.phase}.")


def _people(cycle: AdmissionCycle) -> Iterator[dict[str, Any]]:
    for pk, reference, external_id, status, outcome, rank, total, wrapped, sealed in _streamed(_OUTCOMES, cycle):
        known = _identity(pk, wrapped, sealed)
        total_text = f"{total:.4f}" if rank is not None else None
        yield {
            "reference": reference,
            "external_id": external_id,
            **known,
            "outcome": outcome or ("withdrawn" if status == "withdrawn" else "not_assessed"),
            "rank": rank,
            "total": total_text,
        }


def _identity(pk: int, wrapped: str | None, sealed: str | None) -> dict[str, Any]:
    """Open who applied; all empty for a record that was erased or does not open, so that it holds back no other."""
    person: dict[str, Any] = {}
    if wrapped is not None and sealed is not None:
        with suppress(UnreadableRecord):
            person = keyring().unwrap(wrapped).open(sealed, record=str(pk), kind=IdentityMapping.IDENTITY)
    return {field: person.get(field) for field in PERSONAL}


def _streamed(statement: str, cycle: AdmissionCycle) -> Iterator[tuple[Any, ...]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def _written(stream: BinaryIO, lines: Iterator[bytes]) -> int:
    count = 0
    for line in lines:
        stream.write(line)
        count += 1
    return count


def _csv_line(row: dict[str, Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([inert(row[column]) for column in COLUMNS])
    return text.getvalue().encode()


def _json_line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"
