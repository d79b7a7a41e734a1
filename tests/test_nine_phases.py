"""The walk through all nine phases, by the commands that an operator types. Read it as the tutorial."""

import hashlib
import json
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from admissions.models.applications import Application
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


def test_twelve_applicants_and_nine_phases(tmp_path):
    # submission: the office opens a cycle and takes the applications in
    run("create_cycle", "fall-2026", "--name", "Fall 2026", "--seats", "3", "--demo")
    (tmp_path / "applications.jsonl").write_bytes(jsonl(applicants(12)).read())
    told = run("import_applications", str(tmp_path / "applications.jsonl"), "--cycle", "fall-2026")
    assert told == "fall-2026: imported 12 of 12 rows, 0 were there, 0 rejected\n"

    # frozen: nobody comes in any more, the rules are sealed
    run("advance", "fall-2026", "freeze")
    assert status()["statuses"] == {"finalized": 12}

    # preprocessing: the person goes out of the text
    run("advance", "fall-2026", "start_preprocessing", "--wait")
    assert (status()["statuses"], status()["blind_copies"]) == ({"batch_ready": 12}, 12)

    # batch_prep: the blind copies go to the engines; Amina is in none of the files
    run("advance", "fall-2026", "start_batch_prep")
    with pytest.raises(CommandError, match="12 blind copies of fall-2026 are in no export yet"):
        run("advance", "fall-2026", "start_processing")
    run("export_batch", "fall-2026", "--stage", "worker", "--model", "m", "--output", str(tmp_path))
    requests = next(tmp_path.glob("fall-2026-worker-*.jsonl"))
    assert b"Amina" not in requests.read_bytes()
    assert requests.read_bytes().count(b"came 2nd of 61 in physics") == 12

    # processing: worker and judge, until nothing is open
    run("advance", "fall-2026", "start_processing")
    run("rehearse", str(requests), "--output", str(tmp_path / "worker.answers"))
    run("import_results", str(tmp_path / "worker.answers"))
    assert evaluate(tmp_path, "judge") == 12
    while status()["requests"]["worker"].get("wanted"):
        assert evaluate(tmp_path, "worker") == evaluate(tmp_path, "judge")

    # scored: everybody has a final score
    run("advance", "fall-2026", "mark_scored")
    assert status()["final_scores"] == {"scored": 12}

    # selection: three seats, under embargo
    run("advance", "fall-2026", "perform_selection")
    with pytest.raises(CommandError, match="under embargo"):
        run("export_outcomes", "fall-2026", "--output", str(tmp_path / "too-early.csv"))
    assert not (tmp_path / "too-early.csv").exists()

    # published: outcomes and letters
    run("advance", "fall-2026", "publish_results", "--wait")
    assert len(mail.outbox) == 12
    run("export_outcomes", "fall-2026", "--output", str(tmp_path / "outcomes.csv"))
    assert (tmp_path / "outcomes.csv").read_text().count(",selected,") == 3

    # completed: the log verifies, and the ranking is the one that selection saw
    run("advance", "fall-2026", "complete")
    assert json.loads(run("verify_audit", "--json"))["ok"] is True
    run("export_ranking", "fall-2026", "--output", str(tmp_path / "ranking.csv"))
    ranking = (tmp_path / "ranking.csv").read_bytes()
    assert hashlib.sha256(ranking).hexdigest() == selection_digest()
    assert [line.split(b",")[0].decode() for line in ranking.splitlines()] == in_order_of_rank()


def selection_digest():
    with_cycle = Application.objects.select_related("admission_cycle").first()
    return with_cycle.admission_cycle.selection().ranking_sha256


def in_order_of_rank():
    return [application.receipt_ref.hex for application in Application.objects.order_by("rank")]
