"""The walk through all nine phases, by the commands that an operator types. Read it as the tutorial."""

import hashlib
import json
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from admissions.cycles import cycle_named
from tests.factories import applicants, jsonl

pytestmark = pytest.mark.django_db


def run(*arguments):
    """Type a command; return what it prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def status():
    return json.loads(run("cycle_status", "fall-2026", "--json"))


def evaluate(folder, stage):
    """Export what is open, let the stand-in answer, import the answers; return how many answers were taken."""
    told = json.loads(
        run("export_batch", "fall-2026", "--stage", stage, "--model", "m", "--output", str(folder), "--json")
    )
    answers = folder / f"{stage}-{told['run']}.answers"
    run("rehearse", *told["files"], "--output", str(answers))
    return json.loads(run("import_results", str(answers), "--json"))["imported"]


def step(name, *options):
    """Take the next step."""
    run("advance", "fall-2026", name, *options)


def test_twelve_applicants_and_nine_phases(tmp_path):
    # submission: the office opens a cycle and takes the applications in
    run("create_cycle", "fall-2026", "--name", "Fall 2026", "--seats", "3", "--demo")
    (tmp_path / "applications.jsonl").write_bytes(jsonl(applicants(12)).read())
    told = run("import_applications", str(tmp_path / "applications.jsonl"), "--cycle", "fall-2026")
    assert told == "fall-2026: imported 12 of 12 rows, 0 were there, 0 rejected\n"

    # frozen: nobody comes in any more, the rules are sealed
    step("freeze")
    assert status()["statuses"] == {"finalized": 12}

    # preprocessing: the person goes out of the text
    step("start_preprocessing", "--wait")
    assert (status()["statuses"], status()["blind_copies"]) == ({"batch_ready": 12}, 12)

    # batch_prep: no copy is left out, and Amina is in none of the files
    step("start_batch_prep")
    with pytest.raises(CommandError, match="12 blind copies of fall-2026 are in no export yet"):
        step("start_processing")
    requests = first_batch(tmp_path)
    assert (requests.count(b"Amina"), requests.count(b"came 2nd of 61 in physics")) == (0, 12)

    # processing: worker and judge answer, attempt by attempt, until nothing is open
    step("start_processing")
    assert (answer_first_batch(tmp_path), evaluate(tmp_path, "judge")) == (12, 12)
    while status()["requests"]["worker"].get("wanted"):
        assert evaluate(tmp_path, "worker") == evaluate(tmp_path, "judge")

    # scored: everybody has a final score
    step("mark_scored")
    assert status()["final_scores"] == {"scored": 12}

    # selection: three seats, under embargo
    step("perform_selection")
    with pytest.raises(CommandError, match="under embargo"):
        run("export_outcomes", "fall-2026", "--output", "-")

    # published: outcomes and letters
    step("publish_results", "--wait")
    run("export_outcomes", "fall-2026", "--output", str(tmp_path / "outcomes.csv"))
    assert ((tmp_path / "outcomes.csv").read_text().count(",selected,"), len(mail.outbox)) == (3, 12)

    # completed: both logs verify, the records are what was logged, and the ranking is the one that selection saw
    step("complete")
    assert json.loads(run("verify_audit", "--json"))["ok"] is True
    assert json.loads(run("verify_records", "fall-2026", "--json"))["mismatches"] == []
    assert ranking_digest(tmp_path) == cycle_named("fall-2026").selection().ranking_sha256


def first_batch(folder):
    """Export the first worker batch; return its bytes."""
    run("export_batch", "fall-2026", "--stage", "worker", "--model", "m", "--output", str(folder))
    return next(folder.glob("fall-2026-worker-*.jsonl")).read_bytes()


def answer_first_batch(folder):
    """Let the stand-in answer it; return how many answers were taken."""
    run("rehearse", str(next(folder.glob("fall-2026-worker-*.jsonl"))), "--output", str(folder / "first.answers"))
    return json.loads(run("import_results", str(folder / "first.answers"), "--json"))["imported"]


def ranking_digest(folder):
    """Hash the ranking as an outsider would."""
    run("export_ranking", "fall-2026", "--output", str(folder / "ranking.csv"))
    return hashlib.sha256((folder / "ranking.csv").read_bytes()).hexdigest()
