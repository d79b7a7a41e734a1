"""What answers come to: a score, a next attempt, a repeat, or a person. One rejection never stops the rest."""

from decimal import Decimal
from hashlib import sha256

import pytest

from accounts.actors import operator
from admissions.decisions import score_by_person, set_aside
from admissions.models.blind import FinalScore
from admissions.phases import PhaseError
from batches.answers import FAILURES
from batches.models import BatchRun, EvaluationRequest, JudgeResult, WorkerResult
from tests.batches.engines import (
    EVALUATION,
    REJECTION,
    chat,
    encoded,
    evaluated,
    evaluation,
    export,
    fail,
    failure,
    final,
    hand_in,
    judged,
    judgement,
    processing,
    requests_of,
    scores,
    states,
)

pytestmark = pytest.mark.django_db


# -- scores -------------------------------------------------------------------------------------


def test_an_approved_evaluation_is_the_final_score(one):
    evaluated(one)
    assert not FinalScore.objects.exists()
    judged(one)
    score = final()
    assert (score.status, score.engine, score.explanation) == ("scored", "model-1", "Strong in physics.")
    parts = (score.academic, score.test, score.achievement, score.essay, score.total)
    assert parts == (80, Decimal("70.5"), 60, 90, Decimal("74.625"))
    hashes = [bytes(WorkerResult.objects.get().line_sha256), bytes(JudgeResult.objects.get().line_sha256)]
    assert bytes(score.evidence_sha256) == sha256(b"".join(hashes)).digest()


def test_without_a_judge_the_evaluation_is_the_final_score_at_once():
    one = processing(2, judge_policy="none")
    evaluated(one)
    assert scores() == [("scored", Decimal("74.625"), "")] * 2
    assert states(one, "judge") == []
    one.mark_scored(actor=operator())


def test_a_lying_total_is_kept_as_a_claim_and_counts_for_nothing(one):
    evaluated(one, total_score=100)
    judged(one)
    stored = WorkerResult.objects.get()
    assert (stored.claimed_total, stored.total, final().total) == (100, Decimal("74.625"), Decimal("74.625"))


@pytest.mark.parametrize(
    ("worker", "judge", "engine"),
    [("a", "b", "a"), ("rehearsal", "b", "rehearsal"), ("a", "rehearsal", "rehearsal")],
)
def test_a_score_on_which_the_stand_in_had_a_hand_says_so(one, worker, judge, engine):
    evaluated(one, model=worker)
    judged(one, model=judge)
    assert final().engine == engine


def test_a_score_outside_0_to_100_is_never_stored():
    one = processing(3)
    [first, second, third] = requests_of(one)
    hand_in(one, evaluation(first, essay_score=9999), evaluation(second, essay_score=-5), evaluation(third))
    assert list(WorkerResult.objects.values_list("request__custom_id", "essay")) == [(third["custom_id"], 90)]


# -- rejections ---------------------------------------------------------------------------------


def test_one_rejection_never_stops_the_rest():
    one = processing(3)
    evaluated(one)
    export(one, "judge")
    first, second, third = requests_of(one, "judge")
    taken = hand_in(one, judgement(first), judgement(second, **REJECTION), judgement(third))
    assert (taken.imported, taken.rejected) == (3, 0)
    assert set(FinalScore.objects.values_list("anonymized__pk", flat=True).distinct()) == {
        judge.worker_result.anonymized_id for judge in JudgeResult.objects.filter(decision="approved")
    }
    assert states(one) == [(1, 0, "answered", "")] * 3 + [(2, 0, "wanted", "")]
    with pytest.raises(PhaseError, match="1 blind copies of fall-2026 have no final score; 0 of them wait"):
        one.mark_scored(actor=operator())


def test_a_second_attempt_that_is_approved_is_the_final_score(one):
    evaluated(one, essay_score=10)
    judged(one, **REJECTION)
    export(one)
    evaluated(one, essay_score=50)
    judged(one)
    assert (final().essay, list(WorkerResult.objects.order_by("attempt").values_list("essay", flat=True))) == (
        50,
        [10, 50],
    )


def test_after_the_last_attempt_a_person_decides_and_until_then_nothing_goes_on():
    one = processing(2, attempts_allowed=2)
    for _ in range(2):
        evaluated(one)
        judged(one, **REJECTION)
        if EvaluationRequest.objects.filter(state="wanted").exists():
            export(one)
    assert scores() == [("waiting", None, "the judge rejected all 2 attempts")] * 2
    assert states(one) == [(1, 0, "answered", "")] * 2 + [(2, 0, "answered", "")] * 2
    with pytest.raises(PhaseError, match="2 blind copies of fall-2026 have no final score; 2 of them wait"):
        one.mark_scored(actor=operator())
    first, second = FinalScore.objects.order_by("pk")
    parts = dict.fromkeys(("academic", "test", "achievement", "essay"), Decimal(55))
    score_by_person(one, first.pk, scores=parts, reason="read by two", actor=operator())
    with pytest.raises(PhaseError, match="1 of them wait for a person"):
        one.mark_scored(actor=operator())
    set_aside(one, second.pk, reason="no text", actor=operator())
    one.mark_scored(actor=operator())
    assert sorted(FinalScore.objects.values_list("status", "total")) == [("scored", 55), ("set_aside", None)]


def test_where_one_attempt_is_allowed_the_first_rejection_calls_a_person():
    one = processing(1, attempts_allowed=1)
    evaluated(one)
    judged(one, **REJECTION)
    assert (scores(), states(one)) == (
        [("waiting", None, "the judge rejected all 1 attempts")],
        [(1, 0, "answered", "")],
    )


@pytest.mark.parametrize("contradiction", [{"bias_detected": True}, {"decision": "rejected"}])
def test_a_judgement_that_contradicts_itself_is_asked_for_again(one, contradiction):
    evaluated(one)
    taken = judged(one, **contradiction)
    assert (taken.imported, taken.rejected) == (0, 1)
    [(failed, wanted)] = [states(one, "judge")]
    assert (failed[:3], wanted) == ((1, 0, "failed"), (1, 1, "wanted", ""))
    judged(one)
    assert final().status == "scored"


# -- failures -----------------------------------------------------------------------------------


def test_what_never_arrived_is_asked_for_five_times_more_and_then_a_person(one):
    for repeat in range(5):
        fail(one, "batch_expired")
        assert states(one)[-1] == (1, repeat + 1, "asked", "")
    fail(one, "rate_limit_exceeded")
    assert states(one) == [(1, n, "failed", "expired") for n in range(5)] + [(1, 5, "failed", "rate_limited")]
    assert scores() == [("waiting", None, "no usable worker answer: rate_limited")]


def test_what_cannot_be_read_is_asked_for_twice_more_and_then_a_person(one):
    for score in ("88", 101):
        evaluated(one, essay_score=score)
        export(one)
    evaluated(one, reasoning=None)
    assert states(one) == [
        (1, 0, "failed", "bad_type"),
        (1, 1, "failed", "out_of_range"),
        (1, 2, "failed", "missing_field"),
    ]
    assert scores() == [("waiting", None, "no usable worker answer: missing_field")]


def test_what_was_cut_off_is_asked_for_once_more_with_twice_the_room():
    one = processing(1, format="openai-chat")
    caps = []
    for _ in range(2):
        [request] = requests_of(one)
        caps.append(request["body"]["max_completion_tokens"])
        hand_in(one, chat(request["custom_id"], EVALUATION, finish="length"))
        if EvaluationRequest.objects.filter(state="wanted").exists():
            export(one, format="openai-chat")
    assert caps == [4096, 8192]
    assert scores() == [("waiting", None, "no usable worker answer: truncated")]


@pytest.mark.parametrize("code", ["refusal", "content_filter", "context_length_exceeded"])
def test_an_engine_that_will_not_answer_calls_a_person_at_once(one, code):
    fail(one, code)
    assert states(one) == [(1, 0, "failed", {"context_length_exceeded": "http_error"}.get(code, code))]
    assert [status for status, *_ in scores()] == ["waiting"]


def test_each_way_to_fail_has_a_counter_of_its_own(one):
    for _ in range(4):
        fail(one, "batch_expired")
    for _ in range(2):
        evaluated(one, essay_score=101)
        export(one)
    fail(one, "batch_expired")
    assert (states(one)[-1], FinalScore.objects.exists()) == ((1, 7, "asked", ""), False)


def test_a_next_attempt_starts_with_fresh_counters_and_its_repeats_carry_the_feedback(one):
    for _ in range(2):
        evaluated(one, essay_score=101)
        export(one)
    evaluated(one)
    judged(one, **REJECTION)
    export(one)
    for _ in range(2):
        evaluated(one, essay_score=101)
        export(one)
    [request] = requests_of(one)
    assert (request["attempt"], request["feedback"]) == (2, REJECTION["feedback"])
    assert states(one)[-1] == (2, 2, "asked", "")


def test_a_judge_that_will_not_answer_calls_a_person(one):
    evaluated(one)
    export(one, "judge")
    fail(one, "refusal", "judge")
    assert scores() == [("waiting", None, "no usable judge answer: refusal")]


def test_every_failure_that_a_parser_may_name_has_its_limit():
    assert {action.retry: action.limit for action in FAILURES.values()} == {
        "transport": 5,
        "format": 2,
        "truncated": 1,
        "person": 0,
    }


def test_of_two_failures_in_one_file_the_first_counts(one):
    [request] = requests_of(one)
    hand_in(one, failure(request), failure(request, "refusal"))
    assert states(one) == [(1, 0, "failed", "expired"), (1, 1, "wanted", "")]


def test_many_failures_of_one_file_each_go_their_way():
    one = processing(4)
    first, second, third, fourth = requests_of(one)
    lines = failure(first), failure(second, "refusal"), evaluation(third, essay_score=101), evaluation(fourth)
    taken = hand_in(one, *lines)
    assert (taken.imported, taken.reasons) == (1, {"expired": 1, "out_of_range": 1, "refusal": 1})
    assert states(one) == sorted(
        [(1, 0, "answered", ""), *[(1, 1, "wanted", "")] * 2]
        + [(1, 0, "failed", code) for code in ("expired", "out_of_range", "refusal")]
    )
    assert scores() == [("waiting", None, "no usable worker answer: refusal")]


# -- how far a run has come ---------------------------------------------------------------------


def test_a_run_is_imported_when_all_of_it_is_answered():
    one = processing(2)
    first, second = requests_of(one)
    seen = []
    for lines in ([evaluation(first)], [failure(second)], [evaluation(second)]):
        hand_in(one, *lines)
        seen.append(BatchRun.objects.get().state)
    assert seen == ["exported", "needs_attention", "imported"]


def test_answers_to_an_unfinished_export_are_taken_and_the_run_stays_unfinished(one):
    BatchRun.objects.update(state="exporting", manifest=None, manifest_sha256="", exported_at=None)
    [line] = list(BatchRun.objects.values_list("pk", flat=True))
    request = EvaluationRequest.objects.get()
    named = {"anonymized_id": str(request.anonymized_id), "custom_id": request.custom_id}
    assert hand_in(one, encoded(evaluation(named))).imported == 1
    assert BatchRun.objects.get(pk=line).state == "exporting"
