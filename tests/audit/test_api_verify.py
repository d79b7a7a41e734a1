"""Asking whether the logs hold: in public by what was found last, as an auditor by verifying."""

import pytest
from django.db import transaction

from accounts.roles import Role
from audit import verifications
from audit.models import LogHead, LogOutbox, Verification
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from enigma.rest.serializers import rfc3339
from tests.audit.entries import commit, fill, note, sql, unguard
from tests.clients import api, staff_client

pytestmark = pytest.mark.django_db

CHAIN, VERIFY = "/api/v1/verify/chain", "/api/v1/admin/audit/verify"


def aiza():
    client = staff_client(Role.AUDITOR, email="aiza@example.org")
    sequence_all()
    return client


def test_before_the_first_entry_the_chain_is_its_genesis(settings):
    answer = api().get(CHAIN).json()
    assert {**answer, "head": len(answer["head"])} == {
        "origin": settings.ENIGMA_ORIGIN,
        "length": 0,
        "head": 64,
        "pending": 0,
        "last_verification": None,
    }


def test_anybody_is_told_where_the_chain_stands_and_what_was_found_last():
    fill(2)
    kept = verify_and_keep("worker")
    for number in (3, 4):
        with transaction.atomic():
            commit(number)
            note(number)
        if number == 3:
            sequence_all()
    head = LogHead.objects.get()
    assert api().get(CHAIN).json() == {
        "origin": head.origin,
        "length": 5,
        "head": bytes(head.chain_hash).hex(),
        "pending": 1,
        "last_verification": {
            "finished_at": rfc3339(kept.finished_at),
            "ok": True,
            "length": 4,
            "head": kept.public_head,
        },
    }


def test_a_log_that_was_found_to_lie_is_told_so_in_public_but_not_where():
    fill(2)
    unguard()
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id = 2")
    verify_and_keep("worker")
    answer = api().get(CHAIN)
    assert (answer.json()["last_verification"]["ok"], b"role" in answer.content) == (False, False)


def test_the_internal_log_does_not_show_in_public():
    fill(1)
    before = api().get(CHAIN)
    with transaction.atomic():
        note(9)
    waiting = api().get(CHAIN)
    sequence_all()
    assert before.content == waiting.content == api().get(CHAIN).content


def test_a_reader_who_has_the_state_of_the_chain_is_not_sent_it_again():
    fill(1)
    etag = api().get(CHAIN)["ETag"]
    assert api().get(CHAIN, HTTP_IF_NONE_MATCH=etag).status_code == 304
    verify_and_keep("worker")
    assert api().get(CHAIN, HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_what_a_verification_does_not_take_is_refused():
    client = aiza()
    answers = [client.post(VERIFY, {"logs": "public"}), client.get(f"{VERIFY}?state=done")]
    told = [(answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in answers]
    assert (told, Verification.objects.count()) == ([(422, "/logs"), (422, "/state")], 0)


def test_an_auditor_verifies_a_small_log_at_once():
    client = aiza()
    answer = client.post(VERIFY)
    row, head = Verification.objects.get(), LogHead.objects.get()
    assert (answer.status_code, answer["Location"]) == (200, f"{VERIFY}/{row.pk}")
    assert answer.json() == {
        "verification_id": row.pk,
        "state": "done",
        "asked_by": client.actor.id,
        "asked_at": rfc3339(row.asked_at),
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
        "ok": True,
        "fault": "",
        "origin": head.origin,
        "public_size": head.size,
        "public_head": bytes(head.chain_hash).hex(),
        "audit_size": head.audit_size,
        "audit_head": bytes(head.audit_hash).hex(),
        "pending": 0,
        "checked": head.size + head.audit_size,
    }
    assert client.get(answer["Location"]).json() == answer.json()


def test_a_large_log_is_verified_by_a_worker_and_the_place_to_look_says_how_far(monkeypatch):
    monkeypatch.setattr(verifications, "AT_ONCE", 0)
    client = aiza()
    answer = client.post(VERIFY)
    assert (answer.status_code, client.post(VERIFY)["Location"]) == (202, answer["Location"])
    assert client.get(answer["Location"]).json() == answer.json()
    assert (answer.json()["state"], answer.json()["ok"]) == ("queued", None)
    verifications.run(answer.json()["verification_id"])
    assert (client.get(answer["Location"]).json()["state"], Verification.objects.count()) == ("done", 1)


def test_a_lie_is_an_answer_and_no_error():
    client = aiza()
    fill(2)
    unguard()
    sql("UPDATE hash_chain SET decision_type = 'decision' WHERE chain_id = 3")
    answer = client.post(VERIFY)
    assert (answer.status_code, answer.json()["ok"], answer.json()["fault"]) == (
        200,
        False,
        "public entry 3: decision_type differs from data_json",
    )
    assert LogOutbox.objects.filter(body__contains='"outcome":"lies"').count() == 1


def test_verifications_are_listed_newest_first():
    client = aiza()
    made = [verify_and_keep("worker").pk for _ in range(3)]
    first = client.get(VERIFY, {"page_size": 2}).json()
    assert [row["verification_id"] for row in first["results"]] == made[:0:-1]
    assert [row["verification_id"] for row in client.get(first["next"]).json()["results"]] == made[:1]


def test_a_verification_that_is_not_there_is_not_found():
    assert aiza().get(f"{VERIFY}/999").status_code == 404


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_others_may_not_verify(role):
    client = staff_client(role)
    assert [client.get(VERIFY).status_code, client.post(VERIFY).status_code, Verification.objects.count()] == [
        403,
        403,
        0,
    ]


def test_asking_twice_with_one_key_verifies_once():
    client = aiza()
    first, second = (client.post(VERIFY, HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2))
    assert (first.json(), second["Idempotency-Replayed"]) == (second.json(), "true")
    assert Verification.objects.count() == 1
