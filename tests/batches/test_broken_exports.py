"""An export that broke off, files in its way, and a run written once more: the same requests, the same bytes."""

import pytest
from django.db import connection

from admissions.models.blind import AnonymizedApplication
from admissions.phases import PhaseError
from batches import shards
from batches.export import export_again
from batches.models import BatchRun, EvaluationRequest
from enigma.errors import Malformed, Refused
from tests.batches.engines import (
    export,
    prepared,
    requests_of,
)
from tests.factories import cycle, folder_of, omar

pytestmark = pytest.mark.django_db


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- broken off ---------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch):
    """An export of five requests that broke off after three lines, the first two in a whole shard."""
    one = prepared(5)
    whole = shards.request_lines

    def breaking(*arguments):
        for number, line in enumerate(whole(*arguments)):
            if number == 3:
                raise OSError("No space left on device")
            yield line

    with monkeypatch.context() as patch:
        patch.setattr(shards, "request_lines", breaking)
        with pytest.raises(OSError, match="No space left"):
            export(one, shard_lines=2)
    return one


def test_requests_are_claimed_before_the_first_line_is_written(broken):
    run = BatchRun.objects.get()
    assert (run.state, run.requests, run.manifest) == ("exporting", 5, None)
    assert set(EvaluationRequest.objects.values_list("state", "run")) == {("asked", run.pk)}
    assert not AnonymizedApplication.objects.filter(is_exported=True).exists()


def test_what_broke_off_leaves_whole_files_only(broken):
    [whole] = [path.read_bytes() for path in folder_of(broken).iterdir()]
    assert whole.count(b"\n") == 2


def test_the_same_call_finishes_with_the_same_requests(broken):
    before = list(EvaluationRequest.objects.order_by("custom_id").values_list("custom_id", "run"))
    run = export(broken, shard_lines=2)
    assert [(request["custom_id"], run.pk) for request in requests_of(broken, run=run)] == before
    assert (BatchRun.objects.count(), run.state) == (1, "exported")
    assert not AnonymizedApplication.objects.filter(is_exported=False).exists()


def test_another_export_does_not_mark_what_is_unfinished(broken):
    other = prepared(2, code="other")
    export(other)
    marked = AnonymizedApplication.objects.filter(is_exported=True)
    assert list(marked.values_list("admission_cycle", flat=True)) == [other.pk] * 2


def test_start_processing_waits_until_every_copy_is_in_a_finished_export(broken):
    with pytest.raises(PhaseError, match="5 blind copies of fall-2026 are in no export yet"):
        broken.start_processing(actor=omar())
    export(broken, shard_lines=2)
    broken.start_processing(actor=omar(email="other@example.org"))
    assert broken.phase == "processing"


@pytest.mark.parametrize("other", [{"model": "model-2"}, {"format": "openai-chat"}, {"shard_lines": 3}])
def test_an_unfinished_export_is_not_finished_as_another(broken, other):
    with pytest.raises(
        Refused, match="finish it with what it was begun with, format plain, model model-1, shard lines 2"
    ):
        export(broken, **{"shard_lines": 2, **other})
    assert BatchRun.objects.get().state == "exporting"


def test_an_unfinished_export_is_not_finished_in_a_later_phase(broken):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica; UPDATE admission_cycles SET phase = 'scored'")
    with pytest.raises(
        PhaseError, match="A worker batch needs the phase batch_prep or processing; fall-2026 is in scored"
    ):
        export(broken, shard_lines=2)


def test_a_request_that_cannot_be_written_is_not_passed_over():
    one = prepared(3)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM deterministic_metrics WHERE anonymized_id = (SELECT min(anonymized_id::text)::uuid"
            " FROM deterministic_metrics)"
        )
    with pytest.raises(Refused, match=r"run \d+: worker plain holds 3 requests, but 2 could be written"):
        export(one)
    assert BatchRun.objects.get().state == "exporting"


# -- files in the way ---------------------------------------------------------------------------


@pytest.fixture
def stranger():
    """A prepared cycle, and somebody else's file under the name of the next shard."""
    one = prepared(2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('batch_runs', 'id'))")
        coming = cursor.fetchone()[0] + 1
    path = folder_of(one) / f"fall-2026-worker-run{coming}-0001.jsonl"
    path.parent.mkdir()
    path.write_text("mine")
    return one, path


def test_a_file_in_the_way_is_kept_and_nothing_is_claimed(stranger):
    one, path = stranger
    with pytest.raises(Malformed, match=r"-0001.jsonl is there already, from another database; --force replaces it"):
        export(one)
    assert (path.read_text(), EvaluationRequest.objects.count(), BatchRun.objects.count()) == ("mine", 0, 0)


def test_force_replaces_a_file_in_the_way(stranger):
    one, path = stranger
    export(one, force=True)
    assert path.read_bytes().count(b"\n") == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Malformed, match="file/folder cannot be made: Not a directory"):
        export(cycle(), folder=tmp_path / "file" / "folder")


# -- once more ----------------------------------------------------------------------------------


def test_a_finished_run_comes_out_once_more_as_the_same_bytes(tmp_path):
    one = prepared(5)
    run = export(one, shard_lines=2)
    export_again(BatchRun.objects.get(), folder=tmp_path, actor=omar())
    assert contents(tmp_path) == contents(folder_of(one))
    assert (EvaluationRequest.objects.count(), BatchRun.objects.get().manifest) == (5, run.manifest)


def test_once_more_replaces_nothing_unless_forced():
    one = prepared(2)
    run = export(one)
    with pytest.raises(Malformed, match="--force replaces it"):
        export_again(run, folder=folder_of(one), actor=omar())
    export_again(run, folder=folder_of(one), actor=omar(email="other@example.org"), force=True)


def test_what_would_come_out_otherwise_is_refused_and_replaces_nothing():
    one = prepared(2)
    run = export(one)
    before = contents(folder_of(one))
    AnonymizedApplication.objects.update(gpa=1)
    with pytest.raises(Refused, match=r"-0001\.jsonl differs from its manifest"):
        export_again(run, folder=folder_of(one), actor=omar(), force=True)
    assert contents(folder_of(one)) == before
