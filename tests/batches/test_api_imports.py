"""Result files by the API: streamed in, accounted for line by line, and read back; and the figures of a cycle."""

import hashlib
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from audit.sequencer import sequence_all
from batches.models import BatchRun, ImportIssue, ResultFile, WorkerResult
from batches.rehearsal import StandIn
from batches.status import status_of
from enigma.rest import parsers
from enigma.rest.serializers import rfc3339
from tests.batches.engines import (
    encoded,
    evaluated,
    evaluation,
    export,
    failure,
    hand_in,
    prepared,
    processing,
    requests_of,
    states,
)
from tests.clients import api, service_client, staff_client
from tests.factories import cycle, everything, led_to

pytestmark = pytest.mark.django_db

RESULTS = "/api/v1/admin/results"
NDJSON = "application/x-ndjson"
NOTHING = {"lines": 0, "imported": 0, "unchanged": 0, "rejected": 0, "reasons": {}}
IDENTITIES = re.compile(r"\b(identity_mapping|applications|letters|accounts_user)\b")


def upload(client, *lines, query="?cycle=fall-2026", kind=NDJSON, **more):
    return client.generic("POST", f"{RESULTS}{query}", encoded(*lines), content_type=kind, **more)


def everything_else():
    """All rows but those of this app's users: that somebody asked is noted there."""
    return {name: rows for name, rows in everything().items() if name not in ("admin_sessions", "attempt_counters")}


# -- handed in ----------------------------------------------------------------------------------


def test_a_file_is_taken_and_accounted_for():
    one = processing(3)
    first, second, third = requests_of(one)
    lines = [evaluation(first), evaluation(second, essay_score=9999), failure(third)]
    answer = upload(staff_client(), *lines)
    file = ResultFile.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "id": file.pk,
            "cycle": "fall-2026",
            "sha256": hashlib.sha256(encoded(*lines)).hexdigest(),
            "dry_run": False,
            "lines": 3,
            "imported": 1,
            "unchanged": 0,
            "rejected": 2,
            "reasons": {"expired": 1, "out_of_range": 1},
            "issues": f"{RESULTS}/{file.pk}/issues",
            "first_issues": [
                {
                    "line": 2,
                    "custom_id": second["custom_id"],
                    "code": "out_of_range",
                    "field": "essay_score",
                    "detail": "essay_score is 9999, outside 0 to 100",
                },
                {
                    "line": 3,
                    "custom_id": third["custom_id"],
                    "code": "expired",
                    "field": "",
                    "detail": "the engine reports batch_expired",
                },
            ],
        },
    )


def test_the_same_file_again_is_nothing_new():
    one = processing(1)
    client, line = staff_client(), evaluation(requests_of(one)[0])
    upload(client, line)
    answer = upload(client, line, kind="application/octet-stream")
    assert (answer.status_code, answer.json()["unchanged"], WorkerResult.objects.count()) == (200, 1, 1)


def test_a_dry_run_foretells_and_keeps_nothing():
    one = processing(2)
    first, second = requests_of(one)
    sequence_all()
    client = staff_client()
    before = everything_else()
    answer = upload(client, evaluation(first), failure(second), query="?cycle=fall-2026&dry_run=1")
    told = answer.json()
    assert (answer.status_code, told["imported"], told["rejected"], told["id"], told["issues"]) == (
        200,
        1,
        1,
        None,
        None,
    )
    assert ([issue["code"] for issue in told["first_issues"]], everything_else()) == (["expired"], before)


def test_an_empty_error_file_is_no_error():
    processing(1)
    answer = upload(staff_client(), CONTENT_LENGTH="0")
    told = answer.json()
    assert (answer.status_code, {name: told[name] for name in NOTHING}, told["id"]) == (200, NOTHING, None)


def test_a_wrong_file_is_refused_whole_and_its_first_lines_are_named():
    one = processing(22)
    first, *others = requests_of(one)
    strange = [evaluation(request, custom_id=f"x-{number}") for number, request in enumerate(others)]
    answer = upload(staff_client(), evaluation(first), *strange)
    told = answer.json()
    assert (answer.status_code, told["detail"]) == (
        422,
        "The file: 21 of 22 lines answer no request of this cycle. This is another file; nothing of it was taken.",
    )
    assert told["errors"][0] == {
        "pointer": "",
        "code": "unknown_id",
        "detail": "line 2: unknown_id: no request has this custom_id",
    }
    assert (len(told["errors"]), WorkerResult.objects.count()) == (20, 0)


def test_rubbish_and_the_file_that_went_out_are_refused():
    one = processing(1)
    client = staff_client()
    answers = [upload(client, b"rubbish\n"), upload(client, *requests_of(one))]
    assert [(answer.status_code, answer.json()["detail"].split(":")[0]) for answer in answers] == [
        (422, "The file names no request that ENIGMA has asked."),
        (422, "Line 1 is a request, not an answer"),
    ]


def test_a_file_of_another_cycle_is_refused():
    one = processing(1)
    processing(1, code="other")
    answer = upload(staff_client(), evaluation(requests_of(one)[0]), query="?cycle=other")
    assert (answer.status_code, answer.json()["detail"]) == (422, "The file does not answer requests of other.")
    assert not WorkerResult.objects.exists()


def test_outside_processing_it_is_a_conflict():
    one = prepared(1)
    export(one)
    assert upload(staff_client(), evaluation(requests_of(one)[0])).status_code == 409


@pytest.mark.parametrize("query", ["", "?cycle=nowhere", "?cycle=fall-2026&dry_run=perhaps", "?cycle=fall-2026&path=x"])
def test_an_address_with_a_fault_is_refused_before_the_body_is_read(query, monkeypatch):
    processing(1)
    monkeypatch.setattr(parsers.UploadParser, "parse", lambda *_: 1 / 0)
    assert upload(staff_client(), b"rubbish\n", query=query).status_code == 422


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(monkeypatch):
    processing(1)
    monkeypatch.setattr(parsers, "UPLOAD_MAX", 7)
    monkeypatch.setattr(parsers.tempfile, "TemporaryFile", lambda: 1 / 0)
    assert upload(staff_client(), b"rubbish\n").status_code == 413


def test_a_file_that_breaks_off_is_not_taken(monkeypatch):
    one = processing(2)
    first, second = (encoded(evaluation(request)) for request in requests_of(one))
    came = parsers.Upload(io.BytesIO(first), len(first))  # and then the sender was gone
    monkeypatch.setattr(parsers.UploadParser, "parse", lambda *_: came)
    answer = upload(staff_client(), first + second)
    assert (answer.status_code, WorkerResult.objects.count()) == (400, 0)


def test_a_file_without_its_length_is_not_taken_for_an_empty_one():
    one = processing(1)
    answer = upload(staff_client(), evaluation(requests_of(one)[0]), CONTENT_LENGTH="")
    assert answer.status_code == 411


def test_a_form_is_no_file():
    processing(1)
    form = {"file": io.BytesIO(b"rubbish\n")}
    assert staff_client().post(f"{RESULTS}?cycle=fall-2026", form, format="multipart").status_code == 415


# -- read back ----------------------------------------------------------------------------------


def test_a_file_is_read_back_as_it_was_first_taken():
    one = processing(2)
    taken = evaluated(one)
    file = ResultFile.objects.get()
    told = {
        "id": file.pk,
        "cycle": "fall-2026",
        "sha256": taken.sha256,
        "bytes": file.size,
        "imported_at": rfc3339(file.imported_at),
        "issues": f"{RESULTS}/{file.pk}/issues",
        **taken.counts(),
    }
    client = staff_client()
    assert client.get(f"{RESULTS}/{file.pk}").json() == told
    assert client.get(f"{RESULTS}?cycle=fall-2026").json() == {"results": [told], "next": None}


def test_the_lines_that_were_not_taken_come_page_by_page_in_the_order_of_the_file():
    one = processing(1)
    [request] = requests_of(one)
    hand_in(one, b"rubbish\n", failure(request), b"[]\n")
    client, address = staff_client(), f"{RESULTS}/{ResultFile.objects.get().pk}/issues?page_size=2"
    first = client.get(address).json()
    second = client.get(first["next"]).json()
    lines = [(issue["line"], issue["code"]) for issue in first["results"] + second["results"]]
    assert lines == [(1, "bad_line"), (2, "expired"), (3, "bad_type")]
    assert (len(first["results"]), second["next"]) == (2, None)
    assert client.get(f"{address}&code=expired").json()["errors"][0]["pointer"] == "/code"


def test_a_list_holds_the_files_of_the_cycle_that_is_asked_for():
    for code in ("fall-2026", "other"):
        evaluated(processing(1, code=code))
    client = staff_client()
    codes = [
        [file["cycle"] for file in client.get(f"{RESULTS}{query}").json()["results"]] for query in ("", "?cycle=other")
    ]
    assert codes == [["other", "fall-2026"], ["other"]]


# -- the whole round ----------------------------------------------------------------------------


def test_a_machine_leads_a_round_with_its_two_tokens():
    one = prepared(3)
    exporter, importer = service_client("batches.export"), service_client("batches.import")
    ordered = exporter.post(
        "/api/v1/admin/batches", {"cycle": one.code, "stage": "worker", "model": "rehearsal", "shard_lines": 2}
    ).json()
    one.start_processing(actor=staff_client().actor)
    for shard in ordered["shards"]:
        content = b"".join(exporter.get(shard["url"]).streaming_content)
        assert hashlib.sha256(content).hexdigest() == shard["sha256"]
        answer = upload(importer, *StandIn(seed=1).answers(io.BytesIO(content)))
        assert (answer.status_code, answer.json()["imported"]) == (201, shard["lines"])
        assert importer.get(answer.json()["issues"]).json() == {"results": [], "next": None}
    assert (states(one), BatchRun.objects.get().state) == ([(1, 0, "answered", "")] * 3, "imported")


# -- who may ------------------------------------------------------------------------------------


def test_to_a_machine_another_cycle_is_not_there():
    one = processing(1)
    evaluated(one)
    machine, file = service_client("batches.import", cycle="other"), ResultFile.objects.get()
    addresses = [f"{RESULTS}/{file.pk}", f"{RESULTS}/{file.pk}/issues"]
    assert [machine.get(address).status_code for address in addresses] == [404, 404]
    assert upload(machine, evaluation(requests_of(one)[0])).status_code == 422


def test_a_machine_cannot_hand_in_answers_of_another_cycle_under_its_own():
    one = processing(1)
    cycle("other")
    machine = service_client("batches.import", cycle="other")
    assert upload(machine, evaluation(requests_of(one)[0]), query="?cycle=other").status_code == 422
    assert not ResultFile.objects.exists()


def test_a_machine_that_exports_neither_imports_nor_reads_files():
    one = processing(1)
    evaluated(one)
    machine, file = service_client("batches.export"), ResultFile.objects.get()
    addresses = [RESULTS, f"{RESULTS}/{file.pk}", f"{RESULTS}/{file.pk}/issues"]
    assert [machine.get(address).status_code for address in addresses] == [403, 403, 403]
    assert upload(machine, evaluation(requests_of(one)[0])).status_code == 403


@pytest.mark.parametrize(
    ("client", "code"),
    [(lambda: staff_client(Role.REVIEWER), 403), (lambda: staff_client(Role.AUDITOR), 403), (api, 401)],
)
def test_nobody_else_may(client, code):
    one = processing(1)
    evaluated(one)
    caller, file = client(), ResultFile.objects.get()
    addresses = [RESULTS, f"{RESULTS}/{file.pk}", f"{RESULTS}/{file.pk}/issues"]
    codes = [caller.get(address).status_code for address in addresses]
    assert [*codes, upload(caller, evaluation(requests_of(one)[0])).status_code] == [code] * 4


def test_no_route_of_what_comes_in_reads_a_person():
    one = processing(2)
    first, second = requests_of(one)
    machine = service_client("batches.import")
    with CaptureQueriesContext(connection) as statements:
        address = upload(machine, evaluation(first), failure(second)).json()["issues"]
        assert len(machine.get(address).json()["results"]) == ImportIssue.objects.count() == 1
    texts = [one["sql"] for one in statements if not one["sql"].startswith('SELECT "service_tokens"')]
    assert any("worker_results" in text for text in texts)
    assert [text for text in texts if IDENTITIES.search(text)] == []


# -- the figures --------------------------------------------------------------------------------


def test_the_status_of_a_cycle_is_what_the_command_says():
    one = processing(2)
    evaluated(one)
    answer = staff_client(Role.AUDITOR).get("/api/v1/admin/cycles/fall-2026/status")
    one.refresh_from_db()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.json() == status_of(one) | {"phase_since": rfc3339(one.phase_since)}


def test_the_status_of_no_cycle_is_nothing():
    assert staff_client().get("/api/v1/admin/cycles/nowhere/status").status_code == 404


@pytest.mark.parametrize(
    ("phase", "sees"),
    [
        ("selection", {"reviewer": False, "auditor": True, "admin": True}),
        ("published", {"reviewer": True, "auditor": True, "admin": True}),
    ],
)
def test_what_came_of_the_selection_is_under_embargo_for_who_neither_selects_nor_audits(phase, sees):
    led_to(phase)
    clients = {role: staff_client(Role(role), email=f"{role}@example.org") for role in sees}
    told = {role: client.get("/api/v1/admin/cycles/fall-2026/status").json() for role, client in clients.items()}
    assert {role: figures["selection"] is not None for role, figures in told.items()} == sees
