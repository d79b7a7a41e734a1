"""What is wrong with stored scores and ranks, held against what an earlier step committed: SQL may change both."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import connection

from admissions.models.digests import ranking_sha256, score_facts
from admissions.models.leaves import is_committed
from admissions.selection import PARTS

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

# round() takes a half away from zero, but a total is rounded half to even, as in batches.scoring.
_TOTALS = """
    SELECT count(*)
      FROM final_scores AS score,
           LATERAL (SELECT {whole} AS whole) AS sum,
           LATERAL (SELECT round(whole, 4) AS near) AS rounded
     WHERE score.admission_cycle_id = %s AND score.status = 'scored'
       AND score.total <> near - CASE WHEN near - whole = 0.00005 AND mod(near * 10000, 2) = 1
                                      THEN 0.0001 ELSE 0 END
"""
_RANKS = """
    SELECT count(*) FILTER (WHERE rank <> place),
           count(*) FILTER (WHERE (outcome = 'selected') <> (rank <= %s)),
           count(*) FILTER (WHERE status NOT IN ('selected', 'not_selected', 'published'))
      FROM (SELECT rank, outcome, status, row_number() OVER (ORDER BY rank) AS place
              FROM applications WHERE admission_cycle_id = %s AND rank IS NOT NULL) AS ranked
"""


def score_faults(cycle: "AdmissionCycle") -> Iterator[str]:
    """Say when scores, evidence, or who was set aside, are not what mark_scored committed, or a total is no sum."""
    if not is_committed(cycle, "score", score_facts(cycle)):
        yield "the scores are not those that mark_scored committed to the log"
    if wrong := _wrong_totals(cycle):
        yield f"{wrong} totals are not the weighted sum of their parts"


def ranking_faults(cycle: "AdmissionCycle") -> Iterator[str]:
    """Say when the ranks, the scores behind them or the outcomes are not those of the run of selection."""
    logged = cycle.selection_or_none()
    if logged is None:
        yield "there is no run of selection"
        return
    if ranking_sha256(cycle) != logged.ranking_sha256:
        yield "the ranking is not the one that selection logged"
    with connection.cursor() as cursor:
        cursor.execute(_RANKS, [cycle.seats, cycle.pk])
        misplaced, misjudged, strays = cursor.fetchone()
    if misplaced:
        yield f"{misplaced} ranks do not count up from 1"
    if misjudged:
        yield f"{misjudged} outcomes are not what rank and {cycle.seats} seats give"
    if strays:
        yield f"{strays} applications have a rank, but the status of one that was not ranked"


def _wrong_totals(cycle: "AdmissionCycle") -> int:
    whole = " + ".join(f"score.{part} * %s" for part in PARTS)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS.format(whole=whole), [*(cycle.weights[part] for part in PARTS), cycle.pk])
        count: int = cursor.fetchone()[0]
    return count
