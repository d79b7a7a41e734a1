"""What the log commits to of a whole cycle: one SHA-256 over a line for each application, in constant memory."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from admissions.models.applications import Application
from admissions.phases import Status

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

CHUNK = 2_000
_SCORED = (Status.SCORED, Status.SELECTED, Status.NOT_SELECTED, Status.PUBLISHED)

# The lines are those of docs/audit.md. References are random, so their order tells nothing.
# A GPA that is no number must give another line, and not break the verification: hence trim_scale, not a cast.
_SCRUBBED = """
    SELECT concat_ws(',', replace(application.receipt_ref::text, '-', ''), encode(blind.texts_sha256, 'hex'),
                     trim_scale(blind.gpa * 10000)::text, blind.test_scores::text)
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      JOIN anonymized_applications AS blind ON blind.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s
     ORDER BY application.receipt_ref
"""
_PARTS = """
    (score.total * 10000)::bigint, (score.academic * 10000)::bigint, (score.test * 10000)::bigint,
    (score.achievement * 10000)::bigint, (score.essay * 10000)::bigint
"""
_SCORES = f"""
    SELECT concat_ws(',', replace(application.receipt_ref::text, '-', ''), {_PARTS},
                     coalesce(encode(score.evidence_sha256, 'hex'), ''))
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s AND score.status = 'scored'
     ORDER BY application.receipt_ref
"""  # noqa: S608  columns of this module
# The lines of admissions.selection.ranking_line. A rank without a score gives a line too, and so another digest.
_RANKING = f"""
    SELECT concat_ws(',', replace(application.receipt_ref::text, '-', ''), {_PARTS})
      FROM applications AS application
      LEFT JOIN identity_mapping AS identity ON identity.application_id = application.id
      LEFT JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s AND application.rank IS NOT NULL
     ORDER BY application.rank, application.receipt_ref
"""  # noqa: S608  columns of this module


def ranking_lines(cycle: "AdmissionCycle") -> Iterator[bytes]:
    """Yield the ranked input of the selection from what is stored now, best first, LF at the end of each line."""
    return _lines(_RANKING, cycle)


def ranking_sha256(cycle: "AdmissionCycle") -> str:
    """Return the digest of ``ranking_lines`` in hex: what ``admissions.selection.ranking_digest`` gives."""
    return _digest(ranking_lines(cycle))[1]


def scrub_facts(cycle: "AdmissionCycle") -> dict[str, Any]:
    """What the «scrub» leaf holds: ``blind_copies`` and ``scrub_sha256``, over copies and who stands behind each."""
    count, digest = _digest(_lines(_SCRUBBED, cycle))
    return {"blind_copies": count, "scrub_sha256": digest}


def score_facts(cycle: "AdmissionCycle") -> dict[str, Any]:
    """What the «score» leaf holds: ``scored`` and ``set_aside`` applications, and ``scores_sha256``."""
    heads = Application.objects.of(cycle).heads()
    _, digest = _digest(_lines(_SCORES, cycle))
    return {
        "scored": sum(heads.get(status, 0) for status in _SCORED),
        "set_aside": heads.get(Status.FAILED, 0),
        "scores_sha256": digest,
    }


def _lines(statement: str, cycle: "AdmissionCycle") -> Iterator[bytes]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            for (line,) in rows:
                yield f"{line}\n".encode()


def _digest(lines: Iterable[bytes]) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line)
        count += 1
    return count, digest.hexdigest()
