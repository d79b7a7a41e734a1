"""The stand-in leads an evaluation to its end, from wherever it was left."""

import pytest

from accounts.actors import operator
from admissions.models.blind import FinalScore
from batches import rounds
from batches.models import BatchRun, JudgeResult, WorkerResult
from batches.rehearsal import MODEL
from batches.rounds import answer_round, evaluate, export_round
from enigma.errors import Malformed
from tests.batches.engines import prepared, states
from tests.factories import folder_of

pytestmark = pytest.mark.django_db


def in_processing(count, **rules):
    """A cycle whose worker requests wait for the stand-in."""
    one = prepared(count, **rules)
    export_round(one, "worker", folder_of(one), actor=operator())
    one.start_processing(actor=operator())
    return one


def lead_on(one):
    return list(evaluate(one, folder_of(one), actor=operator()))


def scored(one):
    return sorted(FinalScore.objects.filter(admission_cycle=one).values_list("status", "engine", "total"))


def test_it_tells_each_export_and_import():
    assert lead_on(in_processing(2)) == [
        "worker answers: 2 of 2 taken, 0 rejected",
        "judge batch: 2 requests in 1 files",
        "judge answers: 2 of 2 taken, 0 rejected",
    ]


def test_it_ends_when_everybody_has_a_score_also_after_rejections():
    one = in_processing(60)
    told = lead_on(one)
    assert {(status, engine) for status, engine, _ in scored(one)} == {("scored", MODEL)}
    assert len(scored(one)) == 60
    sent_back = JudgeResult.objects.filter(decision="rejected", worker_result__attempt=1).count()
    assert f"worker batch: {sent_back} requests in 1 files" in told
    assert WorkerResult.objects.filter(attempt=2).count() == sent_back > 0
    assert lead_on(one) == []
    one.mark_scored(actor=operator())


def test_without_a_judge_there_is_one_round():
    one = in_processing(2, judge_policy="none")
    assert lead_on(one) == ["worker answers: 2 of 2 taken, 0 rejected"]
    assert len(scored(one)) == 2


def test_stopped_after_any_deed_it_comes_to_the_same_end():
    one = in_processing(60)
    whole, stops = len(lead_on(one)), 0
    expected = [total for *_, total in scored(one)]
    other = in_processing(60, code="other")
    while next(evaluate(other, folder_of(other), actor=operator()), None):
        stops += 1
    assert [total for *_, total in scored(other)] == expected
    assert stops >= whole > 4


def test_an_export_that_was_killed_is_finished_first(monkeypatch):
    one = in_processing(2)
    steps = evaluate(one, folder_of(one), actor=operator())
    next(steps)
    with monkeypatch.context() as patch:
        patch.setattr("batches.shards.request_lines", lambda *_: (_ for _ in [1 / 0]))
        with pytest.raises(ZeroDivisionError):
            next(steps)
    assert BatchRun.objects.first().state == "exporting"
    assert lead_on(one)[0] == "judge batch: 2 requests in 1 files"
    assert len(scored(one)) == 2


def test_answers_that_are_not_taken_do_not_make_it_run_for_ever(monkeypatch):
    one = in_processing(2)
    monkeypatch.setattr(rounds, "answer_round", lambda run, folder, *, seed: [])
    assert (lead_on(one), states(one)) == ([], [(1, 0, "asked", "")] * 2)


def test_a_damaged_shard_is_named():
    one = in_processing(1)
    run = BatchRun.objects.get()
    shard = folder_of(one) / run.manifest["shards"][0]["name"]
    shard.write_bytes(b"rubbish\n")
    with pytest.raises(Malformed, match=rf"{shard.name}: line 1: not JSON"):
        answer_round(run, folder_of(one))
    shard.unlink()
    with pytest.raises(Malformed, match=rf"{shard.name} cannot be read: No such file"):
        answer_round(run, folder_of(one))


def test_files_of_a_database_that_is_gone_are_replaced():
    """The folder of the demo may outlive its database, whose runs are then counted from one again."""
    one, other = prepared(1), prepared(1, code="spring-2027")
    run = export_round(one, "worker", folder_of(one), actor=operator())
    left = folder_of(other) / f"spring-2027-worker-run{run.pk + 1}-0001.jsonl"
    folder_of(other).mkdir(parents=True, exist_ok=True)
    left.write_text("left over\n")
    export_round(other, "worker", folder_of(other), actor=operator())
    assert left.read_text().startswith('{"anonymized_id"')
