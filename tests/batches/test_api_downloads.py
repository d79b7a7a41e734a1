"""A shard comes as the manifest names it, in constant memory, noted in the log; or it ends too early."""

import json
import tracemalloc
from collections import deque
from contextlib import closing

import pytest
from django.db import connection

from admissions.models.blind import AnonymizedApplication
from audit.models import LogOutbox
from batches import rendering
from batches.downloads import BLOCK, place_of, shard_stream
from enigma.errors import Refused
from tests.batches.engines import export, prepared
from tests.clients import staff_client

pytestmark = pytest.mark.django_db

BATCHES = "/api/v1/admin/batches"


def stream_of(run, number):
    return shard_stream(run, place_of(run, run.manifest["shards"][number]["name"]))


def test_a_shard_comes_with_its_name_its_size_and_its_hash():
    run = export(prepared(3), shard_lines=2)
    [shard, _] = run.manifest["shards"]
    answer = staff_client().get(
        f"{BATCHES}/{run.pk}/shards/{shard['name']}", headers={"Accept": "application/x-ndjson"}
    )
    assert {name: answer[name] for name in ("Content-Type", "Content-Length", "ETag", "Content-Disposition")} == {
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(shard["bytes"]),
        "ETag": f'"{shard["sha256"]}"',
        "Content-Disposition": f'attachment; filename="{shard["name"]}"',
    }
    assert answer["Cache-Control"] == "no-store"


def test_every_download_is_in_the_log_before_its_first_byte():
    run = export(prepared(1))
    [shard] = run.manifest["shards"]
    client = staff_client()
    client.get(f"{BATCHES}/{run.pk}/shards/{shard['name']}")
    entry = json.loads(LogOutbox.objects.order_by("pk").last().body)
    assert (entry["action"], entry["entity_id"], entry["actor_id"], entry["details"]) == (
        "batches.download",
        str(run.pk),
        client.actor.id,
        {"cycle": "fall-2026", "shard": shard["name"], "sha256": shard["sha256"]},
    )


def test_who_has_the_shard_already_gets_and_leaves_nothing():
    run = export(prepared(1))
    [shard] = run.manifest["shards"]
    client, address = staff_client(), f"{BATCHES}/{run.pk}/shards/{shard['name']}"
    before = LogOutbox.objects.count()
    assert client.get(address, headers={"If-None-Match": f'"{shard["sha256"]}"'}).status_code == 304
    assert client.head(address)["Content-Length"] == str(shard["bytes"])
    assert LogOutbox.objects.count() == before


@pytest.mark.parametrize("name", ["nothing.jsonl", "fall-2026-worker-run0-0001.jsonl", ".."])
def test_another_name_is_nothing(name):
    run = export(prepared(1))
    answer = staff_client().get(f"{BATCHES}/{run.pk}/shards/{name}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_what_would_come_out_otherwise_ends_too_early():
    run = export(prepared(300))
    AnonymizedApplication.objects.update(gpa=1)
    came = []
    with pytest.raises(Refused, match=r"-0001\.jsonl differs from its manifest"):
        deque(came.append(len(block)) for block in stream_of(run, 0))
    assert 0 < sum(came) < run.manifest["shards"][0]["bytes"]


def test_a_reader_who_goes_away_leaves_no_transaction_and_no_cursor():
    run = export(prepared(300))
    before = len(connection.savepoint_ids)
    stream = stream_of(run, 0)
    next(stream)
    assert len(connection.savepoint_ids) == before + 1
    stream.close()
    with connection.cursor() as cursor:
        left_open = cursor.execute("SELECT count(*) FROM pg_cursors").fetchone()[0]
    assert (len(connection.savepoint_ids), left_open) == (before, 0)


def test_a_shard_reads_no_text_of_another(monkeypatch):
    run = export(prepared(9), shard_lines=3)
    opened, own = [], rendering._own
    monkeypatch.setattr(rendering, "_own", lambda row, read: opened.append(row[0]) or own(row, read))
    assert len(b"".join(stream_of(run, 2)).splitlines()) == len(opened) == 3


def test_a_shard_is_streamed_in_constant_memory():
    run = export(prepared(600))
    size = run.manifest["shards"][0]["bytes"]
    with closing(stream_of(run, 0)) as stream:
        next(stream)
        tracemalloc.start()
        try:
            for _ in stream:
                pass
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 8 * BLOCK < size
