"""Ranks, by one SQL statement each: the metrics of a cycle by percentile, its applications by final score."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from admissions.models.blind import AnonymizedApplication
from admissions.models.digests import ranking_sha256
from admissions.selection import Scored
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

# The order of the ranking, for the step and for the look ahead.
# The tie key is that of admissions.selection: SHA-256("enigma/tie/v1" LF seed ref).
_RANKED = """
    SELECT application.id AS application_id, score.anonymized_id, score.total,
           row_number() OVER (
               ORDER BY score.total DESC, {parts}
                        sha256('enigma/tie/v1'::bytea || '\\x0a'::bytea || %(seed)s
                               || uuid_send(application.receipt_ref))
           ) AS rank
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
      JOIN final_scores AS score ON score.anonymized_id = identity.anonymized_id
     WHERE application.admission_cycle_id = %(cycle)s AND application.status = 'scored' AND score.status = 'scored'
"""

_RANKING = "CREATE TEMP TABLE ranking ON COMMIT DROP AS"

_OUTCOMES = """
    UPDATE applications AS application
       SET status = CASE WHEN ranking.rank <= %s THEN 'selected' ELSE 'not_selected' END,
           outcome = CASE WHEN ranking.rank <= %s THEN 'selected' ELSE 'not_selected' END,
           rank = ranking.rank
      FROM ranking
     WHERE application.id = ranking.application_id
"""

_CUT = "cut AS (SELECT min(total) FILTER (WHERE rank <= %(seats)s) AS cutoff FROM ranking)"
_COUNTS = """
    SELECT cut.cutoff,
           count(*) FILTER (WHERE rank <= %(seats)s) AS selected,
           count(*) FILTER (WHERE rank > %(seats)s) AS not_selected,
           count(*) FILTER (WHERE total = cut.cutoff) AS tied,
           count(*) FILTER (WHERE total = cut.cutoff AND rank <= %(seats)s) AS tied_in
      FROM cut LEFT JOIN ranking ON true
     GROUP BY cut.cutoff
"""
_SUMMARY = f"WITH {_CUT} {_COUNTS}"
# The counts stand in each row, and in one row without an application where nobody is ranked.
_AHEAD = """
    WITH ranking AS MATERIALIZED ({ranked}), {cut}, counts AS ({counts}),
         near AS (SELECT rank, anonymized_id, score.total, academic, test, achievement, essay
                    FROM ranking JOIN final_scores AS score USING (anonymized_id)
                   WHERE rank BETWEEN %(seats)s - %(around)s + 1 AND %(seats)s + %(around)s)
    SELECT counts.*, near.* FROM counts LEFT JOIN near ON true ORDER BY near.rank
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
    ranked, given = _ranked(cycle)
    with connection.cursor() as cursor:
        cursor.execute(f"{_RANKING} {ranked}", given)
        cursor.execute("ANALYZE ranking")
        cursor.execute(_OUTCOMES, [cycle.seats, cycle.seats])
        cursor.execute(_SUMMARY, {"seats": cycle.seats})
        cutoff, selected, not_selected, tied, tied_in = cursor.fetchone()
        cursor.execute(_EXCLUDED, [cycle.pk])
        excluded = cursor.fetchone()[0]
        cursor.execute("DROP TABLE ranking")
    return {
        "criteria": {"seats": cycle.seats, "tie_break": list(cycle.tie_break), "tie_seed": bytes(cycle.tie_seed).hex()},
        "cutoff": cutoff,
        "selected": selected,
        "not_selected": not_selected,
        "excluded": excluded,
        "tied_at_cutoff": tied,
        "tied_and_selected": tied_in,
        "ranking_sha256": ranking_sha256(cycle),
    }


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of a ranking: who is known by the blind id alone."""

    rank: int
    anonymized_id: UUID
    scored: Scored


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a selection would come to, and the places on both sides of its cut."""

    cutoff: Decimal | None
    selected: int
    not_selected: int
    tied_at_cutoff: int
    tied_and_selected: int
    places: list[Ranked]


def look_ahead(cycle: "AdmissionCycle", *, around: int) -> Ahead:
    """Return what the selection of a scored cycle would give, with ``around`` places before and after its last seat.

    One statement that only reads, and ranks by the same words as ``rank_applications``.
    """
    ranked, given = _ranked(cycle)
    with connection.cursor() as cursor:
        cursor.execute(
            _AHEAD.format(ranked=ranked, cut=_CUT, counts=_COUNTS), {**given, "seats": cycle.seats, "around": around}
        )
        rows = cursor.fetchall()
    places = [
        Ranked(rank, blind, Scored(blind.bytes, *scores)) for rank, blind, *scores in (row[5:] for row in rows) if rank
    ]
    cutoff, selected, not_selected, tied, tied_in = rows[0][:5]
    return Ahead(cutoff, selected, not_selected, tied, tied_in, places)


def _ranked(cycle: "AdmissionCycle") -> tuple[str, dict[str, Any]]:
    """Return the statement that ranks a cycle, and its parameters."""
    parts = "".join(f"score.{part} DESC, " for part in cycle.tie_break[:-1])
    return _RANKED.format(parts=parts), {"seed": bytes(cycle.tie_seed), "cycle": cycle.pk}
