"""The list of batches in the console, and the page of one run."""

import pytest

from accounts.roles import Role
from batches.models import BatchRun
from tests.batches.console import PEOPLE_TABLES, RUNS, asked, console, queries_of, text_of
from tests.batches.engines import evaluation, export, failure, hand_in, prepared, processing, requests_of

pytestmark = pytest.mark.django_db


def page(run):
    return f"{RUNS}{run.pk}/change/"


def runs_of(one, count):
    about = {
        "admission_cycle": one,
        "stage": "worker",
        "format": "plain",
        "model": "m",
        "shard_lines": 9,
        "requests": 0,
    }
    about |= {"state": "exported", "exported_at": one.phase_since, "manifest": {"shards": []}, "manifest_sha256": "0"}
    BatchRun.objects.bulk_create(BatchRun(**about) for _ in range(count))


def test_an_empty_list_says_what_makes_a_batch():
    answer = console().get(RUNS)
    assert "One appears when you make an export" in text_of(answer)
    assert b"/console/batches/export/" in answer.content


def test_the_list_tells_how_far_each_run_is():
    one = processing(3)
    first, second, _ = requests_of(one)
    hand_in(one, evaluation(first), failure(second, "refusal"))
    told = text_of(console().get(RUNS))
    assert "fall-2026 worker plain model-1 3 With engines 1 1 1" in told


def test_the_list_costs_the_same_at_3_and_at_40_runs():
    one = prepared(1)
    browser = console()
    runs_of(one, 3)
    few = queries_of(browser, RUNS)
    runs_of(one, 40)
    assert queries_of(browser, RUNS) == few


def test_filters_keep_the_runs_that_fit():
    one = processing(1)
    browser = console()
    assert b"model-1" in browser.get(f"{RUNS}?stage=worker&state__exact=exported").content
    assert b"model-1" in browser.get(f"{RUNS}?admission_cycle__id__exact={one.pk}").content
    assert "Nothing fits" in text_of(browser.get(f"{RUNS}?stage=judge"))


def test_a_page_shows_files_failures_arrivals_and_what_to_do():
    one = processing(3)
    run = BatchRun.objects.get()
    first, second, _ = requests_of(one)
    file = hand_in(one, evaluation(first), failure(second)).file
    answer = console().get(page(run))
    told = text_of(answer)
    shard = run.manifest["shards"][0]
    for words in (shard["name"], shard["sha256"], run.manifest_sha256, "66 % came back", "expired 1", file.sha256[:12]):
        assert words in told
    for words in ("1 open request of this stage waits", "Let the stand-in answer", "At this pace"):
        assert words in told
    assert f"/console/batches/resultfile/{file.pk}/change/".encode() in answer.content


def test_a_real_cycle_shows_no_button_for_the_stand_in():
    processing(1, is_demo=False)
    told = text_of(console().get(page(BatchRun.objects.get())))
    assert "Upload results" in told
    assert "stand-in" not in told


def test_a_run_out_of_its_phase_leaves_nothing_to_do():
    one = prepared(1)
    run = export(one)
    BatchRun.objects.filter(pk=run.pk).update(stage="judge")
    assert "Nothing: the cycle has left the phase" in text_of(console().get(page(run)))


def test_an_unfinished_run_renews_its_progress_until_it_is_exported():
    one = prepared(1)
    run = BatchRun.objects.create(
        admission_cycle=one, stage="worker", format="plain", model="m", shard_lines=9, requests=1
    )
    browser, part = console(), f"/console/batches/run/{run.pk}/progress/"
    whole = browser.get(page(run))
    assert b'hx-trigger="every 2s"' in whole.content
    assert "The files are listed here as soon as" in text_of(whole)
    renewed = browser.get(part, HTTP_HX_REQUEST="true")
    assert (b"every 2s" in renewed.content, "HX-Refresh" in renewed.headers) == (True, False)
    BatchRun.objects.filter(pk=run.pk).update(
        state="exported", exported_at=one.phase_since, manifest={"shards": []}, manifest_sha256="0"
    )
    done = browser.get(part, HTTP_HX_REQUEST="true")
    assert (b"every 2s" in done.content, done.headers["HX-Refresh"]) == (False, "true")


def test_without_scripts_the_progress_leads_to_the_whole_page():
    processing(1)
    run = BatchRun.objects.get()
    answer = console().get(f"/console/batches/run/{run.pk}/progress/")
    assert answer.redirect_chain == [(page(run), 302)]


def test_what_is_not_there_is_not_found():
    browser = console()
    assert browser.get("/console/batches/run/7/progress/").status_code == 404
    assert browser.get("/console/batches/run/7/manifest/").status_code == 404
    assert browser.get(f"{RUNS}7/change/").redirect_chain[-1][0] == "/console/"


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_who_may_not_see_batches_is_refused(role):
    processing(1)
    browser = console(role)
    assert browser.get(RUNS).status_code == 403
    assert browser.get(page(BatchRun.objects.get())).status_code == 403


def test_the_pages_never_ask_for_a_person():
    one = processing(2)
    hand_in(one, *map(evaluation, requests_of(one)))
    browser, run = console(), BatchRun.objects.get()
    with asked() as statements:
        for address in (RUNS, page(run), "/console/batches/export/", f"/console/scores/{one.code}/"):
            assert browser.get(address).status_code == 200
        answer = browser.post(f"/console/batches/run/{run.pk}/shard/{run.manifest['shards'][0]['name']}/")
        assert b"physics" in b"".join(answer.streaming_content)
    assert [sql for sql in statements if PEOPLE_TABLES.search(sql)] == []
    assert any("sealed_texts" in sql for sql in statements)
