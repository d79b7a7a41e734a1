"""``manage.py import_results``: what it prints, its exit codes, many files at once, and what a kill leaves behind."""

import json
import os
import signal
import stat
import subprocess

import pytest

from audit.models import HashChain
from audit.sequencer import sequence_all
from batches.models import EvaluationRequest, ResultFile, WorkerResult
from tests.batches.engines import (
    REJECTION,
    encoded,
    evaluated,
    evaluation,
    export,
    failure,
    judgement,
    prepared,
    processing,
    requests_of,
    result_file,
    states,
)
from tests.factories import everything, run
from tests.racing import another_session, sessions_of_others, until


@pytest.mark.django_db
class TestOneFile:
    """In this process."""

    def test_it_says_what_it_took(self):
        one = processing(2)
        path = result_file(one, *(evaluation(request) for request in requests_of(one)))
        assert run("import_results", str(path)) == (0, "took 2 of 2 lines, 0 were there, 0 rejected\n", "")
        assert run("import_results", str(path)) == (0, "took 0 of 2 lines, 2 were there, 0 rejected\n", "")

    def test_lines_that_are_not_taken_are_named_and_end_it_with_1(self):
        one = processing(3)
        first, second, third = requests_of(one)
        path = result_file(one, evaluation(first, essay_score=9999), evaluation(second), b"rubbish\n", failure(third))
        code, out, err = run("import_results", str(path))
        assert (code, out) == (1, "took 1 of 4 lines, 0 were there, 3 rejected\n")
        assert err.splitlines() == [
            f"{path.name}: line 1, field essay_score: out_of_range: essay_score is 9999, outside 0 to 100",
            f"{path.name}: line 3: bad_line: no JSON object: fault at character 0",
            f"{path.name}: line 4: expired: the engine reports batch_expired",
            "3 lines were rejected.",
        ]

    def test_a_judge_that_says_no_is_no_rejected_line(self):
        one = processing(1)
        evaluated(one)
        export(one, "judge")
        path = result_file(one, judgement(requests_of(one, "judge")[0], **REJECTION))
        assert run("import_results", str(path))[:2] == (0, "took 1 of 1 lines, 0 were there, 0 rejected\n")

    def test_json_gives_the_counts_of_each_file(self):
        one = processing(2)
        first, second = requests_of(one)
        path = result_file(one, evaluation(first), evaluation(second, essay_score=-5))
        code, out, _ = run("import_results", str(path), "--json")
        told = json.loads(out)
        [file] = told.pop("files")
        counts = {"lines": 2, "imported": 1, "unchanged": 0, "rejected": 1}
        assert (code, told) == (1, {"dry_run": False, **counts})
        sha256 = ResultFile.objects.get().sha256
        assert file == {"file": path.name, "sha256": sha256, **counts, "reasons": {"out_of_range": 1}}

    def test_an_import_is_in_the_public_log_when_it_ends(self):
        one = processing(1)
        run("import_results", str(result_file(one, evaluation(requests_of(one)[0]))))
        assert HashChain.objects.order_by("-pk").first().decision_type == "import"

    def test_outside_processing_it_ends_with_3(self):
        one = prepared(1)
        export(one)
        path = result_file(one, evaluation(requests_of(one)[0]))
        code, out, err = run("import_results", str(path))
        assert (code, out) == (3, "")
        assert "An import of results needs the phase processing; fall-2026 is in batch_prep." in err

    def test_a_wrong_file_ends_it_with_2_and_nothing_is_taken(self):
        one = processing(22)
        first, *others = requests_of(one)
        path = result_file(one, evaluation(first), *(evaluation(o, custom_id=f"x-{n}") for n, o in enumerate(others)))
        sequence_all()
        before = everything()
        code, out, err = run("import_results", str(path))
        assert (code, out, everything()) == (2, "", before)
        assert "21 of 22 lines answer no request of this cycle. This is another file; nothing of it was taken." in err

    def test_the_file_that_went_out_is_no_result_file(self):
        one = processing(2)
        sequence_all()
        before = everything()
        code, out, err = run("import_results", str(result_file(one, *requests_of(one))))
        assert (code, out, everything()) == (2, "", before)
        assert "Line 1 is a request, not an answer" in err

    def test_a_file_that_is_not_there_ends_it_with_2(self, tmp_path):
        code, _, err = run("import_results", str(tmp_path / "absent.jsonl"))
        assert (code, err.splitlines()[0]) == (2, f"{tmp_path}/absent.jsonl cannot be read: No such file or directory.")

    def test_somebody_unknown_is_denied(self):
        one = processing(1)
        path = result_file(one, evaluation(requests_of(one)[0]))
        code, _, err = run("import_results", str(path), "--actor", "sam@example.org")
        assert (code, err) == (3, "There is no active member of staff with this address.\n")
        assert WorkerResult.objects.count() == 0


@pytest.mark.django_db
class TestManyFiles:
    """One after the other, each whole or not at all."""

    def test_a_refused_file_stops_no_other(self, tmp_path):
        one = processing(2)
        first, second = requests_of(one)
        (tmp_path / "strange").write_bytes(b"rubbish\n")
        files = [result_file(one, evaluation(first)), tmp_path / "strange", result_file(one, evaluation(second))]
        code, out, err = run("import_results", *map(str, files))
        assert (code, out) == (2, "took 2 of 2 lines, 0 were there, 0 rejected\n")
        assert err == "strange names no request that ENIGMA has asked.\n1 of 3 files were refused.\n"

    def test_of_several_refusals_the_gravest_gives_the_exit_code(self, tmp_path):
        one = prepared(1)
        export(one)
        (tmp_path / "strange").write_bytes(b"rubbish\n")
        early = result_file(one, evaluation(requests_of(one)[0]))
        for files in ([tmp_path / "strange", early], [early, tmp_path / "strange"]):
            code, out, err = run("import_results", *map(str, files))
            assert (code, out, err.splitlines()[-1]) == (3, "", "2 of 2 files were refused.")

    def test_an_output_file_and_its_empty_error_file(self):
        one = processing(1)
        files = [result_file(one, evaluation(requests_of(one)[0])), result_file(one)]
        assert run("import_results", *map(str, files))[:2] == (0, "took 1 of 1 lines, 0 were there, 0 rejected\n")

    def test_of_two_answers_in_two_files_the_first_stands(self):
        one = processing(1)
        [request] = requests_of(one)
        files = [result_file(one, evaluation(request, essay_score=score)) for score in (10, 20)]
        code, out, err = run("import_results", *map(str, files))
        assert (code, out) == (1, "took 1 of 2 lines, 0 were there, 1 rejected\n")
        assert f"{files[1].name}: line 1: conflict: this request was answered otherwise before" in err
        assert WorkerResult.objects.get().essay == 10

    def test_a_dry_run_foretells_all_files_and_keeps_nothing(self):
        one = processing(1)
        [request] = requests_of(one)
        files = [str(result_file(one, evaluation(request, essay_score=score))) for score in (10, 20)]
        before = everything()
        foretold = run("import_results", *files, "--dry-run")
        assert everything() == before
        real = run("import_results", *files)
        assert foretold[:2] == (1, "would take 1 of 2 lines, 0 were there, 1 rejected\n")
        assert (real[0], real[1].replace("took", "would take"), real[2]) == foretold


@pytest.mark.django_db
class TestReport:
    """``--report FILE``."""

    def test_it_has_a_line_for_each_request_decided(self, tmp_path):
        one = processing(2)
        first, second = requests_of(one)
        path = result_file(one, evaluation(first), evaluation(second, essay_score=-5))
        run("import_results", str(path), "--report", str(tmp_path / "report"))
        told = {line["custom_id"]: line for line in map(json.loads, (tmp_path / "report").read_bytes().splitlines())}
        keys = {"custom_id", "outcome", "reason", "scores", "total", "decision", "bias_detected"}
        assert {frozenset(line) for line in told.values()} == {frozenset(keys)}
        assert {custom_id: (line["outcome"], line["total"]) for custom_id, line in told.items()} == {
            first["custom_id"]: ("imported", 74.625),
            second["custom_id"]: ("rejected", None),
        }

    def test_it_is_whole_private_and_replaces_nothing_unless_forced(self, tmp_path):
        one = processing(1)
        path = str(result_file(one, evaluation(requests_of(one)[0])))
        report = tmp_path / "report"
        report.write_text("mine")
        code, _, err = run("import_results", path, "--report", str(report))
        assert (code, report.read_text(), WorkerResult.objects.count()) == (2, "mine", 0)
        assert "--force replaces it" in err
        assert run("import_results", path, "--report", str(report), "--force")[0] == 0
        assert (stat.S_IMODE(report.stat().st_mode), list(tmp_path.iterdir())) == (0o600, [report])


@pytest.mark.django_db(transaction=True)
class TestProcess:
    """As a process."""

    def test_a_killed_import_has_taken_nothing_and_the_next_one_takes_all(self, manage):
        one = processing(30)
        lines = [evaluation(request, essay_score=n) for n, request in enumerate(requests_of(one))]
        path = result_file(one, *lines, b"rubbish\n", failure(requests_of(one)[0]))
        before = everything()
        with another_session() as session:
            # The results are written, the requests not yet answered: the import stands still in its middle.
            session.execute("BEGIN; LOCK TABLE final_scores IN SHARE MODE")
            killed = manage("import_results", str(path))
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'final_scores'::regclass"
            until(lambda: session.execute(waits).fetchone()[0])
            killed.kill()
            assert killed.wait() == -signal.SIGKILL
            session.execute("ROLLBACK")
        killed.communicate()
        until(lambda: not sessions_of_others())
        assert everything() == before

        assert run("import_results", str(path))[:2] == (1, "took 30 of 32 lines, 0 were there, 2 rejected\n")
        stored = WorkerResult.objects.values_list("request__custom_id", "essay")
        assert dict(stored) == {line["custom_id"]: line["essay_score"] for line in lines}
        assert (states(one), states(one, "judge")) == (
            [(1, 0, "answered", "")] * 30,
            [(1, 0, "wanted", "")] * 30,
        )

    def test_killed_between_two_files_it_goes_on_with_the_second(self, manage):
        one = processing(20)
        answers = [evaluation(request) for request in requests_of(one)]
        files = [str(result_file(one, *half)) for half in (answers[:10], answers[10:])]
        pipe = os.pipe()
        # The second file is a pipe into which nobody writes yet.
        killed = manage("import_results", files[0], "-", stdin=pipe[0])
        until(lambda: WorkerResult.objects.count() == 10)
        killed.kill()
        killed.communicate()
        for end in pipe:
            os.close(end)
        code, out, _ = run("import_results", *files)
        assert (code, out) == (0, "took 10 of 20 lines, 10 were there, 0 rejected\n")
        assert set(EvaluationRequest.objects.filter(stage="worker").values_list("state")) == {("answered",)}

    def test_a_dash_is_standard_input(self, manage):
        one = processing(1)
        taking = manage("import_results", "-", stdin=subprocess.PIPE)
        out, _ = taking.communicate(encoded(evaluation(requests_of(one)[0])))
        assert (taking.returncode, out) == (0, b"took 1 of 1 lines, 0 were there, 0 rejected\n")
