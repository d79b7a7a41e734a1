"""A result file is taken whole or not at all, every line of it accounted for, and twice is the same as once."""

import io
import json
import os
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import operator
from accounts.roles import Role
from admissions.models.blind import FinalScore
from admissions.phases import Phase, PhaseError
from audit.models import LogOutbox
from batches.ingest import ImportRun, import_file, report_line
from batches.models import EvaluationRequest, ImportIssue, JudgeResult, ResultFile, WorkerResult
from enigma.errors import Denied, Malformed
from tests.batches.engines import (
    EVALUATION,
    REJECTION,
    encoded,
    evaluated,
    evaluation,
    export,
    failure,
    hand_in,
    judgement,
    prepared,
    processing,
    requests_of,
    result_file,
    states,
)
from tests.factories import cycle, everything, folder_of, lead, omar
from tests.racing import together

pytestmark = pytest.mark.django_db


def mixed(requests):
    """A file with one of everything, over four requests."""
    first, second, third, fourth = requests
    good = evaluation(first)
    return [
        *[good, good, evaluation(first, essay_score=1), evaluation(second, essay_score=9999), b"\n", b"rubbish\n"],
        *[failure(third), evaluation(fourth, custom_id="never-asked"), evaluation(fourth), b'{"custom_id": "cut'],
    ]


REASONS = {"bad_line": 2, "conflict": 1, "expired": 1, "out_of_range": 1, "unknown_id": 1}


def results():
    """All that imports have brought about."""
    log = {"audit_logs", "log_outbox"}  # an import is noted each time
    return {name: rows for name, rows in everything().items() if name not in log}


# -- accounts -----------------------------------------------------------------------------------


def test_every_line_is_accounted_for():
    one = processing(4)
    taken = hand_in(one, *mixed(requests_of(one)))
    assert (taken.lines, taken.imported, taken.unchanged, taken.rejected) == (9, 2, 1, 6)
    assert taken.reasons == REASONS


def test_the_file_and_its_bad_lines_are_kept():
    one = processing(4)
    requests = requests_of(one)
    taken = hand_in(one, *mixed(requests))
    file = ResultFile.objects.get()
    assert (file.sha256, file.counts) == (taken.sha256, taken.counts())
    kept = ImportIssue.objects.order_by("line").values_list("line", "custom_id", "code", "field")
    assert list(kept) == [
        (3, requests[0]["custom_id"], "conflict", ""),
        (4, requests[1]["custom_id"], "out_of_range", "essay_score"),
        (6, "", "bad_line", ""),
        (7, requests[2]["custom_id"], "expired", ""),
        (8, "never-asked", "unknown_id", ""),
        (10, "", "bad_line", ""),
    ]


def test_a_result_says_in_which_line_of_which_file_it_stood():
    one = processing(2)
    first, second = requests_of(one)
    taken = hand_in(one, evaluation(first), b"\n", evaluation(second))
    assert list(
        WorkerResult.objects.order_by("file_line").values_list("request__custom_id", "file_sha256", "file_line")
    ) == [
        (first["custom_id"], taken.sha256, 1),
        (second["custom_id"], taken.sha256, 3),
    ]


def test_an_import_is_committed_to_the_log_once_and_noted_each_time():
    one = processing(1)
    path = result_file(one, evaluation(requests_of(one)[0]))
    before = LogOutbox.objects.count()
    for _ in range(2):
        taken = import_file(path, actor=operator())
    noted = list(LogOutbox.objects.order_by("pk").values_list("log", "kind"))[before:]
    assert noted == [("public", "import"), ("audit", "batches.import"), ("audit", "batches.import")]
    assert taken.sha256 in LogOutbox.objects.last().body


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_file_holds_lines_are_imported_or_unchanged_or_rejected(shared, data):
    """And what is imported are results, each request answered at most once; a second time nothing changes."""
    one, requests = shared
    request = st.sampled_from(requests)
    score = st.sampled_from([0, 55.5, 100, -5, 9999, True, "88", float("nan"), float("inf")])
    line = st.one_of(
        st.builds(lambda to, essay: evaluation(to, essay_score=essay), request, score),
        st.builds(lambda to: evaluation(to, anonymized_id="another"), request),
        st.builds(failure, request, st.sampled_from(["expired", "refusal", "length"])),
        st.builds(lambda to, cut: encoded(evaluation(to))[:cut] + b"\n", request, st.integers(0, 300)),
        st.binary(max_size=40).map(lambda junk: junk.replace(b"\n", b"") + b"\n"),
    )
    content = encoded(*data.draw(st.lists(line, max_size=12)), evaluation(requests[0], custom_id="never-asked"))
    content += encoded(evaluation(requests[0]))  # so that the file is ours
    path = folder_of(one) / "drawn.jsonl"
    path.write_bytes(content)
    with transaction.atomic():
        taken = import_file(path, actor=operator())
        rows = results()
        again = import_file(path, actor=operator())
        same = results() == rows
        answered = WorkerResult.objects.count()
        transaction.set_rollback(True)
    blank = sum(not part.strip() for part in io.BytesIO(content))
    assert taken.lines == content.count(b"\n") - blank == taken.imported + taken.unchanged + taken.rejected
    assert (sum(taken.reasons.values()), answered, same) == (taken.rejected, taken.imported, True)
    assert (again.imported, again.unchanged) == (0, taken.imported + taken.unchanged)


@pytest.fixture
def shared():
    one = processing(3)
    return one, requests_of(one)


# -- twice, in parts, at once -------------------------------------------------------------------


def test_the_same_file_again_changes_nothing():
    one = processing(4)
    path = result_file(one, *mixed(requests_of(one)))
    first = import_file(path, actor=operator())
    before = results()
    again = import_file(path, actor=operator())
    assert results() == before
    assert (again.imported, again.unchanged, again.reasons) == (0, first.imported + first.unchanged, REASONS)


def test_a_file_in_parts_comes_to_the_same_as_whole():
    outcomes = []
    for code, size in (("whole", 9), ("parts", 2)):
        one = processing(4, code=code)
        lines = [evaluation(request, essay_score=n * 10) for n, request in enumerate(requests_of(one))]
        for start in range(0, 4, size):
            hand_in(one, *lines[start : start + size])
        scores = WorkerResult.objects.filter(request__admission_cycle=one).values_list("essay", "total")
        outcomes.append((sorted(scores), states(one), states(one, "judge")))
    assert outcomes[0] == outcomes[1]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_wait_for_each_other():
    one = processing(20)
    requests = requests_of(one)
    files = [result_file(one, *(evaluation(request, essay_score=n) for request in requests)) for n in (1, 2)]
    taken = together(*(lambda path=path: import_file(path, actor=operator()) for path in files))
    assert sorted(one.imported for one in taken) == [0, 20]
    assert sorted(one.reasons.get("conflict", 0) for one in taken) == [0, 20]
    assert len(set(WorkerResult.objects.values_list("essay", flat=True))) == 1
    assert states(one, "judge") == [(1, 0, "wanted", "")] * 20


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_taken_once():
    one = processing(20)
    path = result_file(one, *(evaluation(request) for request in requests_of(one)))
    taken = together(*[lambda: import_file(path, actor=operator())] * 2)
    assert sorted((one.imported, one.unchanged) for one in taken) == [(0, 20), (20, 0)]
    assert (ResultFile.objects.count(), WorkerResult.objects.count()) == (1, 20)


def test_a_dry_run_counts_and_keeps_nothing():
    one = processing(4)
    path = result_file(one, *mixed(requests_of(one)))
    before = everything()
    taken = import_file(path, actor=operator(), dry_run=True)
    assert (taken.imported, taken.reasons, everything()) == (2, REASONS, before)


def test_an_error_in_the_middle_keeps_nothing(monkeypatch):
    one = processing(2)
    path = result_file(one, *(evaluation(request) for request in requests_of(one)))
    before = everything()
    monkeypatch.setattr(ImportRun, "_keep", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_file(path, actor=operator())
    assert everything() == before


# -- files that are not taken -------------------------------------------------------------------


def test_a_wrong_file_is_refused_whole():
    one = processing(22)
    requests = requests_of(one)
    strange = [evaluation(request, custom_id=f"other-{n}") for n, request in enumerate(requests[:21])]
    path = result_file(one, *strange, evaluation(requests[21]))
    before = everything()
    with pytest.raises(Malformed, match="21 of 22 lines answer no request of this cycle"):
        import_file(path, actor=operator())
    assert everything() == before


def test_a_few_strange_lines_do_not_make_a_wrong_file():
    one = processing(2)
    first, second = requests_of(one)
    strange = [evaluation(first, custom_id=f"other-{n}") for n in range(20)]
    assert hand_in(one, *strange, evaluation(second)).reasons == {"unknown_id": 20}


def test_a_file_of_another_cycle_among_ours_is_a_wrong_file():
    one, other = processing(1), processing(21, code="other")
    lines = [evaluation(requests_of(one)[0]), *(evaluation(request) for request in requests_of(other))]
    with pytest.raises(Malformed, match="21 of 22 lines answer no request of this cycle"):
        hand_in(one, *lines)
    assert WorkerResult.objects.count() == 0


@pytest.mark.parametrize("content", [b"rubbish\n", b"\xff\xfe\n", b'{"custom_id": "never-asked"}\n', b"\x00" * 50])
def test_a_file_that_names_no_request_is_refused(content):
    one = processing(1)
    with pytest.raises(Malformed, match=r"results-\w+\.jsonl names no request that ENIGMA has asked"):
        hand_in(one, content)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf\r\n  \n"])
def test_an_empty_error_file_is_no_error(content):
    one = processing(1)
    before = everything()
    taken = hand_in(one, content)
    assert (taken.counts(), everything()) == (
        {"lines": 0, "imported": 0, "unchanged": 0, "rejected": 0, "reasons": {}},
        before,
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Malformed, match=r"absent\.jsonl cannot be read: No such file or directory"):
        import_file(tmp_path / "absent.jsonl", actor=operator())
    with pytest.raises(Malformed, match="cannot be read: Is a directory"):
        import_file(tmp_path, actor=operator())


def test_a_pipe_is_read_like_a_file(tmp_path):
    one = processing(1)
    content = encoded(evaluation(requests_of(one)[0]))
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        assert import_file(tmp_path / f"/dev/fd/{reading}", actor=operator()).imported == 1
    finally:
        os.close(reading)


def test_results_are_taken_in_processing_only():
    one = prepared(2)
    export(one, model="rehearsal")
    line, refused = evaluation(requests_of(one)[0]), set()
    for phase in list(Phase)[3:]:
        if phase == Phase.PROCESSING:
            one.start_processing(actor=operator())
        lead(one, phase)
        try:
            hand_in(one, line)
        except PhaseError as refusal:
            refused.add(str(refusal).rpartition(" ")[2])
    assert refused == {"batch_prep.", "scored.", "selection.", "published.", "completed."}


def test_a_reviewer_may_not_import():
    one = processing(1)
    path = result_file(one, evaluation(requests_of(one)[0]))
    with pytest.raises(Denied, match=r"reviewer does not include batches\.import"):
        import_file(path, actor=omar(Role.REVIEWER))
    assert WorkerResult.objects.count() == 0


# -- the report ---------------------------------------------------------------------------------


def reported(one, *lines):
    """Import these lines; return the report by custom_id."""
    with transaction.atomic():
        importing = ImportRun(io.BytesIO(encoded(*lines)), "results", actor=operator())
        importing.run()
        told = [json.loads(report_line(decided)) for decided in importing.report()]
    assert len({one["custom_id"] for one in told}) == len(told)
    return {one.pop("custom_id"): one for one in told}


TAKEN = {
    "outcome": "imported",
    "reason": "",
    "scores": {key: EVALUATION[key] for key in ("academic_score", "test_score", "achievement_score", "essay_score")},
    "total": 74.625,
    "decision": None,
    "bias_detected": None,
}
NOT_TAKEN = {"outcome": "rejected", "scores": None, "total": None, "decision": None, "bias_detected": None}


def test_the_report_has_one_line_for_each_request_decided():
    one = processing(4)
    first, second, third, fourth = requests_of(one)
    assert reported(one, *mixed([first, second, third, fourth])) == {
        first["custom_id"]: TAKEN,
        second["custom_id"]: NOT_TAKEN | {"reason": "out_of_range: essay_score is 9999, outside 0 to 100"},
        third["custom_id"]: NOT_TAKEN | {"reason": "expired: the engine reports batch_expired"},
        fourth["custom_id"]: TAKEN,
    }


def test_the_report_of_a_judge_file_tells_the_verdict_and_the_scores_it_is_about():
    one = processing(2)
    evaluated(one)
    export(one, "judge")
    first, second = requests_of(one, "judge")
    assert reported(one, judgement(first), judgement(second, bias_detected=True, **REJECTION)) == {
        first["custom_id"]: TAKEN | {"decision": "approved", "bias_detected": False},
        second["custom_id"]: TAKEN | {"decision": "rejected", "bias_detected": True},
    }


def test_the_report_of_a_file_that_was_there_says_what_stands():
    one = processing(1)
    [request] = requests_of(one)
    hand_in(one, evaluation(request))
    assert reported(one, evaluation(request)) == {request["custom_id"]: TAKEN}
    told = reported(one, evaluation(request, essay_score=1))[request["custom_id"]]
    assert told == NOT_TAKEN | {
        "reason": "conflict: this request was answered otherwise before; the first answer stands"
    }


# -- what is never touched ----------------------------------------------------------------------


def test_an_import_takes_as_many_statements_for_3_lines_as_for_300():
    counts = []
    for count, code in ((3, "few"), (300, "many")):
        one = processing(count, code=code)
        with CaptureQueriesContext(connection) as statements:
            evaluated(one)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 50


def test_numbers_are_stored_to_the_last_digit():
    one = processing(1, judge_policy="none")
    evaluated(one, academic_score=33.33335, test_score=0, achievement_score=0, essay_score=1e-9)
    stored = WorkerResult.objects.get()
    assert (stored.academic, stored.essay, stored.total) == (Decimal("33.3334"), 0, Decimal("10.0000"))
    assert FinalScore.objects.get().total == stored.total


def test_requests_and_results_of_another_cycle_stay_as_they_are():
    one, other = processing(2), processing(2, code="other")
    evaluated(other)
    before = list(EvaluationRequest.objects.filter(admission_cycle=other).order_by("pk").values())
    evaluated(one)
    assert list(EvaluationRequest.objects.filter(admission_cycle=other).order_by("pk").values()) == before
    assert (WorkerResult.objects.count(), JudgeResult.objects.count()) == (4, 0)


def test_a_cycle_without_a_request_takes_nothing(tmp_path):
    cycle()
    (tmp_path / "file").write_bytes(encoded({"custom_id": "a", **EVALUATION}))
    with pytest.raises(Malformed, match="file names no request that ENIGMA has asked"):
        import_file(tmp_path / "file", actor=operator())
