"""The first answer stands, whatever else comes: twice, late, otherwise, or after it was asked again."""

import pytest

from accounts.actors import operator
from accounts.roles import Role
from admissions.decisions import set_aside
from admissions.models.blind import FinalScore
from admissions.phases import PhaseError
from audit.models import LogOutbox
from batches.models import BatchRun, ImportIssue, WorkerResult
from batches.settlement import reask
from enigma.errors import Denied
from tests.batches.engines import (
    REJECTION,
    evaluated,
    evaluation,
    export,
    fail,
    failure,
    final,
    hand_in,
    judged,
    judgement,
    prepared,
    processing,
    requests_of,
    scores,
    states,
)
from tests.factories import lead, omar

pytestmark = pytest.mark.django_db


# -- twice, late, otherwise ---------------------------------------------------------------------


def test_the_same_line_twice_counts_once(one):
    line = evaluation(requests_of(one)[0])
    taken = hand_in(one, line, line)
    assert (taken.lines, taken.imported, taken.unchanged, taken.rejected) == (2, 1, 1, 0)
    again = hand_in(one, line)
    assert (again.imported, again.unchanged, again.rejected) == (0, 1, 0)


def test_of_two_answers_in_one_file_the_first_stands(one):
    [request] = requests_of(one)
    taken = hand_in(one, evaluation(request, essay_score=10), evaluation(request, essay_score=20))
    assert (taken.imported, taken.reasons, WorkerResult.objects.get().essay) == (1, {"conflict": 1}, 10)


def test_of_two_answers_in_two_files_the_first_stands(one):
    [request] = requests_of(one)
    hand_in(one, evaluation(request, essay_score=10))
    taken = hand_in(one, evaluation(request, essay_score=20))
    assert (taken.imported, taken.reasons, WorkerResult.objects.get().essay) == (0, {"conflict": 1}, 10)


def test_of_two_judgements_the_first_stands(one):
    evaluated(one)
    judged(one)
    [request] = requests_of(one, "judge")
    taken = hand_in(one, judgement(request, **REJECTION))
    assert (taken.reasons, final().status, states(one)) == ({"conflict": 1}, "scored", [(1, 0, "answered", "")])


@pytest.mark.parametrize("order", [1, -1])
def test_an_error_beside_an_answer_asks_for_nothing(one, order):
    [request] = requests_of(one)
    taken = hand_in(one, *[evaluation(request), failure(request)][::order])
    assert (taken.imported, taken.reasons) == (1, {"expired": 1})
    assert states(one) == [(1, 0, "answered", "")]


def test_an_error_in_a_later_file_does_not_undo_an_answer(one):
    [request] = requests_of(one)
    hand_in(one, evaluation(request))
    hand_in(one, failure(request, "refusal"))
    assert (states(one), FinalScore.objects.exists()) == ([(1, 0, "answered", "")], False)


def test_an_answer_after_an_error_is_taken_and_the_wanted_repeat_withdrawn(one):
    [request] = requests_of(one)
    hand_in(one, failure(request))
    assert states(one) == [(1, 0, "failed", "expired"), (1, 1, "wanted", "")]
    hand_in(one, evaluation(request))
    assert states(one) == [(1, 0, "answered", "")]
    judged(one)
    assert final().status == "scored"


def test_of_an_answer_and_its_repeat_the_first_to_come_stands(one):
    [request] = requests_of(one)
    fail(one, "batch_expired")
    [repeat] = requests_of(one)
    assert hand_in(one, evaluation(request, essay_score=10)).imported == 1
    taken = hand_in(one, evaluation(repeat, essay_score=20))
    assert (taken.imported, taken.unchanged, taken.rejected) == (0, 1, 0)
    assert (WorkerResult.objects.get().essay, ImportIssue.objects.filter(code="superseded").count()) == (10, 0)
    assert states(one) == [(1, 0, "answered", ""), (1, 1, "failed", "superseded")]
    assert set(BatchRun.objects.values_list("state", flat=True)) == {"imported"}
    assert states(one, "judge") == [(1, 0, "wanted", "")]


def test_of_an_answer_and_its_repeat_in_one_file_the_first_line_stands(one):
    [request] = requests_of(one)
    fail(one, "batch_expired")
    [repeat] = requests_of(one)
    taken = hand_in(one, evaluation(repeat, essay_score=20), evaluation(request, essay_score=10))
    assert (taken.imported, taken.unchanged, WorkerResult.objects.get().essay) == (1, 1, 20)


@pytest.mark.parametrize("code", ["refusal", "batch_expired"])
def test_a_repeat_that_fails_beside_an_accepted_answer_asks_for_nothing(one, code):
    """The engine took its time, the office asked again, both came back: one good, one not."""
    [request] = requests_of(one)
    fail(one, "batch_expired")
    hand_in(one, evaluation(request))
    fail(one, code)
    assert [state for *_, state, _ in states(one)] == ["answered", "failed"]
    assert not FinalScore.objects.exists()
    judged(one)
    assert final().status == "scored"


def test_an_answer_that_comes_after_a_person_was_called_is_kept_and_the_person_still_decides(one):
    [request] = requests_of(one)
    hand_in(one, failure(request, "refusal"))
    assert hand_in(one, evaluation(request)).imported == 1
    assert (scores(), WorkerResult.objects.count()) == ([("waiting", None, "no usable worker answer: refusal")], 1)
    assert states(one, "judge") == []
    set_aside(one, final().pk, reason="no text", actor=operator())
    assert hand_in(one, evaluation(request, essay_score=1)).reasons == {"conflict": 1}
    assert final().status == "set_aside"


# -- asking again -------------------------------------------------------------------------------


def test_what_went_out_and_never_came_back_is_asked_again():
    one = processing(3)
    first, *_ = requests_of(one)
    hand_in(one, evaluation(first))
    assert reask(one, "worker", actor=operator()) == 2
    assert states(one) == sorted([(1, 0, "answered", "")] + [(1, 0, "failed", "absent"), (1, 1, "wanted", "")] * 2)
    assert BatchRun.objects.get().state == "needs_attention"
    assert '"requests":2,"stage":"worker"' in LogOutbox.objects.last().body
    assert reask(one, "worker", actor=operator()) == 0


def test_what_is_asked_in_vain_six_times_waits_for_a_person(one):
    for _ in range(5):
        reask(one, "worker", actor=operator())
        export(one)
    reask(one, "worker", actor=operator())
    assert scores() == [("waiting", None, "no usable worker answer: absent")]


def test_asking_again_leaves_alone_what_is_answered_by_another(one):
    [request] = requests_of(one)
    reask(one, "worker", actor=operator())
    export(one)
    hand_in(one, evaluation(request))
    assert reask(one, "worker", actor=operator()) == 1  # the repeat, which nobody needs any more
    assert states(one) == [(1, 0, "answered", ""), (1, 1, "failed", "absent")]


def test_asking_again_leaves_alone_what_an_unfinished_export_holds(one):
    BatchRun.objects.update(state="exporting", manifest=None, manifest_sha256="", exported_at=None)
    assert (reask(one, "worker", actor=operator()), states(one)) == (0, [(1, 0, "asked", "")])


def test_asking_again_has_its_phases_and_its_permission():
    one = lead(prepared(1), "processing")
    with pytest.raises(Denied):
        reask(one, "worker", actor=omar(Role.REVIEWER))
    lead(one, "scored")
    with pytest.raises(PhaseError, match="needs the phase batch_prep or processing; fall-2026 is in scored"):
        reask(one, "worker", actor=operator())
