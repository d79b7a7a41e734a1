"""Ranks, by one SQL statement each: the metrics of a cycle by percentile, its applications by final score."""

from typing import TYPE_CHECKING, Any

from django.db import connection

from admissions.models.blind import AnonymizedApplication
from admissions.models.digests import ranking_sha256
from enigma.errors import Refused

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

# percent_rank() is (rank - 1) / (rows - 1): 0 for the lowest, 1 for the highest, equal for equals.
_RANK_METRICS = """
    UPDATE deterministic_metrics AS metric
       SET test_percentile = ranked.by_test, percentile_rank = ranked.by_academic
      FROM (SELECT anonymized_id,
                   round((100 * percent_rank() OVER (ORDER BY test_score))::numeric, 4) AS by_test,
                   round((100 * percent_rank() OVER (ORDER BY academic_score))::numeric, 4) AS by_academic
              FROM deterministic_metrics
              JOIN anonymized_applications USING (anonymized_id)
             WHERE admission_cycle_id = %s) AS ranked
     WHERE metric.anonymized_id = ranked.anonymized_id
"""

# The tie key is that of admissions.selection: SHA-256("enigma/tie/v1" LF seed ref).
_RANKING = """
    CREATE TEMP TABLE ranking ON COMMIT DROP AS
    SELECT application.id AS application_id, score.total,
           row_number() OVER (
               ORDER BY score.total DESC, {parts}
                        sha256('enigma/tie/v1'::bytea || '\\x0a'::bytea || %s || uuid_send(application.receipt_ref))
           ) AS rank
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %s AND application.status = 'scored' AND score.status = 'scored'
"""

_OUTCOMES = """
    UPDATE applications AS application
       SET status = CASE WHEN ranking.rank <= %s THEN 'selected' ELSE 'not_selected' END,
           outcome = CASE WHEN ranking.rank <= %s THEN 'selected' ELSE 'not_selected' END,
           rank = ranking.rank
      FROM ranking
     WHERE application.id = ranking.application_id
"""

_SUMMARY = """
    WITH cut AS (SELECT min(total) FILTER (WHERE rank <= %(seats)s) AS cutoff FROM ranking)
    SELECT cut.cutoff,
           count(*) FILTER (WHERE rank <= %(seats)s),
           count(*) FILTER (WHERE rank > %(seats)s),
           count(*) FILTER (WHERE total = cut.cutoff),
           count(*) FILTER (WHERE total = cut.cutoff AND rank <= %(seats)s)
      FROM cut LEFT JOIN ranking ON true
     GROUP BY cut.cutoff
"""

_EXCLUDED = "SELECT count(*) FROM applications WHERE admission_cycle_id = %s AND status IN ('failed', 'withdrawn')"


def rank_metrics(cycle: "AdmissionCycle") -> int:
    """Fill the percentile ranks of all metrics of a cycle; return how many rows."""
    with connection.cursor() as cursor:
        cursor.execute(_RANK_METRICS, [cycle.pk])
        ranked: int = cursor.rowcount
    blind = AnonymizedApplication.objects.of(cycle).count()
    if ranked != blind:
        raise Refused(f"{blind} blind copies of {cycle.code} have only {ranked} rows of metrics.")
    return ranked


def rank_applications(cycle: "AdmissionCycle") -> dict[str, Any]:
    """Rank all scored applications of a cycle, give the seats to the first, and return what the selection log keeps.

    The result holds criteria, cutoff (Decimal or None when nobody is ranked), selected, not_selected, excluded,
    tied_at_cutoff, tied_and_selected and ranking_sha256 (as ``admissions.selection.ranking_digest``).
    """
    parts = "".join(f"score.{part} DESC, " for part in cycle.tie_break[:-1])
    seed = bytes(cycle.tie_seed)
    with connection.cursor() as cursor:
        cursor.execute(_RANKING.format(parts=parts), [seed, cycle.pk])
        cursor.execute("ANALYZE ranking")
        cursor.execute(_OUTCOMES, [cycle.seats, cycle.seats])
        cursor.execute(_SUMMARY, {"seats": cycle.seats})
        cutoff, selected, not_selected, tied, tied_in = cursor.fetchone()
        cursor.execute(_EXCLUDED, [cycle.pk])
        excluded = cursor.fetchone()[0]
        cursor.execute("DROP TABLE ranking")
    return {
        "criteria": {"seats": cycle.seats, "tie_break": list(cycle.tie_break), "tie_seed": seed.hex()},
        "cutoff": cutoff,
        "selected": selected,
        "not_selected": not_selected,
        "excluded": excluded,
        "tied_at_cutoff": tied,
        "tied_and_selected": tied_in,
        "ranking_sha256": ranking_sha256(cycle),
    }
