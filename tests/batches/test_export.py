"""A batch is claimed before it is written, whole or absent, and says in its manifest what it holds."""

import hashlib
import json
import re
import stat
from operator import itemgetter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.roles import Role
from admissions import rubrics
from admissions.models.blind import AnonymizedApplication
from admissions.phases import Phase, PhaseError
from audit.models import LogOutbox
from batches import export as exporting
from batches import prompts, shards
from batches.answers import response_schema
from batches.export import export_again
from batches.models import BatchRun
from enigma.errors import Denied, Malformed, Refused
from tests.batches.engines import (
    EVALUATION,
    REJECTION,
    TOTAL,
    evaluated,
    export,
    judged,
    prepared,
    processing,
    requests_of,
)
from tests.factories import AMINA, applicants, apply, cycle, everything, folder_of, lead, omar

pytestmark = pytest.mark.django_db


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- what is asked ------------------------------------------------------------------------------


def test_every_blind_copy_is_exported_exactly_once():
    one = prepared(7)
    export(one, shard_lines=3)
    asked = [request["anonymized_id"] for request in requests_of(one)]
    assert sorted(asked) == sorted(str(pk) for pk in AnonymizedApplication.objects.values_list("pk", flat=True))
    with pytest.raises(Refused, match="fall-2026 has no open worker request to export"):
        export(one)


def test_ids_are_opaque_and_unique_and_the_order_of_a_file_is_theirs():
    one = prepared(7)
    export(one, shard_lines=3)
    ids = [request["custom_id"] for request in requests_of(one)]
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,64}", custom_id) for custom_id in ids)
    assert (ids, len(set(ids))) == (sorted(ids), 7)


def test_the_order_of_a_file_does_not_tell_the_order_of_submission():
    orders = set()
    for code in ("one", "two", "three"):
        one = prepared(15, code=code)  # two of these orders are equal once in 10 to the 12th
        export(one)
        orders.add(tuple(int(re.search(r"essay number (\d+)", request["essay"])[1]) for request in requests_of(one)))
    assert len(orders | {tuple(range(15))}) == 4
    assert all(sorted(order) == list(range(15)) for order in orders)


def test_a_line_holds_the_blind_copy_and_nothing_of_the_person():
    one = prepared(1)
    export(one)
    [line] = requests_of(one)
    assert (line["stage"], line["attempt"], line["gpa"], line["test_scores"]) == ("worker", 1, 2, {"SAT": 400})
    assert line["essay"].startswith("My name is [NAME]. In 2023 I came 2nd of 61 in physics. Write to [EMAIL].")
    written = b"".join(contents(folder_of(one)).values())
    assert [
        part for part in ("Amina", "Qureshi", AMINA["email"], "amina0@", "Multan") if part.encode() in written
    ] == []


def test_a_file_holds_no_reference_by_which_the_office_knows_an_application():
    one = prepared(1)
    export(one)
    with connection.cursor() as cursor:
        known = cursor.execute("SELECT reference, receipt_ref::text FROM applications").fetchone()
    written = b"".join(contents(folder_of(one)).values())
    assert [name for name in known if name.encode() in written or name.replace("-", "").encode() in written] == []


@pytest.mark.parametrize(
    ("format", "system_part"),
    [("plain", itemgetter("prompt")), ("openai-chat", lambda line: line["body"]["messages"][0]["content"])],
)
def test_the_system_part_is_the_same_on_every_line(format, system_part):
    one = prepared(5)
    export(one, format=format)
    rubric = rubrics.rubric(one.rubric_version).text
    assert {system_part(line) for line in requests_of(one)} == {prompts.system_text("worker", rubric)}


def test_the_judge_sees_the_evaluation_but_not_who_wrote_it():
    one = processing(1)
    evaluated(one, total_score=99)
    export(one, "judge", format="openai-chat", model="another-model")
    [line] = requests_of(one, "judge")
    data = json.loads(line["body"]["messages"][1]["content"].split("\n")[4])
    assert data["evaluation"] == EVALUATION | {"total_score": TOTAL}
    assert "model-1" not in json.dumps(line)


def test_the_next_attempt_carries_what_the_judge_said():
    one = processing(1)
    evaluated(one)
    judged(one, **REJECTION)
    export(one)
    [line] = requests_of(one)
    assert (line["attempt"], line["feedback"]) == (2, REJECTION["feedback"])


def test_it_takes_as_many_queries_for_3_requests_as_for_300():
    counts = []
    for count in (3, 300):
        one = prepared(count, code=f"of-{count}")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            export(one)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 25


def test_evaluation_works_for_a_database_role_that_cannot_read_a_person():
    """The grants stand for what the code says of itself: no statement of an export or import needs a person."""
    one = processing(2)
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE evaluator; GRANT ALL ON ALL TABLES IN SCHEMA public TO evaluator")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO evaluator")
        cursor.execute("REVOKE ALL ON identity_mapping, applications, letters, accounts_user FROM evaluator")
        cursor.execute("SET LOCAL ROLE evaluator")
        evaluated(one)
        judged(one)
        with pytest.raises(Exception, match="permission denied for table identity_mapping"):
            cursor.execute("SELECT * FROM identity_mapping")


# -- files and manifest -------------------------------------------------------------------------


def test_a_shard_ends_at_its_number_of_lines():
    one = prepared(5)
    run = export(one, shard_lines=2)
    assert [shard["lines"] for shard in run.manifest["shards"]] == [2, 2, 1]
    assert [shard["name"] for shard in run.manifest["shards"]] == [
        f"fall-2026-worker-run{run.pk}-{number:04d}.jsonl" for number in (1, 2, 3)
    ]


def test_a_shard_ends_before_its_number_of_bytes(monkeypatch):
    one = prepared(5)
    run = export(one)
    written = (folder_of(one) / run.manifest["shards"][0]["name"]).read_bytes()
    longest = max(len(line) for line in written.splitlines())
    other = prepared(5, code="other")
    monkeypatch.setattr(shards, "SHARD_BYTES", longest * 2 + 50)
    assert [shard["lines"] for shard in export(other).manifest["shards"]] == [2, 2, 1]


def test_a_line_longer_than_a_shard_has_one_of_its_own(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 10)
    run = export(prepared(2))
    assert [shard["lines"] for shard in run.manifest["shards"]] == [1, 1]


def test_the_manifest_says_what_the_files_are_and_what_they_were_made_from():
    one = prepared(3)
    run = export(one, shard_lines=2)
    folder = folder_of(one)
    written = [path.read_bytes() for path in sorted(folder.glob("*.jsonl"))]
    schema = json.dumps(response_schema("worker"), sort_keys=True, separators=(",", ":")).encode()
    assert json.loads((folder / f"fall-2026-worker-run{run.pk}.manifest.json").read_bytes()) == {
        "version": 1,
        "cycle": "fall-2026",
        "run": run.pk,
        "stage": "worker",
        "format": "plain",
        "model": "model-1",
        "requests": 3,
        "prompt_version": prompts.DEFAULT,
        "prompt_sha256": hashlib.sha256((prompts.FOLDER / f"worker-{prompts.DEFAULT}.txt").read_bytes()).hexdigest(),
        "rubric_version": one.rubric_version,
        "rubric_sha256": rubrics.rubric(one.rubric_version).sha256,
        "schema_sha256": hashlib.sha256(schema).hexdigest(),
        "shards": [
            {
                "name": f"fall-2026-worker-run{run.pk}-{number:04d}.jsonl",
                "lines": content.count(b"\n"),
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for number, content in enumerate(written, start=1)
        ],
    }


def test_the_run_keeps_the_hash_of_the_manifest_and_the_log_notes_it():
    one = prepared(2)
    run = BatchRun.objects.get(pk=export(one).pk)
    file = folder_of(one) / f"fall-2026-worker-run{run.pk}.manifest.json"
    assert (run.state, run.manifest_sha256) == ("exported", hashlib.sha256(file.read_bytes()).hexdigest())
    noted = LogOutbox.objects.order_by("pk").values_list("log", "kind")
    assert list(noted)[-3:] == [("audit", "batches.claim"), ("public", "export"), ("audit", "batches.export")]
    assert run.manifest_sha256 in LogOutbox.objects.last().body


def test_files_are_whole_and_for_their_owner_only():
    one = prepared(3)
    run = export(one, shard_lines=2)
    folder = folder_of(one)
    stem = f"fall-2026-worker-run{run.pk}"
    assert names_in(folder) == [f"{stem}-0001.jsonl", f"{stem}-0002.jsonl", f"{stem}.manifest.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_progress_is_told_shard_by_shard():
    told = []
    export(prepared(5), shard_lines=2, on_progress=told.append)
    assert told == [2, 4, 5]


# -- who and when -------------------------------------------------------------------------------


def test_a_batch_is_exported_in_its_phases_only():
    """Where a stage is allowed there is nothing left to export: another refusal, of another type."""
    one, refused = cycle(), set()
    apply(one, applicants(2))
    for phase in Phase:
        lead(one, phase)
        if phase == Phase.BATCH_PREP:
            export(one, model="rehearsal")
        for stage in ("worker", "judge"):
            with pytest.raises(Refused, match=f"is in {phase}|has no open {stage} request") as refusal:
                export(one, stage)
            if isinstance(refusal.value, PhaseError):
                refused.add((stage, phase))
        if phase == Phase.BATCH_PREP:
            one.start_processing(actor=operator())
    allowed = {("worker", "batch_prep"), ("worker", "processing"), ("judge", "processing")}
    assert refused == {(stage, phase) for stage in ("worker", "judge") for phase in Phase} - allowed


def test_whoever_exports_is_alone_until_it_is_done(monkeypatch):
    one, held = prepared(2), []
    monkeypatch.setattr(exporting, "manifest_of", lambda *_: held.append(locks()) or {"shards": []})
    before = locks()
    export(one)
    assert ([len(during - before) for during in held], locks()) == ([1], before)


def locks():
    """The advisory locks that this session holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted"
        )
        return set(cursor.fetchall())


@pytest.mark.parametrize("model", ["", "  ", "m" * 201, "two\nlines"])
def test_a_model_needs_a_printable_name(model):
    with pytest.raises(Malformed, match="The name of a model is 1 to 200 printable characters"):
        export(cycle(), model=model)


def test_a_reviewer_may_not_export():
    one = prepared(1)
    run = export(one)
    reviewer, before = omar(Role.REVIEWER), everything()
    with pytest.raises(Denied, match=r"reviewer does not include batches\.export"):
        exporting.export_batch(one, stage="worker", format="plain", model="m", folder=folder_of(one), actor=reviewer)
    with pytest.raises(Denied):
        export_again(run, folder=folder_of(one), actor=reviewer)
    assert everything() == before
