"""Both logs in the console: found by index, recomputed one by one, and alike fast with however many entries."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role
from audit import log
from audit.finding import actions, entity_types
from audit.models import AuditLog, HashChain
from audit.sequencer import sequence_all
from tests.audit.entries import OMAR, fill, ref, sql, unguard
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

AUDIT, PUBLIC = "/console/audit/auditlog/", "/console/audit/hashchain/"


@pytest.fixture
def auditor():
    browser = staff_browser(Role.AUDITOR)[0]
    fill()
    with transaction.atomic():
        log.record("cycle.freeze", actor=OMAR, entity=("cycle", "fall-2026"), outcome="refused", nested={"a": [1, "é"]})
    sequence_all()
    return browser


def shown(browser, query, place=AUDIT):
    """The positions that a list shows."""
    answer = browser.get(f"{place}?{query}")
    assert (answer.status_code, answer.redirect_chain) == (200, [])
    return [int(one) for one in re.findall(rf'href="{place}(\d+)/change/', answer.content.decode())]


def positions(**wanted):
    return list(AuditLog.objects.filter(**wanted).order_by("-log_id").values_list("log_id", flat=True))


def test_the_log_is_listed_newest_first_with_who_did_what_to_what(auditor):
    assert shown(auditor, "") == positions()
    page = auditor.get(AUDIT).content.decode()
    assert ("cycle:fall-2026" in page, '<span class="tag warn">refused</span>' in page, "user:7" in page) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("outcome=not_ok", {"outcome": "refused"}),
        ("action=application.import", {"action": "application.import"}),
        ("entity_type=cycle", {"entity_type": "cycle"}),
        ("q=user:7", {"actor_id": "user:7"}),
        ("q=application:2", {"entity_type": "application", "entity_id": "2"}),
        ("q=application.", {"action__startswith": "application."}),
        ("q=sequencer", {"actor_id": "sequencer"}),
        ("q=3", {"log_id": 3}),
        ("q=nobody", {"log_id": -1}),
        (f"q={10**30}", {"log_id": -1}),
        ("action=application.import&outcome=not_ok", {"log_id": -1}),
    ],
)
def test_filters_and_search_find_what_they_say(auditor, query, wanted):
    assert shown(auditor, query) == positions(**wanted)


def test_days_are_whole(auditor):
    today, day = timezone.localdate(), timedelta(days=1)
    everything = positions()
    assert shown(auditor, f"since={today}&until={today}") == everything
    assert shown(auditor, f"since={today + day}") == []
    assert shown(auditor, f"until={today - day}") == []
    page = auditor.get(f"{AUDIT}?since={today}&action=cycle.freeze").content.decode()
    assert f'name="since" value="{today}"' in page
    assert '<input type="hidden" name="action" value="cycle.freeze">' in page


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_shows_everything(auditor, day):
    answer = auditor.get(f"{AUDIT}?since={day}")
    assert answer.redirect_chain == [(f"{AUDIT}?e=1", 302)]


def test_the_values_of_a_column_are_found_without_a_walk(auditor):
    assert actions() == sorted(set(AuditLog.objects.order_by().values_list("action", flat=True)))
    assert entity_types() == sorted(set(AuditLog.objects.order_by().values_list("entity_type", flat=True)))


def test_an_entry_shows_its_bytes_its_hashes_and_its_neighbours(auditor):
    entry = AuditLog.objects.get(outcome="refused")
    page = auditor.get(f"{AUDIT}{entry.pk}/change/").content.decode()
    assert "Matches" in page
    assert bytes(entry.previous_hash).hex() in page
    assert bytes(entry.current_hash).hex() in page
    assert entry.body.replace('"', "&quot;") in page
    assert "{&quot;a&quot;: [1, &quot;é&quot;]}" in page
    assert (f"{AUDIT}{entry.pk - 1}/change/" in page, f"{AUDIT}{entry.pk + 1}/change/" in page) == (True, False)


def test_the_first_entry_follows_the_name_of_the_log(auditor):
    for place in (AUDIT, PUBLIC):
        page = auditor.get(f"{place}0/change/").content.decode()
        assert ("Matches" in page, f"{place}1/change/" in page, f"{place}-1/" in page) == (True, True, False)


@pytest.mark.parametrize(
    ("table", "change", "place", "told"),
    [
        ("audit_logs", "outcome = 'ok' WHERE outcome = 'refused'", AUDIT, "outcome differs from body"),
        ("audit_logs", "current_hash = sha256('x') WHERE outcome = 'refused'", AUDIT, "current_hash does not follow"),
        ("hash_chain", "leaf_hash = sha256('x') WHERE chain_id = 3", PUBLIC, "leaf_hash is not the hash"),
    ],
)
def test_an_entry_that_was_changed_is_shown_as_such(auditor, table, change, place, told):
    position = AuditLog.objects.get(outcome="refused").pk if table == "audit_logs" else 3
    unguard()
    sql(f"UPDATE {table} SET {change}")
    page = auditor.get(f"{place}{position}/change/").content.decode()
    assert ("Does not match" in page, told in page) == (True, True)


def test_an_entry_that_does_not_follow_is_shown_as_such(auditor):
    unguard()
    sql("UPDATE audit_logs SET current_hash = sha256('x') WHERE log_id = 1")
    sql("UPDATE hash_chain SET data_hash = sha256('x') WHERE chain_id = 1")
    for place in (AUDIT, PUBLIC):
        assert "not the value of the entry before" in auditor.get(f"{place}2/change/").content.decode()


def test_an_entry_whose_neighbour_was_deleted_is_shown_as_such(auditor):
    unguard()
    sql("DELETE FROM audit_logs WHERE log_id = 1")
    assert "not the value of the entry before" in auditor.get(f"{AUDIT}2/change/").content.decode()


def test_the_public_log_is_found_by_position_and_reference(auditor):
    assert shown(auditor, "q=3", PUBLIC) == [3]
    assert shown(auditor, f"q={ref(2)}", PUBLIC) == [HashChain.objects.get(subject_ref=ref(2)).pk]
    assert shown(auditor, "q=none", PUBLIC) == []
    page = auditor.get(f"{PUBLIC}3/change/").content.decode()
    assert HashChain.objects.get(pk=3).data_json[11:75] in page


@pytest.mark.parametrize("path", ["77777/change/", f"{10**30}/change/", "abc/change/"])
def test_what_is_not_there_leads_back(auditor, path):
    assert auditor.get(f"{AUDIT}{path}").redirect_chain[0][0] == "/console/"


@pytest.mark.parametrize("count", [3, 300])
@pytest.mark.parametrize(("place", "cost"), [(AUDIT, 9), (PUBLIC, 7)])
def test_a_list_costs_the_same_queries_however_many_there_are(count, place, cost):
    browser = staff_browser(Role.AUDITOR)[0]
    fill(count)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(place).status_code == 200
    assert len(asked) == cost


def test_nobody_writes_by_hand(auditor):
    before = positions()
    for path in ("add/", "3/delete/", "3/change/"):
        assert auditor.post(f"{AUDIT}{path}", {"outcome": "ok"}).status_code == 403
    assert positions() == before
