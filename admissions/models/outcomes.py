"""From scores to outcomes: closing the scoring, and publishing decisions as commitments and letters."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection

from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.phases import Phase, PhaseError, Status
from audit.log import commit_many
from enigma.encryption import UnreadableRecord
from enigma.keys import keyring

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

REHEARSAL = "rehearsal"
CHUNK = 2_000

_CLOSE = """
    UPDATE applications AS application
       SET status = CASE score.status WHEN 'scored' THEN 'scored' ELSE 'failed' END,
           set_aside_at = CASE score.status WHEN 'scored' THEN NULL ELSE score.decided_at END,
           set_aside_by = CASE score.status WHEN 'scored' THEN '' ELSE score.decided_by END,
           set_aside_reason = CASE score.status WHEN 'scored' THEN '' ELSE score.decided_reason END
      FROM identity_mapping AS identity
      JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.id = identity.application_id
       AND application.admission_cycle_id = %s AND application.status = 'processing'
"""

_DECISIONS = """
    SELECT application.id, replace(application.receipt_ref::text, '-', ''), application.outcome, application.rank,
           (score.total * 10000)::bigint, score.engine, encode(blind.texts_sha256, 'hex'),
           encode(score.evidence_sha256, 'hex'), identity.wrapped_key, identity.sealed_identity
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      JOIN anonymized_applications AS blind ON blind.anonymized_id = identity.anonymized_id
      JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s AND application.outcome IS NOT NULL
     ORDER BY application.receipt_ref
"""

_LETTERS = """
    INSERT INTO outcome_letters (application_id, admission_cycle_id, state, attempts, fault)
    SELECT id, admission_cycle_id, 'queued', 0, ''
      FROM applications
     WHERE admission_cycle_id = %s AND status <> 'withdrawn'
"""


def may_see_result(cycle: "AdmissionCycle") -> bool:
    """The embargo, in one place: outcomes may be seen by their applicants only once they are published."""
    return cycle.phase in {Phase.PUBLISHED, Phase.COMPLETED}


def close_scoring(cycle: "AdmissionCycle") -> dict[str, int]:
    """Carry the final scores over to the applications: scored, or failed when a person set the blind copy aside."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [cycle.pk])
    heads = Application.objects.of(cycle).heads()
    return {"scored": heads.get(Status.SCORED, 0), "set_aside": heads.get(Status.FAILED, 0)}


def rehearsed(cycle: "AdmissionCycle") -> int:
    """Count the final scores that come from the stand-in engine."""
    return FinalScore.objects.filter(admission_cycle=cycle, engine__startswith=REHEARSAL).count()


def publish(cycle: "AdmissionCycle") -> dict[str, int]:
    """Commit every decision, sorted by reference so that order tells nothing; open the outcomes; queue the letters."""
    committed = _commit_decisions(cycle)
    mine = Application.objects.of(cycle)
    published = mine.filter(status__in=[Status.SELECTED, Status.NOT_SELECTED]).update(status=Status.PUBLISHED)
    if committed != published:
        raise PhaseError(
            f"{published} applications of {cycle.code} are to be published, "
            f"but {committed} decisions with a score stand behind them."
        )
    with connection.cursor() as cursor:
        cursor.execute(_LETTERS, [cycle.pk])
        letters: int = cursor.rowcount
        # Else the planner takes the table for empty, and looks through all letters to find each next one.
        cursor.execute("ANALYZE outcome_letters")
    return {"decisions": committed, "published": published, "letters": letters}


def _commit_decisions(cycle: "AdmissionCycle") -> int:
    try:
        return commit_many("decision", cycle_ref=cycle.ref.hex, rows=decisions(cycle))
    except UnreadableRecord as fault:
        raise PhaseError(f"An outcome of {cycle.code} cannot be committed: {fault}.") from None


def decisions(cycle: "AdmissionCycle") -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield reference, salt and committed fields of every decision of a cycle, sorted by reference.

    Raises UnreadableRecord for an identity that does not open. Needs a transaction: the rows are streamed.
    """
    selection = cycle.selection()
    shared = {
        "cutoff_e4": int(selection.cutoff * 10_000) if selection.cutoff is not None else None,
        "rubric_sha256": cycle.rules()["rubric_sha256"],
        "seats": cycle.seats,
        "selection": selection.ranking_sha256,
    }
    keys = keyring()
    with connection.chunked_cursor() as cursor:
        cursor.execute(_DECISIONS, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            for pk, ref, outcome, rank, score_e4, engine, texts, evidence, wrapped, sealed in rows:
                identity = keys.unwrap(wrapped).open(sealed, record=str(pk), kind=IdentityMapping.IDENTITY)
                own = {
                    "outcome": outcome,
                    "rank": rank,
                    "score_e4": score_e4,
                    "model": engine,
                    "scrubbed_sha256": texts,
                }
                yield ref, bytes.fromhex(identity["salt"]), {**shared, **own, "evidence_sha256": evidence}
