"""Verifying, comparing heads and taking copies in the console; alarms and panels of the dashboard."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role
from audit import verifications
from audit.chain import audit_genesis, audit_step, chain_genesis, chain_step, leaf_hash
from audit.finding import read_noted
from audit.models import AuditLog, HashChain, LogHead, Verification
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from enigma.errors import Malformed
from tests.audit.entries import fill, sql, unguard
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

PROOFS, VERIFY, DASHBOARD = "/console/audit/verification/", "/console/audit/verify/", "/console/"


@pytest.fixture
def auditor():
    browser = staff_browser(Role.AUDITOR)[0]
    fill()
    return browser


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(verifications, "AT_ONCE", 0)


def text(answer):
    return answer.content.decode()


def test_small_logs_are_verified_at_once_and_it_is_noted(auditor):
    answer = auditor.post(VERIFY)
    made = Verification.objects.get()
    assert answer.redirect_chain == [(f"{PROOFS}{made.pk}/", 302)]
    assert ("all of them hold" in text(answer), made.public_head in text(answer)) == (True, True)
    sequence_all()
    assert AuditLog.objects.filter(action="audit.verify", outcome="ok").count() == 1


def test_a_lie_is_named(auditor):
    unguard()
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id = 1")
    page = text(auditor.post(VERIFY))
    assert ("audit entry 1: role differs from body" in page, "all of them hold" in page) == (True, False)


def test_large_logs_are_left_to_a_worker_and_the_page_renews_itself(auditor, large):
    page = text(auditor.post(VERIFY))
    made = Verification.objects.get()
    place = f"{PROOFS}{made.pk}/"
    assert (f'hx-get="{place}" hx-trigger="every 2s"' in page, f'href="{place}">Refresh' in page) == (True, True)
    part = text(auditor.get(place, headers={"HX-Request": "true"}))
    assert (part.startswith('<div id="verdict" hx-get='), "<html" in part) == (True, False)
    verifications.run(made.pk)
    done = text(auditor.get(place, headers={"HX-Request": "true"}))
    assert ("hx-trigger" in done, "all of them hold" in done) == (False, True)


def test_a_running_one_says_how_long_it_takes_as_a_rule(auditor, large):
    verify_and_keep("worker")
    auditor.post(VERIFY)
    made = Verification.objects.latest("pk")
    Verification.objects.filter(pk=made.pk).update(state="running", started_at=timezone.now())
    assert "The last time it took" in text(auditor.get(f"{PROOFS}{made.pk}/"))


def test_one_that_ended_without_a_verdict_says_so(auditor, large):
    auditor.post(VERIFY)
    Verification.objects.update(state="failed", finished_at=timezone.now())
    made = Verification.objects.get()
    assert "without saying anything" in text(auditor.get(f"{PROOFS}{made.pk}/"))


@pytest.mark.parametrize("number", [77, 10**30])
def test_a_verification_that_is_not_there_is_not_found(auditor, number):
    assert auditor.get(f"{PROOFS}{number}/").status_code == 404


def test_whoever_may_not_verify_is_kept_out():
    browser = staff_browser(Role.ADMIN)[0]
    assert [browser.get(PROOFS).status_code, browser.post(VERIFY).status_code] == [403, 403]
    assert (browser.post("/console/audit/export/public/").status_code, Verification.objects.count()) == (403, 0)


def test_a_head_of_earlier_is_found_at_its_place(auditor):
    for model, column, name in ((HashChain, "data_hash", "public"), (AuditLog, "current_hash", "internal")):
        head = bytes(getattr(model.objects.get(pk=2), column)).hex()
        for noted in (head, f"{name}  3 entries, head {head}", head.upper()):
            page = text(auditor.get(PROOFS, {"head": noted}))
            assert (f"The {name} log had this head after 3 entries." in page, "Nothing has come" in page) == (
                True,
                False,
            )


def test_the_head_of_now_and_the_very_first_are_known(auditor):
    ends = LogHead.objects.get()
    page = text(auditor.get(PROOFS, {"head": bytes(ends.chain_hash).hex()}))
    assert "Nothing has come since" in page
    for genesis in (chain_genesis(ends.origin), audit_genesis(ends.origin)):
        assert "after 0 entries" in text(auditor.get(PROOFS, {"head": genesis.hex()}))


def test_a_head_that_never_was_or_stood_elsewhere_is_told(auditor):
    head = bytes(HashChain.objects.get(pk=2).data_hash).hex()
    for noted in ("0" * 64, f"public 9 entries, head {head}"):
        assert "Neither log has ever had this head" in text(auditor.get(PROOFS, {"head": noted}))


@pytest.mark.parametrize("noted", ["", "abc", "g" * 64, "0" * 63])
def test_what_is_no_head_is_told_beside_the_field(auditor, noted):
    answer = auditor.get(PROOFS, {"head": noted})
    assert (answer.status_code, "<title>Error: " in text(answer)) == (422, True)


def test_what_somebody_noted_is_read_as_they_noted_it():
    head = "ab" * 32
    assert read_noted(f"public    184 entries, head {head}") == (184, head)
    assert read_noted(f"  {head.upper()}\n") == (None, head)
    with pytest.raises(Malformed, match="64 digits"):
        read_noted("nothing")


def recomputed(lines, value, step):
    for line in lines:
        value = step(value, line)
    return value.hex()


@pytest.mark.parametrize(
    ("log", "genesis", "step"),
    [
        ("public", chain_genesis, lambda value, line: chain_step(value, leaf_hash(line))),
        ("internal", audit_genesis, audit_step),
    ],
)
def test_an_outsider_recomputes_the_head_from_the_file(auditor, log, genesis, step, monkeypatch):
    monkeypatch.setattr("audit.exports.CHUNK", 2)
    answer = auditor.post(f"/console/audit/export/{log}/")
    lines = answer.getvalue().splitlines()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{log}-log-{len(lines)}.jsonl"'
    assert answer.headers["X-Log-Entries"] == str(len(lines))
    assert recomputed(lines, genesis(answer.headers["X-Log-Origin"]), step) == answer.headers["X-Log-Head"]
    assert all(json.loads(line) for line in lines)


def test_a_copy_is_noted_before_it_leaves(auditor):
    ends = LogHead.objects.get()
    auditor.post("/console/audit/export/public/")
    sequence_all()
    entry = AuditLog.objects.get(action="audit.export")
    assert (entry.entity_type, entry.entity_id, entry.details) == (
        "log",
        "public",
        {"entries": ends.size, "head": bytes(ends.chain_hash).hex()},
    )


def test_an_empty_log_and_an_unknown_one():
    browser = staff_browser(Role.AUDITOR)[0]
    assert browser.post("/console/audit/export/public/").getvalue() == b""
    assert browser.post("/console/audit/export/internal/").headers["X-Log-Entries"] == "0"
    assert browser.post("/console/audit/export/secret/").status_code == 404
    assert "Nothing is logged yet" in text(browser.get(PROOFS))


def test_reading_exports_nothing(auditor):
    assert auditor.get("/console/audit/export/public/").status_code == 405
    assert auditor.get(VERIFY).status_code == 405


@pytest.mark.parametrize("count", [3, 120])
def test_the_page_costs_the_same_queries_however_many_verifications_there_are(auditor, count):
    verdict = verify_and_keep("worker")
    same = {
        name: getattr(verdict, name) for name in ("state", "asked_at", "started_at", "finished_at", "ok", "checked")
    }
    found = ("origin", "public_size", "public_head", "audit_size", "audit_head", "pending")
    same |= {name: getattr(verdict, name) for name in found}
    Verification.objects.bulk_create(Verification(asked_by="worker", **same) for _ in range(count))
    with CaptureQueriesContext(connection) as asked:
        page = text(auditor.get(PROOFS))
    assert (len(asked), "Older ones" in page) == (9, count > 50)
    older = Verification.objects.order_by("-pk")[49].pk if count > 50 else 10**30
    assert auditor.get(PROOFS, {"before": older}).status_code == 200


def test_the_dashboard_shows_where_the_logs_stand_and_what_was_noted_last(auditor):
    page = text(auditor.get(DASHBOARD))
    assert ("Last audit entries" in page, "application.import" in page, "never" in page) == (True, True, True)
    assert bytes(LogHead.objects.get().chain_hash).hex()[:16] in page


def test_who_may_not_read_the_log_sees_nothing_of_it():
    browser = staff_browser(Role.REVIEWER)[0]
    fill()
    page = text(browser.get(DASHBOARD))
    assert ("Last audit entries" in page, "application.import" in page) == (False, False)


def test_logs_that_nobody_verified_are_an_alarm_until_somebody_does(auditor):
    assert f'<a href="{PROOFS}">Verify</a>' in text(auditor.get(DASHBOARD))
    verify_and_keep("worker")
    assert "verified the logs yet" not in text(auditor.get(DASHBOARD))


def test_a_verdict_of_long_ago_is_an_alarm(auditor):
    verify_and_keep("worker")
    past = timezone.now() - timedelta(hours=49)
    Verification.objects.update(finished_at=past, started_at=past)
    assert "more than two days ago" in text(auditor.get(DASHBOARD))


@pytest.mark.parametrize(("role", "led"), [(Role.AUDITOR, True), (Role.REVIEWER, False)])
def test_logs_that_lie_are_an_alarm_to_everybody(role, led):
    browser = staff_browser(role)[0]
    fill()
    unguard()
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id = 1")
    made = verify_and_keep("worker")
    page = text(browser.get(DASHBOARD))
    assert ("an entry lies" in page, f'href="{PROOFS}{made.pk}/">See which' in page) == (True, led)
