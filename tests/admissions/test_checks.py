"""The checks of the steps: what is shown as holding is what a step demands, and the other way round."""

import pytest
from django.db import connection, transaction

from accounts.actors import operator
from accounts.roles import STEPS
from admissions.models.checks import CHECKS, seen
from admissions.models.cycles import AdmissionCycle
from admissions.phases import PhaseError
from audit.sequencer import sequence_all
from enigma.errors import Refused
from tests.factories import applicants, apply, cycle, everything, led_to, work_before

pytestmark = pytest.mark.django_db

# One sentence of SQL that breaks something, or nothing, by the step that looks for it.
BROKEN = {
    "freeze": [
        "DELETE FROM log_outbox WHERE false",
        """UPDATE admission_cycles SET tie_break = '["luck", "seed"]'""",
        "UPDATE applications SET status = 'withdrawn'",
        "UPDATE admission_cycles SET gpa_scale = 2.2",
        """INSERT INTO log_outbox (log, kind, cycle_ref, subject_ref, commitment)
           SELECT 'public', 'submission', replace(ref::text, '-', ''), repeat('0', 32), repeat('0', 64)
             FROM admission_cycles""",
    ],
    "start_preprocessing": ["UPDATE applications SET gpa = 1"],
    "start_batch_prep": [
        "UPDATE applications SET gpa = 1",
        "UPDATE applications SET status = 'preprocessing' WHERE id = (SELECT min(id) FROM applications)",
        "UPDATE applications SET status = 'failed' WHERE id = (SELECT min(id) FROM applications)",
        "UPDATE identity_mapping SET anonymized_id = NULL",
        "DELETE FROM deterministic_metrics",
    ],
    "start_processing": [
        "UPDATE applications SET gpa = 1",
        "UPDATE anonymized_applications SET is_exported = false",
    ],
    "mark_scored": ["UPDATE applications SET gpa = 1", "DELETE FROM final_scores"],
    "perform_selection": ["UPDATE applications SET gpa = 1", "UPDATE final_scores SET total = 1"],
    "publish_results": [
        "UPDATE applications SET gpa = 1",
        "UPDATE applications SET rank = rank + 1",
        "UPDATE applications SET status = 'scored', outcome = NULL, rank = NULL WHERE rank = 1",
    ],
    "complete": [
        "UPDATE applications SET gpa = 1",
        """INSERT INTO log_outbox (log, kind, cycle_ref, subject_ref, commitment)
           SELECT 'public', 'decision', replace(ref::text, '-', ''), repeat('0', 32), repeat('0', 64)
             FROM admission_cycles""",
    ],
}
STATES = [(step, statement) for step, statements in BROKEN.items() for statement in statements]


def sql(statement):
    """What only somebody at the database can do; a sealed row is not asked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def refusal(one, step):
    """What a trial of the step is refused with, or None."""
    try:
        getattr(one, step)(actor=operator(), dry_run=True)
    except Refused as why:
        return str(why)
    return None


@pytest.mark.parametrize(("step", "statement"), STATES)
def test_what_is_shown_is_what_the_step_demands(step, statement):
    one = led_to(getattr(AdmissionCycle, step).source)
    work_before(one)
    sequence_all()
    sql(statement)
    one.refresh_from_db()
    before = everything()
    shown = [check.reason for check in seen(step, one) if check.is_met is False]
    told = refusal(one, step)
    assert everything() == before
    if shown:
        assert told == shown[0]
    else:
        assert told is None or told not in [check.fault(one) for check in CHECKS[step] if check.fault]


def test_each_step_has_its_checks_and_each_check_is_asked_early_or_late():
    assert [*CHECKS] == [*STEPS]
    assert [one for checks in CHECKS.values() for one in checks if bool(one.fault) == bool(one.late)] == []


def test_a_late_check_is_shown_as_open_and_reads_nothing(django_assert_num_queries):
    one = led_to("scored")
    with django_assert_num_queries(0):
        assert [check.is_met for check in seen("perform_selection", one)] == [True, None]


def test_what_does_not_hold_says_what_to_do():
    one = cycle()
    sequence_all()
    found = [check for check in seen("freeze", one) if check.is_met is False]
    assert [(one.reason, str(one.advice)) for one in found] == [
        ("fall-2026 has no application to freeze.", "Wait for the first application, or import a file of them.")
    ]


def test_the_first_of_several_refuses():
    one = cycle()
    apply(one, applicants(1))
    sql("UPDATE applications SET status = 'withdrawn'")
    with pytest.raises(PhaseError, match=r"^3 entries of fall-2026 are not in the log yet"):
        one.freeze(actor=operator())
