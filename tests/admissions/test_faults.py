"""Scores, ranks and outcomes that plain SQL changes between two steps are found by the next one."""

from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import operator
from admissions.models.blind import FinalScore
from admissions.models.cycles import SelectionLog
from admissions.models.faults import score_faults
from admissions.phases import PhaseError
from admissions.selection import PARTS
from audit.models import AuditLog
from audit.sequencer import sequence_all
from batches.scoring import Scores, Weights, total
from tests.factories import everything, lead, led_to, score

pytestmark = pytest.mark.django_db

SCORES = "the scores are not those that mark_scored committed to the log"
RANKING = "the ranking is not the one that selection logged"
FIRST = "WHERE anonymized_id = (SELECT min(anonymized_id::text)::uuid FROM final_scores)"


def scored(*totals, **rules):
    one = led_to("processing", len(totals), **rules)
    score(one, totals)
    one.mark_scored(actor=operator())
    return one


def sql(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def refusal(one, step):
    before = everything()
    with pytest.raises(PhaseError) as refused:
        getattr(one, step)(actor=operator())
    assert everything() == before
    return str(refused.value)


@pytest.mark.parametrize("is_sequenced", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "final_scores SET academic = 100, test = 100, achievement = 100, essay = 100, total = 100 WHERE total = 70",
        f"final_scores SET evidence_sha256 = sha256('') {FIRST}",
        "applications SET status = 'failed' WHERE id = (SELECT min(id) FROM applications)",
        "applications SET status = 'withdrawn' WHERE id = (SELECT min(id) FROM applications)",
        "identity_mapping SET anonymized_id = NULL WHERE application_id = (SELECT min(id) FROM applications)",
    ],
)
def test_selection_refuses_scores_that_were_changed_after_they_were_accepted(change, is_sequenced):
    one = scored(90, 80, 70)
    if is_sequenced:
        sequence_all()
    sql("SET LOCAL session_replication_role = replica")
    sql(f"UPDATE {change}")
    sql("SET LOCAL session_replication_role = origin")
    assert refusal(one, "perform_selection") == f"fall-2026 cannot be ranked: {SCORES}."


def test_selection_refuses_a_score_that_was_added_by_sql_for_whoever_was_set_aside():
    one = led_to("processing", 2)
    score(one, [90])
    sql(
        "INSERT INTO final_scores (anonymized_id, admission_cycle_id, status, explanation, engine, waiting_reason,"
        " decided_at, decided_by, decided_reason) SELECT anonymized_id, admission_cycle_id, 'set_aside', '', '', '',"
        " now(), 'uid:0', 'r' FROM anonymized_applications WHERE anonymized_id NOT IN"
        " (SELECT anonymized_id FROM final_scores)"
    )
    one.mark_scored(actor=operator())
    sql(
        "UPDATE final_scores SET status = 'scored', total = 99, academic = 99, test = 99, achievement = 99, essay = 99"
        " WHERE status = 'set_aside'"
    )
    sql("UPDATE applications SET status = 'scored', set_aside_at = NULL, set_aside_by = '', set_aside_reason = ''")
    assert refusal(one, "perform_selection") == f"fall-2026 cannot be ranked: {SCORES}."


def test_a_total_that_is_no_weighted_sum_is_not_ranked():
    one = led_to("processing", 3)
    score(one, [90, 80, 70])
    sql("UPDATE final_scores SET total = total + 0.0001 WHERE total > 70")
    one.mark_scored(actor=operator())
    reason = "2 totals are not the weighted sum of their parts"
    assert refusal(one, "perform_selection") == f"fall-2026 cannot be ranked: {reason}."


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.tuples(*[st.integers(0, 1_000_000)] * 4))
def test_the_database_sums_up_as_scoring_does(one_scored, parts):
    values = {part: Decimal(value) / 10_000 for part, value in zip(PARTS, parts, strict=True)}
    due = total(Scores(**values), Weights(**one_scored.weights))
    FinalScore.objects.update(**values, total=due)
    wrong = "1 totals are not the weighted sum of their parts"
    assert list(score_faults(one_scored)) == [SCORES]
    FinalScore.objects.update(total=due + Decimal("0.0001") if due < 100 else due - 1)
    assert list(score_faults(one_scored)) == [SCORES, wrong]


@pytest.fixture
def one_scored():
    return scored(50)


@pytest.mark.parametrize(("essay", "due"), [("0.0001", "0.0000"), ("0.0003", "0.0002")])
def test_a_half_is_rounded_to_the_even_digit(essay, due):
    weights = {"weight_academic": "0.5", "weight_test": 0, "weight_achievement": 0, "weight_essay": "0.5"}
    one = led_to("processing", 1, **weights)
    score(one, [0])
    FinalScore.objects.update(essay=Decimal(essay), total=Decimal(due))
    one.mark_scored(actor=operator())
    assert one.perform_selection(actor=operator())["cutoff"] == due


# -- publication ----------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("applications SET rank = 4 - rank", RANKING),
        (
            "applications SET outcome = 'selected', status = 'selected'",
            "1 outcomes are not what rank and 2 seats give",
        ),
        ("applications SET rank = rank + 1", "3 ranks do not count up from 1"),
        ("applications SET rank = 30 WHERE rank = 3", "1 ranks do not count up from 1"),
        ("final_scores SET total = 69 WHERE total = 70", RANKING),
        (f"final_scores SET evidence_sha256 = sha256('') {FIRST}", SCORES),
        (
            "applications SET status = 'failed' WHERE rank = 1",
            "1 applications have a rank, but the status of one that was not ranked",
        ),
    ],
)
def test_publication_refuses_what_selection_did_not_give(change, reason):
    one = lead(scored(90, 80, 70), "selection")
    sql(f"UPDATE {change}")
    assert refusal(one, "publish_results") == f"The outcomes of fall-2026 cannot be published: {reason}."


def test_publication_needs_the_run_of_selection():
    one = lead(scored(90, 80, 70), "selection")
    sql("SET LOCAL session_replication_role = replica")
    SelectionLog.objects.all().delete()
    sql("SET LOCAL session_replication_role = origin")
    reason = "there is no run of selection"
    assert refusal(one, "publish_results") == f"The outcomes of fall-2026 cannot be published: {reason}."


def test_the_digests_stand_in_the_audit_log():
    lead(scored(90, 80, 70), "selection")
    [scrub] = AuditLog.objects.filter(action="cycle.start_batch_prep")
    [marked] = AuditLog.objects.filter(action="cycle.mark_scored")
    assert (len(scrub.details["scrub_sha256"]), len(marked.details["scores_sha256"])) == (64, 64)
