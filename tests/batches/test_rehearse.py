"""``manage.py rehearse``: what the stand-in writes is taken by the import, without a database of its own."""

import hashlib
import json
import subprocess

import pytest

from batches.models import JudgeResult, WorkerResult
from tests.batches.engines import evaluated, export, processing, requests_of
from tests.factories import folder_of, run

pytestmark = pytest.mark.django_db


def rehearsed(one, name="answers", *options):
    """Let the stand-in answer what lies in the folder of a cycle; return the result file."""
    answers = folder_of(one) / name
    requests = [str(path) for path in sorted(folder_of(one).glob("*run*.jsonl"))]
    assert run("rehearse", *requests, "--output", str(answers), *options)[0] == 0
    return answers


@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_every_answer_of_the_stand_in_is_taken(format):
    one = processing(5, format=format)
    answers = rehearsed(one)
    assert run("import_results", str(answers))[:2] == (0, "took 5 of 5 lines, 0 were there, 0 rejected\n")
    assert set(WorkerResult.objects.values_list("model", flat=True)) == {"rehearsal"}


@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_every_judgement_of_the_stand_in_is_taken(format, tmp_path):
    one = processing(5)
    evaluated(one)
    made = export(one, "judge", format=format, folder=tmp_path)
    files = [str(tmp_path / shard["name"]) for shard in made.manifest["shards"]]
    run("rehearse", *files, "--output", str(tmp_path / "answers"))
    assert run("import_results", str(tmp_path / "answers"))[0] == 0
    assert set(JudgeResult.objects.values_list("model", flat=True)) == {"rehearsal"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    one = processing(5)
    hashes = [
        hashlib.sha256(rehearsed(one, name, "--seed", seed).read_bytes()).hexdigest()
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_many_shards_go_into_one_file_in_their_order():
    one = processing(1)
    again = processing(3, code="other")
    answers = folder_of(one) / "answers"
    files = [str(path) for cycle in (one, again) for path in folder_of(cycle).glob("*.jsonl")]
    run("rehearse", *files, "--output", str(answers))
    asked = [line["custom_id"] for cycle in (one, again) for line in requests_of(cycle)]
    assert [json.loads(line)["custom_id"] for line in answers.read_bytes().splitlines()] == asked


def test_it_needs_no_database_and_stands_in_a_pipe(manage):
    one = processing(2)
    [path] = folder_of(one).glob("*.jsonl")
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    engine = manage("rehearse", "-", "--output", "-", env=nowhere, stdin=subprocess.PIPE)
    out, err = engine.communicate(path.read_bytes())
    assert (engine.returncode, [json.loads(line)["model"] for line in out.splitlines()]) == (0, ["rehearsal"] * 2)
    assert err.decode().splitlines() == [
        "rehearsal: a stand-in invents these answers, no engine is asked (model 'rehearsal')",
        "answered 2 requests to -, refused 0 lines",
    ]


def test_a_folder_is_no_file_of_requests(tmp_path):
    code, _, err = run("rehearse", str(tmp_path), "--output", str(tmp_path / "answers"))
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert f"{tmp_path} cannot be read: Is a directory." in err
