"""What must hold before a cycle closes its intake: everybody is in the log, and nobody outside the final rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Max
from django.utils import timezone

from admissions.models.applications import Application
from admissions.models.late_access import LateAccess
from admissions.models.leaves import leaves
from admissions.phases import Status
from admissions.rules import ranges

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

# What is no object of numbers becomes a test that no cycle accepts, so that it is counted and breaks nothing.
_OUTSIDE = """
    SELECT count(*)
      FROM applications AS application
     WHERE application.admission_cycle_id = %s AND application.status <> 'withdrawn'
       AND (application.gpa > %s OR EXISTS (
            SELECT 1
              FROM jsonb_each(CASE jsonb_typeof(application.test_scores)
                              WHEN 'object' THEN application.test_scores ELSE '{"": null}' END) AS given (test, score)
              LEFT JOIN unnest(%s::text[], %s::numeric[], %s::numeric[]) AS accepted (test, low, high) USING (test)
             WHERE CASE WHEN accepted.test IS NULL OR jsonb_typeof(score) <> 'number' THEN true
                        ELSE score::numeric NOT BETWEEN low AND high END))
"""


def intake_faults(cycle: "AdmissionCycle") -> Iterator[str]:
    """Yield where the log holds other submissions or withdrawals; the cycle's row is locked, so nobody comes in."""
    logged, stored = leaves(cycle, "submission"), Application.objects.of(cycle).count()
    if logged != stored:
        yield f"{stored} applications of {cycle.code} are stored, but the log holds {logged} submissions."
    gone = Application.objects.of(cycle).filter(status=Status.WITHDRAWN).count()
    if gone != (logged := leaves(cycle, "submission.withdraw")):
        yield f"{gone} applications of {cycle.code} stand as withdrawn, but the log holds {logged} withdrawals."


def late_access_faults(cycle: "AdmissionCycle") -> Iterator[str]:
    """Yield that somebody who was let in late may still hand in."""
    if (late := unused_late_access(cycle))["count"]:
        have = "person has" if late["count"] == 1 else "people have"
        yield (
            f"{late['count']} {have} late access to {cycle.code} that they have not used, the last until "
            f"{late['until']:%Y-%m-%d %H:%M} UTC: wait until then, or end it."
        )


def rule_breakers(cycle: "AdmissionCycle") -> Iterator[str]:
    """Yield that the rules cannot be sealed, as applications lie outside of them."""
    if count := outside_the_rules(cycle):
        yield (
            f"{count} applications of {cycle.code} lie outside its rules (GPA scale, accepted tests and their ranges); "
            "the rules cannot be sealed so."
        )


def unused_late_access(cycle: "AdmissionCycle") -> dict[str, Any]:
    """Count the grants that are open and let nobody in yet, and say when the last of them ends."""
    waiting_for = LateAccess.objects.open_at(timezone.now()).filter(admission_cycle=cycle, used_at=None)
    return waiting_for.aggregate(count=Count("pk"), until=Max("until"))


def outside_the_rules(cycle: "AdmissionCycle") -> int:
    """Count the applications with a GPA above the scale, a test that is not accepted, or a score out of its range."""
    tests = ranges(cycle.tests)
    lows, highs = [one.low for one in tests.values()], [one.high for one in tests.values()]
    with connection.cursor() as cursor:
        cursor.execute(_OUTSIDE, [cycle.pk, cycle.gpa_scale, list(tests), lows, highs])
        count: int = cursor.fetchone()[0]
    return count
