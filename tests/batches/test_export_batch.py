"""``manage.py export_batch``: what it prints, its exit codes, and what a kill leaves behind."""

import json
import signal
from pathlib import Path

import pytest

from accounts.actors import operator
from admissions.models.blind import AnonymizedApplication
from batches.models import BatchRun, EvaluationRequest
from tests.batches.engines import export, failure, hand_in, prepared, processing, requests_of, states
from tests.factories import folder_of, run
from tests.racing import another_session, sessions_of_others, until

ARGUMENTS = ("export_batch", "fall-2026", "--stage", "worker", "--model", "model-1")


@pytest.mark.django_db
class TestCommand:
    """In this process."""

    def test_it_says_how_many_requests_are_where(self, tmp_path):
        prepared(3)
        code, out, err = run(*ARGUMENTS, "--output", str(tmp_path), "--shard-lines", "2")
        made = BatchRun.objects.get()
        told = f"run {made.pk}: worker plain: 3 requests in 2 files under {tmp_path} for model-1\n"
        assert (code, out, err) == (0, told, "")

    def test_json_is_the_manifest_with_its_hash_and_the_paths(self, tmp_path):
        prepared(3)
        code, out, _ = run(*ARGUMENTS, "--output", str(tmp_path), "--format", "openai-chat", "--json")
        told, made = json.loads(out), BatchRun.objects.get()
        assert code == 0
        assert told.pop("files") == [str(tmp_path / f"fall-2026-worker-run{made.pk}-0001.jsonl")]
        assert told == {**made.manifest, "manifest_sha256": made.manifest_sha256}
        assert all(Path(file).exists() for file in tmp_path.iterdir())

    def test_in_the_wrong_phase_it_ends_with_3(self, tmp_path):
        prepared(1)
        code, out, err = run("export_batch", "fall-2026", "--stage", "judge", "--model", "m", "--output", str(tmp_path))
        assert (code, out, err) == (3, "", "A judge batch needs the phase processing; fall-2026 is in batch_prep.\n")

    def test_with_nothing_open_it_ends_with_3(self, tmp_path):
        export(prepared(1))
        code, _, err = run(*ARGUMENTS, "--output", str(tmp_path))
        assert (code, err) == (3, "fall-2026 has no open worker request to export.\n")

    def test_an_unknown_cycle_and_no_lines_a_shard_end_with_2(self, tmp_path):
        assert run(*ARGUMENTS, "--output", str(tmp_path))[0] == 2
        code, _, err = run(*ARGUMENTS, "--output", str(tmp_path), "--shard-lines", "0")
        assert (code, err) == (2, "--shard-lines takes a number from 1.\n")

    def test_an_officer_without_the_permission_is_denied(self, tmp_path):
        prepared(1)
        code, _, err = run(*ARGUMENTS, "--output", str(tmp_path), "--actor", "nobody@example.org")
        assert (code, err) == (3, "There is no active member of staff with this address.\n")
        assert EvaluationRequest.objects.count() == 0

    def test_again_writes_the_same_bytes_elsewhere(self, tmp_path):
        one = prepared(3)
        made = export(one, shard_lines=2)
        code, out, _ = run(*ARGUMENTS, "--output", str(tmp_path), "--again", str(made.pk))
        assert (code, out.split(":")[0]) == (0, f"run {made.pk}")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
            path.name: path.read_bytes() for path in folder_of(one).iterdir()
        }

    @pytest.mark.parametrize("number", ["0", "999999"])
    def test_again_needs_a_run_of_this_cycle_and_stage(self, tmp_path, number):
        prepared(1)
        code, _, err = run(*ARGUMENTS, "--output", str(tmp_path), "--again", number)
        assert (code, err) == (2, f"fall-2026 has no finished worker run {number}.\n")
        assert BatchRun.objects.count() == 0

    def test_reask_asks_again_what_was_never_answered(self, tmp_path):
        one = processing(3)
        first = requests_of(one)
        hand_in(one, failure(first[0], "refusal"))
        code, _, err = run(*ARGUMENTS, "--output", str(folder_of(one)), "--reask")
        again = requests_of(one)
        assert (code, err) == (0, "2 unanswered requests are asked again\n")
        assert {line["anonymized_id"] for line in again} == {line["anonymized_id"] for line in first[1:]}
        assert not {line["custom_id"] for line in again} & {line["custom_id"] for line in first}
        assert states(one) == [
            (1, 0, "failed", "absent"),
            (1, 0, "failed", "absent"),
            (1, 0, "failed", "refusal"),
            *[(1, 1, "asked", "")] * 2,
        ]


@pytest.mark.django_db(transaction=True)
class TestKill:
    """As a process, killed in the middle."""

    def test_a_killed_export_is_finished_with_the_same_requests(self, manage, tmp_path):
        one = prepared(120)
        arguments = [*ARGUMENTS, "--output", str(tmp_path), "--shard-lines", "1"]
        killed = manage(*arguments)
        until(lambda: len(list(tmp_path.glob("*.jsonl"))) > 3)
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
        killed.communicate()
        assert len(list(tmp_path.glob("*.jsonl"))) < 120
        until(lambda: not sessions_of_others())

        claimed = set(EvaluationRequest.objects.values_list("custom_id", "anonymized", "state", "run"))
        assert (len(claimed), {state for _, _, state, _ in claimed}) == (120, {"asked"})
        assert BatchRun.objects.get().state == "exporting"
        assert not AnonymizedApplication.objects.filter(is_exported=True).exists()

        assert run(*arguments)[0] == 0
        assert set(EvaluationRequest.objects.values_list("custom_id", "anonymized", "state", "run")) == claimed
        assert BatchRun.objects.get().state == "exported"
        written = [json.loads(path.read_bytes()) for path in tmp_path.glob("*.jsonl")]
        assert sorted(line["custom_id"] for line in written) == sorted(custom_id for custom_id, *_ in claimed)
        assert list(tmp_path.glob("*.part")) == []
        one.start_processing(actor=operator())

    def test_a_second_export_at_the_same_time_is_told_so(self, manage, tmp_path):
        prepared(2)
        with another_session() as session:
            # The export can claim and write, but not mark what it wrote: it stands still in its middle.
            session.execute("BEGIN; LOCK TABLE anonymized_applications IN SHARE MODE")
            first = manage(*ARGUMENTS, "--output", str(tmp_path))
            until(lambda: list(tmp_path.glob("*.manifest.json")))
            code, out, err = run(*ARGUMENTS, "--output", str(tmp_path))
            session.execute("ROLLBACK")
        assert (code, out, err) == (4, "", "Another process is exporting the worker batch of fall-2026.\n")
        assert first.wait() == 0
        first.communicate()
        assert (BatchRun.objects.get().state, EvaluationRequest.objects.count()) == ("exported", 2)
