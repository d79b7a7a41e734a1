"""The applicant's routes: hand in, look, withdraw, and read the result once it is published."""

import pytest
from django.db import connection

from admissions.models.applications import Application, IdentityMapping
from admissions.phases import Phase
from enigma.rest.serializers import rfc3339
from tests.clients import api, applicant_client, staff_client
from tests.factories import AMINA, amina, applicants, apply, cycle, everything, lead, led_to, submitted
from tests.racing import together

pytestmark = pytest.mark.django_db

HERE = "/api/v1/applications"
BODY = {name: value for name, value in AMINA.items() if name != "email"} | {"cycle": "fall-2026"}
NOT_FOUND = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not found.", "code": "not_found"}


def body(**changes):
    return {**BODY, **changes}


def errors(answer):
    """Pointer and detail of each fault of a 422."""
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


# -- handing in ----------------------------------------------


def test_an_application_is_handed_in_and_found_again():
    cycle()
    amina_ = applicant_client()
    made = amina_.post(HERE, body())
    stored = Application.objects.get()
    assert (made.status_code, made["Location"]) == (201, f"{HERE}/{stored.reference}")
    commitment = connection.cursor().execute("SELECT commitment FROM log_outbox WHERE kind = 'submission'").fetchone()
    assert made.json() == {
        "reference": stored.reference,
        "receipt": stored.receipt_ref.hex,
        "commitment": commitment[0],
        "submitted_at": rfc3339(stored.submitted_at),
    }
    shown = amina_.get(made["Location"])
    assert shown.json() == {
        "reference": stored.reference,
        "receipt": stored.receipt_ref.hex,
        "cycle": {"code": "fall-2026", "name": "Fall 2026"},
        "submitted_at": rfc3339(stored.submitted_at),
        "status": "submitted",
        "phase": "submission",
        "phase_since": rfc3339(stored.admission_cycle.phase_since),
        "results_at": None,
        "may_withdraw": True,
        "result": None,
    }
    assert amina_.get(HERE).json() == {"results": [shown.json()]}


@pytest.mark.parametrize("gpa", [3.75, "3.75", "3.7500"])
@pytest.mark.parametrize("sat", [27.5, "27.5", "27.50"])
def test_numbers_are_taken_as_numbers_and_as_decimal_text(gpa, sat):
    cycle()
    assert applicant_client().post(HERE, body(gpa=gpa, test_scores={"ACT": sat})).status_code == 201
    stored = Application.objects.get()
    assert (str(stored.gpa), stored.test_scores) == ("3.7500", {"ACT": 27.5})


def test_an_import_of_what_was_handed_in_finds_it_unchanged():
    one = cycle()
    applicant_client(email=AMINA["email"]).post(HERE, body(gpa="3.8"))
    apply(one, [amina()])
    assert Application.objects.count() == 1


def test_what_is_optional_may_be_left_out():
    cycle()
    given = body()
    for name in ("phone", "address", "achievements"):
        del given[name]
    assert applicant_client().post(HERE, given).status_code == 201
    identity = IdentityMapping.objects.get()
    assert (identity.identity()["phone"], identity.texts()["achievements"]) == ("", "")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "sam@example.org"}, {"/email": "is not a field of this request"}),
        ({"status": "selected"}, {"/status": "is not a field of this request"}),
        ({"cycle": "no-such"}, {"/cycle": "There is no cycle of this code."}),
        ({"name": 7}, {"/name": "must be text"}),
        ({"name": "=SUM(1)"}, {"/name": "looks like a spreadsheet formula"}),
        ({"essay": " "}, {"/essay": "is required"}),
        ({"essay": None}, {"/essay": "This field may not be null."}),
        ({"gpa": True}, {"/gpa": "must be a number"}),
        ({"gpa": "3,8"}, {"/gpa": "uses a comma; write a decimal point"}),
        ({"gpa": 3.00001}, {"/gpa": "has more than 4 decimals"}),
        ({"test_scores": '{"SAT": 1450}'}, {"/test_scores": "must be an object such as {'SAT': 1450}"}),
        ({"test_scores": {"SAT": "many"}}, {"/test_scores": "SAT must be a number"}),
        ({"test_scores": {}}, {"/test_scores": "at least one test score is required"}),
    ],
)
def test_a_fault_is_told_with_its_place_and_nothing_is_stored(changes, told):
    cycle()
    answer = applicant_client().post(HERE, body(**changes))
    assert errors(answer) == told
    assert Application.objects.count() == 0


def test_whatever_is_missing_is_named():
    cycle()
    missing = errors(applicant_client().post(HERE, {}))
    assert missing == dict.fromkeys(("/cycle", "/name", "/gpa", "/test_scores", "/essay"), "This field is required.")


def test_a_fault_quotes_nothing_of_what_was_sent():
    cycle()
    answer = applicant_client().post(HERE, body(phone="call Amina at home", gpa="three"))
    assert errors(answer).keys() == {"/phone", "/gpa"}
    assert (b"Amina" in answer.content, b"three" in answer.content) == (False, False)


def test_a_second_one_is_a_conflict():
    cycle()
    client = applicant_client()
    client.post(HERE, body())
    answer = client.post(HERE, body())
    assert answer.status_code == 409
    assert (
        answer.json()["detail"] == "You have an application in fall-2026 already; a cycle takes one from each person."
    )


def test_a_frozen_cycle_is_a_conflict():
    led_to("frozen")
    answer = applicant_client(email="sam@example.org").post(HERE, body())
    assert (answer.status_code, answer.json()["code"]) == (409, "phase_error")
    assert answer.json()["detail"] == "fall-2026 takes no more applications: it is in frozen."


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_201():
    cycle()
    clients = [applicant_client() for _ in range(5)]
    came = together(*[lambda client=client: client.post(HERE, body()).status_code for client in clients])
    assert sorted(came) == [201, 409, 409, 409, 409]
    assert Application.objects.count() == 1


def test_the_same_key_gets_the_same_receipt():
    cycle()
    client = applicant_client()
    key = {"Idempotency-Key": "once"}
    first, second = (client.post(HERE, body(), headers=key) for _ in range(2))
    assert (first.status_code, second.status_code, second.content) == (201, 201, first.content)
    assert Application.objects.count() == 1


def test_nobody_is_asked_to_sign_in_and_staff_does_not_apply():
    cycle()
    omar = staff_client()
    before = everything()["applications"]
    assert (api().post(HERE, body()).status_code, omar.post(HERE, body()).status_code) == (401, 403)
    assert (api().get(HERE).status_code, omar.get(HERE).status_code) == (401, 403)
    assert everything()["applications"] == before


# -- others ----------------------------------------------


@pytest.mark.parametrize("tail", ["", "/result", "/withdraw"])
@pytest.mark.parametrize("phase", ["submission", "selection", "published"])
def test_what_is_somebody_elses_answers_as_what_is_not_there(phase, tail):
    one = cycle()
    apply(one, applicants(2))
    other = submitted(one, "sam@example.org")
    lead(one, phase)
    client = applicant_client()
    client.post(HERE, body())
    method = client.post if tail == "/withdraw" else client.get
    theirs = method(f"{HERE}/{other.reference}{tail}")
    nobodys = method(f"{HERE}/0000-0000-0000{tail}")
    assert (theirs.status_code, theirs.json()) == (404, NOT_FOUND)
    assert (theirs.content, theirs.headers) == (nobodys.content, nobodys.headers)


def test_an_imported_application_is_found_by_its_address():
    apply(cycle(), [amina(email="Amina@Example.org")])
    shown = applicant_client().get(f"{HERE}/{Application.objects.get().reference}")
    assert (shown.status_code, shown.json()["status"]) == (200, "submitted")


# -- withdrawing ----------------------------------------------


def test_an_application_is_withdrawn_once():
    mine = submitted(cycle())
    client = applicant_client()
    first, second = (client.post(f"{HERE}/{mine.reference}/withdraw") for _ in range(2))
    assert (first.status_code, first.json()["status"], first.json()["may_withdraw"]) == (200, "withdrawn", False)
    assert (second.status_code, second.json()["detail"]) == (409, "This application is withdrawn already.")
    assert client.get(f"{HERE}/{mine.reference}").json() == first.json()


def test_a_withdrawal_takes_no_body():
    mine = submitted(cycle())
    answer = applicant_client().post(f"{HERE}/{mine.reference}/withdraw", {"reason": "none"})
    assert errors(answer) == {"/reason": "is not a field of this request"}
    assert Application.objects.get().status == "submitted"


def test_after_the_freeze_it_is_too_late_to_withdraw():
    one = cycle()
    mine = submitted(one)
    lead(one, "frozen")
    answer = applicant_client().post(f"{HERE}/{mine.reference}/withdraw")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "fall-2026 is frozen: an application can no longer be withdrawn here."


# -- the result ----------------------------------------------


@pytest.mark.parametrize("phase", list(Phase))
def test_the_result_is_not_there_until_publication(phase):
    one = cycle()
    apply(one, applicants(2))
    mine = submitted(one, "sam@example.org")
    lead(one, phase)
    client = applicant_client(email="sam@example.org")
    answer, unknown = (client.get(f"{HERE}/{name}/result") for name in (mine.reference, "0000-0000-0000"))
    link = client.get(f"{HERE}/{mine.reference}").json()["result"]
    if phase in {Phase.PUBLISHED, Phase.COMPLETED}:
        assert (answer.status_code, link) == (200, f"{HERE}/{mine.reference}/result")
    else:
        assert (answer.status_code, answer.content, link) == (404, unknown.content, None)


def test_scores_are_decimal_text_and_the_log_is_named():
    one = cycle(seats=1)
    apply(one, applicants(2))
    mine = submitted(one)
    lead(one, "published")
    told = applicant_client().get(f"{HERE}/{mine.reference}/result").json()
    log = one.selection()
    assert told["verify"] == {
        "receipt": mine.receipt_ref.hex,
        "ranking_sha256": log.ranking_sha256,
        "chain": "/api/v1/verify/chain",
    }
    assert (told["cutoff"], told["ranked"], told["seats"]) == (f"{log.cutoff:.4f}", 3, 1)
    numbers = [told["total"], *told["scores"].values(), *told["weights"].values()]
    assert [number for number in numbers if not (isinstance(number, str) and number[-5] == ".")] == []


def test_a_standing_has_an_etag_that_changes_with_the_phase():
    one = cycle()
    mine = submitted(one)
    client, address = applicant_client(), f"{HERE}/{mine.reference}"
    etag = client.get(address)["ETag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    lead(one, "frozen")
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200
