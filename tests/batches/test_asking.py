"""What is open, and what an export claims of it."""

import pytest
from django.db import transaction

from accounts.actors import operator
from admissions.models.blind import AnonymizedApplication
from admissions.phases import Phase, PhaseError
from batches.asking import claim, hold, is_open, open_counts, unfinished
from batches.models import BatchRun, EvaluationRequest
from tests.batches.engines import (
    REJECTION,
    evaluated,
    evaluation,
    export,
    failure,
    hand_in,
    judged,
    prepared,
    processing,
    requests_of,
)
from tests.factories import cycle
from tests.racing import another_session

pytestmark = pytest.mark.django_db


def begun(one, stage="worker"):
    """A run without requests yet."""
    return BatchRun.objects.create(
        admission_cycle=one, stage=stage, format="plain", model="m", shard_lines=5, prompt_version="1", requests=0
    )


def test_a_worker_run_claims_a_first_request_for_every_blind_copy():
    one = prepared(3)
    made = begun(one)
    assert (claim(made), made.requests) == (3, 3)
    claimed = EvaluationRequest.objects.values_list("anonymized", "run", "stage", "attempt", "sample", "state")
    copies = AnonymizedApplication.objects.values_list("pk", flat=True)
    assert set(claimed) == {(copy, made.pk, "worker", 1, 0, "asked") for copy in copies}


def test_the_first_requests_are_numbered_in_the_order_of_the_random_ids():
    one = prepared(30)
    claim(begun(one))
    asked = EvaluationRequest.objects.order_by("pk").values_list("anonymized", flat=True)
    assert list(asked) == sorted(asked)


def test_a_run_claims_nothing_of_another_cycle_or_stage():
    one, other = processing(2), prepared(3, code="other")
    evaluated(one)
    assert (claim(begun(other, "judge")), claim(begun(one)), claim(begun(one, "judge"))) == (0, 0, 2)
    assert (is_open(other, "worker"), EvaluationRequest.objects.filter(admission_cycle=other).count()) == (True, 0)


def test_a_claimed_request_is_not_claimed_again():
    one = prepared(2)
    assert claim(begun(one)) == 2
    BatchRun.objects.update(state="exported", manifest={}, manifest_sha256="0", exported_at="2026-01-01T00:00Z")
    assert claim(begun(one)) == 0


def test_repeats_and_next_attempts_are_claimed_with_the_rest():
    one = processing(3)
    first, second, third = requests_of(one)
    hand_in(one, failure(first))
    evaluated(one)
    judged(one, **REJECTION)
    assert claim(begun(one)) == 3
    assert {first["custom_id"], second["custom_id"], third["custom_id"]}.isdisjoint(
        EvaluationRequest.objects.filter(state="asked").values_list("custom_id", flat=True)
    )


def test_what_is_open_is_wanted_or_in_an_unfinished_export():
    one = processing(1)
    assert [is_open(one, stage) for stage in ("worker", "judge")] == [False, False]
    evaluated(one)
    assert [is_open(one, stage) for stage in ("worker", "judge")] == [False, True]
    made = begun(one, "judge")
    claim(made)
    assert (is_open(one, "judge"), unfinished(one, "judge"), unfinished(one, "worker")) == (True, made, None)


def test_a_cycle_before_its_first_export_is_open():
    assert is_open(prepared(1), "worker")


def test_holding_a_cycle_refuses_every_other_phase():
    one = cycle()
    with pytest.raises(PhaseError, match="A deed needs the phase scored or selection; fall-2026 is in submission"):
        hold(one, (Phase.SCORED, Phase.SELECTION), deed="A deed")
    hold(one, (Phase.SUBMISSION,), deed="A deed")


@pytest.mark.django_db(transaction=True)
def test_holding_reads_the_phase_anew_and_keeps_steps_out():
    one = cycle()
    one.phase = "frozen"  # what this object believes
    step = "SELECT 1 FROM admission_cycles FOR UPDATE SKIP LOCKED"
    with another_session() as session:
        with transaction.atomic():
            hold(one, (Phase.SUBMISSION,), deed="A deed")
            assert (session.execute(step).fetchall(), one.phase) == ([], "submission")
        assert session.execute(step).fetchall() == [(1,)]


def test_what_is_open_is_counted_by_cycle_and_stage():
    one, other = prepared(3), prepared(2, code="spring-2027")
    assert open_counts([one, other]) == {(one.pk, "worker"): 3, (other.pk, "worker"): 2}
    about = {"format": "plain", "model": "m", "shard_lines": 9, "prompt_version": "2026-1"}
    claim(BatchRun.objects.create(admission_cycle=one, stage="worker", requests=0, **about))
    assert open_counts([one]) == {}  # an unfinished export holds them
    export(other)
    other.start_processing(actor=operator())
    hand_in(other, *(evaluation(request) for request in requests_of(other)))
    assert open_counts([other]) == {(other.pk, "judge"): 2}
