"""Decide what staged lines come to, set-based: results, final scores, repeats, next attempts, or a person.

Works on the temporary table that ``batches.staging`` fills, inside the same transaction. First accepted answer
stands; the same bytes again are nothing new; other bytes for an answered request are a conflict.
"""

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.models.cycles import AdmissionCycle
from admissions.rules import JudgePolicy
from audit.log import record
from batches.answers import FAILURES
from batches.asking import NEW_ID, PHASES, hold
from batches.formats.base import MOST_TOKENS
from batches.models import BatchRun

REPEATED, UNCHANGED, CONFLICT = "repeated", "unchanged", "conflict"
# A good answer to a repeat of an attempt whose earlier question was answered after all: nobody did anything wrong.
SUPERSEDED = "superseded"
# Codes that are about the line, not about the answer to a request: they neither fail a request nor ask again.
NO_FAILURE = ("", REPEATED, UNCHANGED, CONFLICT, SUPERSEDED, "unknown_id", "other_cycle")

_STORED = """
    UPDATE staged SET code = CASE WHEN stored.line_sha256 = staged.line_sha256 THEN 'unchanged' ELSE 'conflict' END,
                      detail = CASE WHEN stored.line_sha256 = staged.line_sha256 THEN 'imported before'
                                    ELSE 'this request was answered otherwise before; the first answer stands' END
      FROM (SELECT request_id, line_sha256 FROM worker_results
             UNION ALL SELECT request_id, line_sha256 FROM judge_results) AS stored
     WHERE staged.code = '' AND stored.request_id = staged.request_id
       AND EXISTS (SELECT 1 FROM staged AS any_line JOIN evaluation_requests AS request
                       ON request.id = any_line.request_id WHERE request.state = 'answered')
"""
# A repeat of an attempt, or a second judgement, that came in when another had been accepted already.
_LATE = """
    UPDATE staged SET code = 'superseded', detail = 'another answer to the same attempt was accepted before'
      FROM evaluation_requests AS request
     WHERE staged.code = '' AND request.id = staged.request_id
       AND (EXISTS (SELECT 1 FROM worker_results AS other WHERE request.stage = 'worker'
                       AND other.anonymized_id = request.anonymized_id AND other.attempt = request.attempt)
         OR EXISTS (SELECT 1 FROM judge_results AS other WHERE other.worker_result_id = request.judged_id))
"""
_TWICE = """
    UPDATE staged SET code = CASE WHEN twin.first_sha = staged.line_sha256 THEN 'repeated'
                                  WHEN twin.first_request <> staged.request_id THEN 'superseded' ELSE 'conflict' END,
                      detail = CASE WHEN twin.first_sha = staged.line_sha256 THEN 'the same line stands above'
                                    ELSE 'another answer to this attempt stands above' END
      FROM (SELECT staged.line, first_value(line_sha256) OVER same AS first_sha,
                   first_value(staged.request_id) OVER same AS first_request, row_number() OVER same AS place
              FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
             WHERE code = ''
            WINDOW same AS (PARTITION BY request.anonymized_id, request.stage, request.attempt ORDER BY staged.line)
           ) AS twin
     WHERE twin.line = staged.line AND twin.place > 1
"""
_WORKERS = """
    INSERT INTO worker_results (request_id, model, line_sha256, file_sha256, file_line, imported_at, anonymized_id,
                                attempt, academic, test, achievement, essay, total, claimed_total, explanation,
                                reasoning, rubric_adherence, strengths, areas_for_improvement)
    SELECT request.id, staged.model, line_sha256, %s, line, now(), request.anonymized_id, request.attempt, academic,
           test, achievement, essay, total, claimed_total, explanation, reasoning, rubric_adherence, strengths,
           areas_for_improvement
      FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE code = '' AND request.stage = 'worker'
"""
_JUDGES = """
    INSERT INTO judge_results (request_id, model, line_sha256, file_sha256, file_line, imported_at, worker_result_id,
                               decision, bias_detected, quality_score, feedback, reasoning)
    SELECT request.id, staged.model, line_sha256, %s, line, now(), request.judged_id, decision, bias_detected,
           quality_score, feedback, reasoning
      FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE code = '' AND request.stage = 'judge'
"""
_ANSWERED = """
    UPDATE evaluation_requests AS request SET state = 'answered', failure = ''
      FROM staged WHERE staged.request_id = request.id AND staged.code = ''
"""
_SUPERSEDED = """
    UPDATE evaluation_requests AS request SET state = 'failed', failure = 'superseded'
      FROM staged WHERE staged.request_id = request.id AND staged.code = 'superseded' AND request.state = 'asked'
"""
# An answer that came after all makes a repeat needless that no export holds yet (only repeats: the index helps).
_WITHDRAWN = """
    DELETE FROM evaluation_requests AS needless
     USING staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE staged.code = '' AND needless.run_id IS NULL AND needless.sample > 0 AND needless.stage = request.stage
       AND needless.anonymized_id = request.anonymized_id AND needless.attempt = request.attempt
"""
# Which requests have just failed, and what follows; both tables vanish at the end of the transaction.
_FAILING = """
    DROP TABLE IF EXISTS failing, action;
    CREATE TEMP TABLE failing (id bigint PRIMARY KEY) ON COMMIT DROP;
    CREATE TEMP TABLE action (code text PRIMARY KEY, retry text NOT NULL, most integer NOT NULL) ON COMMIT DROP;
"""
_FAILED = """
    WITH fault AS (
        SELECT DISTINCT ON (request_id) request_id, code FROM staged
         WHERE request_id IS NOT NULL AND NOT code = ANY(%s)
         ORDER BY request_id, line
    ), failed AS (
        UPDATE evaluation_requests AS request SET state = 'failed', failure = fault.code
          FROM fault
         WHERE request.id = fault.request_id AND request.state = 'asked'
        RETURNING request.id
    )
    INSERT INTO failing SELECT id FROM failed
"""
_FINAL = """
    INSERT INTO final_scores (anonymized_id, admission_cycle_id, status, academic, test, achievement, essay, total,
                              explanation, engine, evidence_sha256, waiting_reason, decided_by, decided_reason)
    SELECT request.anonymized_id, request.admission_cycle_id, 'scored', worker.academic, worker.test,
           worker.achievement, worker.essay, worker.total, worker.explanation,
           CASE WHEN judge.model LIKE 'rehearsal%%' THEN judge.model ELSE worker.model END,
           sha256(worker.line_sha256 || coalesce(judge.line_sha256, ''::bytea)), '', '', ''
      FROM staged
      JOIN evaluation_requests AS request ON request.id = staged.request_id
      JOIN worker_results AS worker ON worker.request_id = coalesce(request.judged_id, request.id)
      LEFT JOIN judge_results AS judge ON judge.request_id = request.id
     WHERE staged.code = '' AND (judge.decision = 'approved' OR judge.request_id IS NULL AND %s)
    ON CONFLICT (anonymized_id) DO NOTHING
"""
_ASK_JUDGE = f"""
    INSERT INTO evaluation_requests (custom_id, admission_cycle_id, anonymized_id, judged_id, stage, attempt, sample,
                                     most_tokens, state, failure)
    SELECT {NEW_ID}, request.admission_cycle_id, request.anonymized_id, request.id, 'judge', request.attempt, 0,
           {MOST_TOKENS}, 'wanted', ''
      FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE staged.code = '' AND request.stage = 'worker'
       AND NOT EXISTS (SELECT 1 FROM final_scores WHERE final_scores.anonymized_id = request.anonymized_id)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  a constant of this module
_NEXT_ATTEMPT = f"""
    INSERT INTO evaluation_requests (custom_id, admission_cycle_id, anonymized_id, stage, attempt, sample,
                                     most_tokens, state, failure)
    SELECT {NEW_ID}, request.admission_cycle_id, request.anonymized_id, 'worker', request.attempt + 1, 0,
           {MOST_TOKENS}, 'wanted', ''
      FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE staged.code = '' AND staged.decision = 'rejected' AND request.attempt < %s
       AND NOT EXISTS (SELECT 1 FROM final_scores WHERE final_scores.anonymized_id = request.anonymized_id)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  a constant of this module
_LAST_ATTEMPT = """
    INSERT INTO final_scores (anonymized_id, admission_cycle_id, status, explanation, engine, waiting_reason,
                              decided_by, decided_reason)
    SELECT request.anonymized_id, request.admission_cycle_id, 'waiting', '', '',
           'the judge rejected all ' || request.attempt || ' attempts', '', ''
      FROM staged JOIN evaluation_requests AS request ON request.id = staged.request_id
     WHERE staged.code = '' AND staged.decision = 'rejected' AND request.attempt >= %s
    ON CONFLICT (anonymized_id) DO NOTHING
"""
# How often an attempt has failed in the same way (transport, format, ...), and how often it may. A repeat that fails
# when another has been answered asks for nothing: the answer stands.
_FOLLOWED = f"""
    WITH followed AS (
        SELECT request.*, action.retry,
               (SELECT count(*) FROM evaluation_requests AS other JOIN action AS theirs ON theirs.code = other.failure
                 WHERE other.anonymized_id = request.anonymized_id AND other.stage = request.stage
                   AND other.attempt = request.attempt AND theirs.retry = action.retry) <= action.most AS again,
               (SELECT max(sample) + 1 FROM evaluation_requests AS other
                 WHERE other.anonymized_id = request.anonymized_id AND other.stage = request.stage
                   AND other.attempt = request.attempt) AS next_sample
          FROM failing
          JOIN evaluation_requests AS request USING (id)
          JOIN action ON action.code = request.failure
         WHERE NOT EXISTS (SELECT 1 FROM evaluation_requests AS other
                            WHERE other.anonymized_id = request.anonymized_id AND other.stage = request.stage
                              AND other.attempt = request.attempt AND other.state = 'answered')
           AND NOT EXISTS (SELECT 1 FROM final_scores WHERE final_scores.anonymized_id = request.anonymized_id)
    ), repeated AS (
        INSERT INTO evaluation_requests (custom_id, admission_cycle_id, anonymized_id, judged_id, stage, attempt,
                                         sample, most_tokens, state, failure)
        SELECT {NEW_ID}, admission_cycle_id, anonymized_id, judged_id, stage, attempt, next_sample,
               most_tokens * CASE WHEN retry = 'truncated' THEN 2 ELSE 1 END, 'wanted', ''
          FROM followed WHERE again
        ON CONFLICT DO NOTHING
    )
    INSERT INTO final_scores (anonymized_id, admission_cycle_id, status, explanation, engine, waiting_reason,
                              decided_by, decided_reason)
    SELECT anonymized_id, admission_cycle_id, 'waiting', '', '', 'no usable ' || stage || ' answer: ' || failure, '', ''
      FROM followed WHERE NOT again
    ON CONFLICT (anonymized_id) DO NOTHING
"""  # noqa: S608  a constant of this project
_ABSENT = """
    WITH absent AS (
        UPDATE evaluation_requests AS request SET state = 'failed', failure = 'absent'
         WHERE admission_cycle_id = %s AND stage = %s AND state = 'asked'
           AND NOT EXISTS (SELECT 1 FROM batch_runs WHERE batch_runs.id = request.run_id
                              AND batch_runs.state = 'exporting')
        RETURNING id
    )
    INSERT INTO failing SELECT id FROM absent
"""


def settle(cycle: AdmissionCycle, *, file_sha256: str) -> None:
    """Turn the staged lines of one file into results and what follows from them."""
    judged_by_nobody = cycle.judge_policy == JudgePolicy.NONE
    with connection.cursor() as cursor:
        for statement in (_STORED, _LATE, _TWICE):
            cursor.execute(statement)
        cursor.execute(_WORKERS, [file_sha256])
        cursor.execute(_JUDGES, [file_sha256])
        cursor.execute(_WITHDRAWN)
        cursor.execute(_ANSWERED)
        cursor.execute(_SUPERSEDED)
        cursor.execute(_FINAL, [judged_by_nobody])
        if not judged_by_nobody:
            cursor.execute(_ASK_JUDGE)
        cursor.execute(_NEXT_ATTEMPT, [cycle.attempts_allowed])
        cursor.execute(_LAST_ATTEMPT, [cycle.attempts_allowed])
        cursor.execute(_FAILING)
        cursor.execute(_FAILED, [list(NO_FAILURE)])
    _follow_failures()


def reask(cycle: AdmissionCycle, stage: str, *, actor: Actor) -> int:
    """Treat every exported and unanswered request of a stage as absent, and ask again; return how many there were.

    Raises PhaseError outside the phases in which the stage may be exported.
    """
    actor.require("batches.export", cycle=cycle.code)
    with transaction.atomic():
        hold(cycle, PHASES[stage], deed=f"A {stage} batch")
        with connection.cursor() as cursor:
            cursor.execute(_FAILING)
            cursor.execute(_ABSENT, [cycle.pk, stage])
            absent: int = cursor.rowcount
        _follow_failures()
        exported = BatchRun.objects.filter(admission_cycle=cycle, stage=stage, state=BatchRun.State.EXPORTED)
        exported.update(state=BatchRun.State.NEEDS_ATTENTION)
        record("batches.reask", actor=actor, entity=("cycle", cycle.code), stage=stage, requests=absent)
    return absent


def _follow_failures() -> None:
    """Ask again, or call a person, for each request in the table ``failing``."""
    actions = [(code, action.retry, action.limit) for code, action in FAILURES.items()]
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*actions, strict=True)]
        cursor.execute("INSERT INTO action SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])", columns)
        cursor.execute("ANALYZE failing")
        cursor.execute(_FOLLOWED)
