"""From scores to outcomes: closing the scoring, and publishing decisions as commitments and letters."""

import hmac
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

from accounts.actors import Actor
from accounts.roles import permits
from admissions.letter_texts import supported
from admissions.models.applications import Application, IdentityMapping
from admissions.models.digests import score_facts
from admissions.phases import Phase, PhaseError, Status
from admissions.rubrics import rubric
from audit.log import commit_many
from enigma.encryption import UnreadableRecord
from enigma.keys import keyring

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

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
    SELECT application.id, replace(application.receipt_ref::text, '-', ''),
           coalesce(application.outcome,
                    CASE application.status WHEN 'withdrawn' THEN 'withdrawn' ELSE 'not_assessed' END),
           application.rank, CASE WHEN application.rank IS NOT NULL THEN (score.total * 10000)::bigint END,
           score.engine, encode(blind.texts_sha256, 'hex'), encode(score.evidence_sha256, 'hex'),
           application.status IN ('failed', 'withdrawn') AND identity.anonymized_id IS NULL,
           identity.wrapped_key, identity.sealed_identity
      FROM applications AS application
      LEFT JOIN identity_mapping AS identity ON identity.application_id = application.id
      LEFT JOIN anonymized_applications AS blind ON blind.anonymized_id = identity.anonymized_id
      LEFT JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s
     ORDER BY application.receipt_ref
"""

_LETTERS = """
    INSERT INTO letters (application_id, admission_cycle_id, kind, sequence, language, mail_id, state, attempts,
                         fault, bounce, queued_at, due_at)
    SELECT application.id, application.admission_cycle_id, 'outcome', 1, coalesce(confirmation.language, %s),
           gen_random_uuid(), 'queued', 0, '', '', now(), now()
      FROM applications AS application
      LEFT JOIN letters AS confirmation
        ON confirmation.application_id = application.id AND confirmation.kind = 'submitted'
       AND confirmation.sequence = 1
     WHERE application.admission_cycle_id = %s AND application.status <> 'withdrawn'
     ORDER BY application.id
"""


def may_see_result(cycle: "AdmissionCycle") -> bool:
    """The embargo, in one place: outcomes may be seen by their applicants only once they are published."""
    return cycle.phase in {Phase.PUBLISHED, Phase.COMPLETED}


def may_see_figures(cycle: "AdmissionCycle", actor: Actor) -> bool:
    """Who sees cut-off and counts of a selection under embargo: those who select, and those who read the log of it."""
    return may_see_result(cycle) or any(permits(actor.role, one) for one in ("cycle.perform_selection", "audit.view"))


def close_scoring(cycle: "AdmissionCycle") -> dict[str, Any]:
    """Carry the final scores over to the applications: scored, or failed when a person set the blind copy aside."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [cycle.pk])
    return score_facts(cycle)


def publish(cycle: "AdmissionCycle") -> dict[str, int]:
    """Commit every decision, sorted by reference so that order tells nothing; open the outcomes; queue the letters.

    Raises PhaseError when somebody has no decision.
    """
    committed = _commit_decisions(cycle)
    mine = Application.objects.of(cycle)
    if committed != (total := mine.count()):
        raise PhaseError(f"{cycle.code} has {total} applications, but {committed} decisions.")
    published = mine.filter(status__in=[Status.SELECTED, Status.NOT_SELECTED]).update(status=Status.PUBLISHED)
    if published != (ranked := mine.exclude(rank=None).count()):
        raise PhaseError(f"{ranked} applications of {cycle.code} have a rank, but {published} are to be published.")
    with connection.cursor() as cursor:
        cursor.execute(_LETTERS, [supported(settings.LANGUAGE_CODE), cycle.pk])
        letters: int = cursor.rowcount
        # Else the planner takes the table for empty, and looks through all letters to find each next one.
        cursor.execute("ANALYZE letters")
    return {"decisions": committed, "published": published, "letters": letters}


def _commit_decisions(cycle: "AdmissionCycle") -> int:
    try:
        return commit_many("decision", cycle_ref=cycle.ref.hex, rows=decisions(cycle))
    except UnreadableRecord as fault:
        raise PhaseError(f"An outcome of {cycle.code} cannot be committed: {fault}.") from None


def decisions(
    cycle: "AdmissionCycle", *, on_unreadable: Callable[[str], None] | None = None
) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield reference, salt and committed fields of the decision on every application of a cycle, sorted by reference.

    An identity that does not open is handed to ``on_unreadable`` by its reference and left out; without that,
    UnreadableRecord is raised. Needs the run of selection, and a transaction: the rows are streamed.
    """
    shared = _shared_fields(cycle)
    with connection.chunked_cursor() as cursor:
        cursor.execute(_DECISIONS, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            for pk, ref, outcome, rank, score_e4, engine, texts, evidence, unread, *sealed in rows:
                try:
                    salt = unread_salt(cycle, ref) if unread else _own_salt(pk, *sealed)
                except UnreadableRecord:
                    if on_unreadable is None:
                        raise
                    on_unreadable(ref)
                    continue
                own = {"outcome": outcome, "rank": rank, "score_e4": score_e4, "model": engine}
                yield ref, salt, {**shared, **own, "scrubbed_sha256": texts, "evidence_sha256": evidence}


def unread_salt(cycle: "AdmissionCycle", ref: str) -> bytes:
    """The salt of a decision on an application that never had a blind copy, as it failed before or was withdrawn.

    Its own may lie in what does not open, and that must not hold up the outcomes of all others. It is
    HMAC-SHA-256(log salt of the cycle, "enigma/unread-salt/v1" LF ref), 32 bytes.
    """
    return hmac.digest(bytes(cycle.log_salt), b"enigma/unread-salt/v1\n" + bytes.fromhex(ref), "sha256")


def _own_salt(pk: int, wrapped: str | None, sealed: str | None) -> bytes:
    if wrapped is None or sealed is None:
        raise UnreadableRecord(f"record {pk} has no identity")
    identity = keyring().unwrap(wrapped).open(sealed, record=str(pk), kind=IdentityMapping.IDENTITY)
    return bytes.fromhex(identity["salt"])


def _shared_fields(cycle: "AdmissionCycle") -> dict[str, Any]:
    selection = cycle.selection()
    return {
        "cutoff_e4": int(selection.cutoff * 10_000) if selection.cutoff is not None else None,
        "rubric_sha256": rubric(cycle.rubric_version).sha256,
        "seats": cycle.seats,
        "selection": selection.ranking_sha256,
    }
