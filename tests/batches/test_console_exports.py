"""Exports by clicks: order one, take its files, ask again, let the stand-in answer."""

import hashlib

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from accounts.roles import Role
from audit.models import LogOutbox
from batches import export as exporting
from batches.models import BatchRun, EvaluationRequest, WorkerResult
from tests.batches.console import console, text_of
from tests.batches.engines import evaluation, export, failure, hand_in, prepared, processing, requests_of
from tests.factories import everything, lead

pytestmark = pytest.mark.django_db

EXPORT = "/console/batches/export/"
ORDER = {"cycle": "fall-2026", "stage": "worker", "format": "plain", "model": "model-1", "shard_lines": "2"}


def run_page(what, run):
    return f"/console/batches/run/{run.pk}/{what}/"


def test_without_a_cycle_in_its_phase_the_page_says_what_to_do():
    assert "lead a cycle there first" in text_of(console().get(EXPORT))


def test_the_page_shows_what_is_open_in_each_stage():
    prepared(3)
    assert "fall-2026 Batch preparation 3 0" in text_of(console().get(EXPORT))


def test_the_form_remembers_what_the_cycle_asked_last():
    one = processing(1)
    answer = console().get(f"{EXPORT}?cycle={one.code}&stage=judge")
    assert b'value="model-1"' in answer.content
    assert b'<option value="judge" selected>' in answer.content


def test_an_order_is_exported_and_its_files_come_out_as_the_manifest_says():
    prepared(3)
    browser = console()
    answer = browser.post(EXPORT, ORDER)
    run = BatchRun.objects.get()
    assert answer.redirect_chain == [(f"/console/batches/batchrun/{run.pk}/change/", 302)]
    assert f"Run {run.pk} is exported: 3 requests" in text_of(answer)
    for shard in run.manifest["shards"]:
        file = browser.post(f"/console/batches/run/{run.pk}/shard/{shard['name']}/")
        content = b"".join(file.streaming_content)
        assert hashlib.sha256(content).hexdigest() == shard["sha256"]
        assert (len(content), int(file.headers["Content-Length"])) == (shard["bytes"], shard["bytes"])
    assert len(run.manifest["shards"]) == LogOutbox.objects.filter(kind="batches.download").count() == 2


def test_a_file_that_is_none_of_the_run_is_not_found():
    processing(1)
    assert console().post(run_page("shard/other.jsonl", BatchRun.objects.get())).status_code == 404


def test_the_manifest_comes_with_the_bytes_that_were_hashed():
    processing(1)
    run = BatchRun.objects.get()
    answer = console().get(run_page("manifest", run))
    assert hashlib.sha256(answer.content).hexdigest() == run.manifest_sha256
    assert "fall-2026-worker-run" in answer.headers["Content-Disposition"]


def test_a_large_order_is_left_to_a_worker(monkeypatch):
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    prepared(2)
    answer = console().post(EXPORT, ORDER)
    assert "a worker writes them down" in text_of(answer)
    assert ProcrastinateJob.objects.filter(task_name="batches.export").count() == 1


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"model": ""}, 422, "Model: This field is required."),
        ({"model": "a\u200bb"}, 422, "printable characters"),
        ({"shard_lines": "0"}, 422, "greater than or equal to 1"),
        ({"cycle": "none"}, 422, "Cycle: Select a valid choice"),
        ({"stage": "judge"}, 409, "needs the phase processing"),
    ],
)
def test_a_faulty_order_is_told_with_its_values_kept(changes, status, words):
    prepared(1)
    answer = console().post(EXPORT, ORDER | {"format": "openai-chat"} | changes)
    assert (answer.status_code, words in text_of(answer)) == (status, True)
    assert b"<title>Error:" in answer.content
    assert b'<option value="openai-chat" selected>' in answer.content
    assert not BatchRun.objects.exists()


def test_what_failed_is_asked_again_as_before():
    one = processing(2)
    first, second = requests_of(one)
    hand_in(one, failure(first), evaluation(second))
    answer = console().post(run_page("again", BatchRun.objects.get()))
    again = BatchRun.objects.first()
    assert (again.requests, again.model, f"Run {again.pk} is exported" in text_of(answer)) == (1, "model-1", True)


def test_what_was_never_answered_is_asked_again_when_that_is_ticked():
    processing(2)
    browser, run = console(), BatchRun.objects.get()
    assert "has no open worker request" in text_of(browser.post(run_page("again", run)))
    browser.post(run_page("again", run), {"reask": "on"})
    assert BatchRun.objects.first().requests == 2
    assert EvaluationRequest.objects.filter(failure="absent").count() == 2


def test_a_whole_evaluation_is_led_by_clicks():
    one = prepared(4)
    browser = console()
    browser.post(EXPORT, ORDER)
    one.start_processing(actor=operator())
    for _ in range(8):
        run = BatchRun.objects.first()
        answer = browser.post(run_page("stand-in", run))
        assert "The stand-in has answered" in text_of(answer)
        for stage in ("worker", "judge"):
            browser.post(EXPORT, ORDER | {"stage": stage})
        if BatchRun.objects.first() == run:
            break
    one.refresh_from_db()
    assert lead(one, "scored").phase == "scored"


def test_the_stand_in_refuses_a_real_cycle_whoever_asks():
    processing(1, is_demo=False)
    answer = console(Role.SUPER_ADMIN).post(run_page("stand-in", BatchRun.objects.get()))
    assert "is no demo" in text_of(answer)
    assert not WorkerResult.objects.exists()


def test_reading_changes_nothing():
    one = processing(2)
    hand_in(one, *map(evaluation, requests_of(one)))
    export(one, "judge")
    browser, run, before = console(), BatchRun.objects.first(), everything()
    for address in (EXPORT, f"/console/batches/batchrun/{run.pk}/change/", run_page("manifest", run), "/console/"):
        assert browser.get(address).status_code == 200
    for what in ("again", "stand-in", f"shard/{run.manifest['shards'][0]['name']}"):
        assert browser.get(run_page(what, run)).status_code == 405
    assert everything() == before
