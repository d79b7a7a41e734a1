"""Exports by the API: ordered, written by a worker where they are large, and downloaded byte for byte."""

import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.roles import Role
from admissions.models.blind import AnonymizedApplication
from batches import export as exporting
from batches import shards
from batches.downloads import download, place_of
from batches.export import export_again
from batches.ingest import ImportRun
from batches.models import BatchRun, EvaluationRequest
from batches.settlement import reask
from enigma.errors import Denied
from tests.batches.engines import export, failure, hand_in, prepared, processing, requests_of, states
from tests.clients import api, service_client, staff_client
from tests.factories import cycle, folder_of, omar
from tests.racing import another_session, sessions_of_others, until

pytestmark = pytest.mark.django_db

BATCHES = "/api/v1/admin/batches"
ORDER = {"cycle": "fall-2026", "stage": "worker", "model": "model-1"}
IDENTITIES = re.compile(r"\b(identity_mapping|applications|letters|accounts_user)\b")


def order(client, headers=None, **changes):
    return client.post(BATCHES, ORDER | changes, headers=headers)


def downloaded(client, run):
    """The shards of a run by name, as they come by the API."""
    told = client.get(f"{BATCHES}/{run}").json()["shards"]
    return {shard["name"]: b"".join(client.get(shard["url"]).streaming_content) for shard in told}


# -- ordered ------------------------------------------------------------------------------------


def test_an_order_answers_with_the_run_and_its_manifest():
    prepared(3)
    answer = order(staff_client(), shard_lines=2)
    run = BatchRun.objects.get()
    address = f"{BATCHES}/{run.pk}"
    told = answer.json()
    assert (answer.status_code, answer["Location"], told["manifest"]) == (201, address, run.manifest)
    assert {key: told[key] for key in ("id", "cycle", "state", "requests", "manifest_sha256")} == {
        "id": run.pk,
        "cycle": "fall-2026",
        "state": "exported",
        "requests": 3,
        "manifest_sha256": run.manifest_sha256,
    }
    assert told["shards"][1] == run.manifest["shards"][1] | {
        "url": f"{address}/shards/fall-2026-worker-run{run.pk}-0002.jsonl"
    }


def test_what_was_ordered_is_what_the_command_would_have_written(tmp_path):
    prepared(5)
    client = staff_client()
    order(client, shard_lines=2, format="openai-chat")
    run = BatchRun.objects.get()
    export_again(run, folder=tmp_path, actor=omar(email="other@example.org"))
    written = {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    assert (len(written), downloaded(client, run.pk)) == (3, written)
    assert not AnonymizedApplication.objects.filter(is_exported=False).exists()


def test_what_the_command_wrote_can_be_downloaded():
    one = prepared(5)
    run = export(one, shard_lines=2)
    written = {path.name: path.read_bytes() for path in folder_of(one).glob("*.jsonl")}
    assert downloaded(staff_client(), run.pk) == written


def test_an_order_may_ask_again_what_was_never_answered():
    one = processing(2)
    hand_in(one, failure(requests_of(one)[0], "refusal"))
    answer = order(staff_client(), reask=True)
    assert (answer.status_code, answer.json()["requests"]) == (201, 1)
    assert states(one) == [(1, 0, "failed", "absent"), (1, 0, "failed", "refusal"), (1, 1, "asked", "")]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"stage": "writer"}, "/stage", "invalid_choice"),
        ({"format": "csv"}, "/format", "invalid_choice"),
        ({"shard_lines": 0}, "/shard_lines", "min_value"),
        ({"model": "m" * 201}, "/model", "max_length"),
        ({"cycle": "nowhere"}, "/cycle", "unknown"),
        ({"folder": "/srv"}, "/folder", "unknown_field"),
    ],
)
def test_an_order_with_a_fault_names_the_field(changes, pointer, code):
    prepared(1)
    answer = order(staff_client(), **changes)
    assert (answer.status_code, [(one["pointer"], one["code"]) for one in answer.json()["errors"]]) == (
        422,
        [(pointer, code)],
    )
    assert not BatchRun.objects.exists()


def test_a_rule_that_says_no_is_answered_by_its_sentence():
    cycle()
    answer = order(staff_client())
    told = "A worker batch needs the phase batch_prep or processing; fall-2026 is in submission."
    assert (answer.status_code, answer.json()["detail"]) == (409, told)


def test_an_order_with_a_key_is_carried_out_once():
    prepared(2)
    client, key = staff_client(), {"Idempotency-Key": "once"}
    first, second = order(client, key), order(client, key)
    assert (first.status_code, second.status_code, first.json() == second.json()) == (201, 201, True)
    assert BatchRun.objects.count() == 1


def test_what_an_order_with_a_key_has_claimed_stays_claimed_when_the_rest_goes_wrong(monkeypatch):
    prepared(3)
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_write", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            order(staff_client(), {"Idempotency-Key": "first"})
    assert (BatchRun.objects.get().state, EvaluationRequest.objects.filter(state="asked").count()) == ("exporting", 3)


# -- left to a worker ---------------------------------------------------------------------------


@pytest.fixture
def left():
    """A client, and its order of five requests that a worker is to carry out."""
    prepared(5)
    client = staff_client()
    answer = order(client, {"Prefer": "respond-async"}, shard_lines=2)
    assert answer.status_code == 202
    return client, answer


def test_an_order_left_to_a_worker_is_claimed_at_once(left):
    client, answer = left
    told = client.get(answer["Location"]).json()
    assert (told["state"], told["requests"], told["manifest"], told["shards"]) == ("exporting", 5, None, [])
    assert set(EvaluationRequest.objects.values_list("state", flat=True)) == {"asked"}
    assert ProcrastinateJob.objects.get(task_name="batches.export").args == {"run_id": told["id"]}


def test_a_shard_of_an_unfinished_run_is_not_there_yet(left):
    client, answer = left
    run = BatchRun.objects.get()
    assert client.get(f"{answer['Location']}/shards/fall-2026-worker-run{run.pk}-0001.jsonl").status_code == 404


def test_the_worker_finishes_it_and_twice_is_as_once(left):
    run = BatchRun.objects.get()
    exporting.finish_batch(run, actor=omar(email="worker@example.org"))
    finished = BatchRun.objects.get().exported_at
    exporting.finish_batch(run, actor=omar(email="other@example.org"))
    assert (run.state, BatchRun.objects.get().exported_at) == ("exported", finished)
    assert [shard["lines"] for shard in run.manifest["shards"]] == [2, 2, 1]


def test_the_same_order_takes_up_what_was_not_finished(left):
    client, first = left
    answer = order(client, shard_lines=2)
    assert (answer.status_code, answer["Location"], answer.json()["state"]) == (201, first["Location"], "exported")


def test_another_order_does_not_take_it_up(left):
    client, _ = left
    answer = order(client, model="model-2", shard_lines=2)
    assert (answer.status_code, "finish it with what it was begun with" in answer.json()["detail"]) == (409, True)


def test_a_large_order_is_left_to_a_worker(monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    prepared(3)
    assert order(staff_client()).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_killed_is_followed_by_one_that_finishes(manage):
    prepared(60)
    answer = order(staff_client(), {"Prefer": "respond-async"}, shard_lines=1)
    claimed = set(EvaluationRequest.objects.values_list("custom_id", "run"))
    with another_session() as session:
        # The worker can write, but not mark what it wrote: it stands still in its middle.
        session.execute("BEGIN; LOCK TABLE anonymized_applications IN SHARE MODE")
        killed = manage("run_worker")
        until(lambda: waits_for(session))
        killed.kill()
        killed.communicate()
        session.execute("ROLLBACK")
    until(lambda: not sessions_of_others())
    assert BatchRun.objects.get().state == "exporting"

    with connection.cursor() as cursor:  # what retry_stalled does after half a minute
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")
    manage("run_worker", "--once").communicate()
    run = BatchRun.objects.get()
    assert (answer.json()["id"], run.state, len(run.manifest["shards"])) == (run.pk, "exported", 60)
    assert set(EvaluationRequest.objects.values_list("custom_id", "run")) == claimed


def waits_for(session):
    """Whether somebody waits for a lock that this session holds."""
    [waiting] = session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'").fetchone()
    return waiting


# -- who may ------------------------------------------------------------------------------------


def test_a_list_can_be_narrowed():
    one = processing(1)
    export(prepared(1, code="other"))
    [first, second] = BatchRun.objects.order_by("pk")
    client = staff_client()

    def ids(query):
        return [run["id"] for run in client.get(f"{BATCHES}?{query}").json()["results"]]

    assert ids("") == [second.pk, first.pk]
    assert ids(f"cycle={one.code}") == [first.pk]
    assert (ids("stage=judge"), ids("state=exported&stage=worker&page_size=1")) == ([], [second.pk])


@pytest.mark.parametrize("query", ["cycle=nowhere", "stage=writer", "state=lost", "shard=1", "page_size=0"])
def test_a_list_refuses_what_it_does_not_know(query):
    assert staff_client().get(f"{BATCHES}?{query}").status_code == 422


def test_a_machine_exports_and_downloads_in_its_own_cycle():
    prepared(2)
    machine = service_client("batches.export")
    answer = order(machine)
    assert (answer.status_code, len(downloaded(machine, answer.json()["id"]))) == (201, 1)


def test_to_a_machine_another_cycle_is_not_there():
    run = export(prepared(1))
    name = run.manifest["shards"][0]["name"]
    machine = service_client("batches.export", cycle="other")
    addresses = [f"{BATCHES}/{run.pk}", f"{BATCHES}/{run.pk}/shards/{name}"]
    assert [machine.get(address).status_code for address in addresses] == [404, 404]
    answer = order(machine)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown")


def test_no_deed_leaves_the_cycle_of_a_token(tmp_path):
    one = prepared(1)
    run = export(one)
    asked = {"stage": "worker", "format": "plain", "model": "m"}
    stranger = service_client("batches.export", cycle="other").actor
    deeds = [
        lambda: exporting.export_batch(one, folder=tmp_path, actor=stranger, **asked),
        lambda: exporting.order_batch(one, actor=stranger, **asked),
        lambda: exporting.finish_batch(run, actor=stranger),
        lambda: export_again(run, folder=tmp_path, actor=stranger),
        lambda: download(run, place_of(run, run.manifest["shards"][0]["name"]), actor=stranger),
        lambda: reask(one, "worker", actor=stranger),
        lambda: ImportRun(io.BytesIO(b""), "file", actor=stranger, cycle=one).run(),
    ]
    for deed in deeds:
        with pytest.raises(Denied, match=r"This token is for batches\.export in the cycle other only"):
            deed()


def test_a_machine_that_imports_neither_exports_nor_reads_runs():
    run = export(prepared(1))
    machine = service_client("batches.import")
    addresses = [BATCHES, f"{BATCHES}/{run.pk}", f"{BATCHES}/{run.pk}/shards/{run.manifest['shards'][0]['name']}"]
    assert [machine.get(address).status_code for address in addresses] == [403, 403, 403]
    assert order(machine).status_code == 403


@pytest.mark.parametrize(
    ("client", "code"),
    [(lambda: staff_client(Role.REVIEWER), 403), (lambda: staff_client(Role.AUDITOR), 403), (api, 401)],
)
def test_nobody_else_may(client, code):
    run = export(prepared(1))
    caller = client()
    addresses = [BATCHES, f"{BATCHES}/{run.pk}", f"{BATCHES}/{run.pk}/shards/{run.manifest['shards'][0]['name']}"]
    assert [caller.get(address).status_code for address in addresses] + [order(caller).status_code] == [code] * 4


def test_no_route_of_what_goes_out_reads_a_person():
    prepared(3)
    machine = service_client("batches.export")
    with CaptureQueriesContext(connection) as statements:
        downloaded(machine, order(machine).json()["id"])
    # Who holds the token, and whether who made it is still there, is asked on every request; no applicant is.
    texts = [one["sql"] for one in statements if not one["sql"].startswith('SELECT "service_tokens"')]
    assert any("sealed_texts" in text for text in texts)
    assert [text for text in texts if IDENTITIES.search(text)] == []


def test_an_order_takes_as_many_statements_for_3_requests_as_for_300():
    counts = []
    for count in (3, 300):
        prepared(count, code=f"of-{count}")
        client = staff_client(email=f"omar{count}@example.org")
        with CaptureQueriesContext(connection) as statements:
            assert order(client, cycle=f"of-{count}").status_code == 201
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_shard_limit_of_bytes_holds_without_files_too(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 10)
    prepared(2)
    assert [one["lines"] for one in order(staff_client()).json()["shards"]] == [1, 1]
