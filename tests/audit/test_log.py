"""The one writer: inside the deed's transaction, without personal data."""

import json
import re

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import IntegrityError

from audit import log
from audit.models import LogOutbox
from enigma.env import BASE_DIR
from enigma.errors import Malformed, Refused
from tests.audit import independent
from tests.audit.entries import CYCLE, OMAR, SALT, Actor, commit, note, ref, sql

FIELDS = {"outcome": "selected", "score_e4": 912345}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", [lambda: note(1), lambda: commit(1)], ids=["record", "commit"])
def test_nothing_is_written_outside_a_transaction(write):
    with pytest.raises(TransactionManagementError):
        write()


@pytest.mark.django_db(transaction=True)
def test_what_is_noted_vanishes_with_the_deed():
    with transaction.atomic():
        note(1)
        commit(1)
        transaction.set_rollback(True)
    assert not LogOutbox.objects.exists()


@pytest.mark.django_db
def test_an_act_is_noted_whole():
    log.record(
        "cycle.freeze", actor=OMAR, entity=("cycle", "fall"), outcome="refused", reason="no one", request_id="r1", n=3
    )
    row = LogOutbox.objects.get()
    assert (row.log, row.kind, json.loads(row.body)) == (
        "audit",
        "cycle.freeze",
        {
            "action": "cycle.freeze",
            "actor_id": "user:7",
            "actor_type": "staff",
            "details": {"n": 3, "reason": "no one"},
            "entity_id": "fall",
            "entity_type": "cycle",
            "outcome": "refused",
            "request_id": "r1",
            "role": "admin",
            "session_id": "s-1",
        },
    )


@pytest.mark.django_db
def test_a_commitment_keeps_its_32_bytes_and_nothing_else():
    commit(5, "decision", **FIELDS)
    row = LogOutbox.objects.get()
    found = (row.log, row.kind, row.cycle_ref, row.subject_ref, row.commitment, row.body)
    digest = independent.commit("decision", SALT, FIELDS).hex()
    assert found == ("public", "decision", CYCLE, ref(5), digest, "")


@pytest.mark.django_db
def test_many_commitments_keep_their_order(monkeypatch):
    monkeypatch.setattr(log, "CHUNK", 7)
    rows = ((ref(number), SALT, {"n": number}) for number in range(20, 0, -1))
    assert log.commit_many("decision", cycle_ref=CYCLE, rows=rows) == 20
    found = LogOutbox.objects.order_by("outbox_id").values_list("subject_ref", "commitment")
    wanted = [(ref(n), independent.commit("decision", SALT, {"n": n}).hex()) for n in range(20, 0, -1)]
    assert list(found) == wanted


@pytest.mark.django_db
def test_commitments_may_be_read_from_the_same_connection(monkeypatch):
    monkeypatch.setattr(log, "CHUNK", 3)
    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT lpad(to_hex(n), 32, '0'), n FROM generate_series(1, 10) AS n")
        count = log.commit_many("score", cycle_ref=CYCLE, rows=((r, SALT, {"n": n}) for r, n in cursor))
    assert (count, LogOutbox.objects.count()) == (10, 10)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["audit.anchor", "party", "", "decision\tx"])
def test_an_unknown_kind_and_the_sequencers_own_are_refused(kind):
    with pytest.raises(Malformed):
        commit(1, kind)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"cycle_ref": "x"}, {"subject_ref": "A" * 32}, {"salt": b"short"}, {"fields": {"gpa": 3.8}}, {"fields": {}}],
    ids=lambda change: next(iter(change)),
)
def test_a_malformed_commitment_is_refused_and_leaves_nothing(change):
    wanted = {"cycle_ref": CYCLE, "subject_ref": ref(1), "salt": SALT, "fields": FIELDS} | change
    with pytest.raises(Malformed), transaction.atomic():
        log.commit("decision", **wanted)
    assert not LogOutbox.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("action", ["audit.anchor", "Freeze", "", "a b", "a..b", "a\n"])
def test_an_action_is_dotted_lower_case_and_not_the_sequencers(action):
    with pytest.raises(Malformed):
        log.record(action, actor=OMAR, entity=("cycle", "fall"))


@pytest.mark.django_db
@pytest.mark.parametrize("actor_id", ["amina@example.org", "@amina", "amina@localhost"])
def test_an_actor_is_never_an_address(actor_id):
    with pytest.raises(Refused, match="no personal data"):
        log.record("cycle.freeze", actor=Actor(id=actor_id), entity=("cycle", "fall"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        {"reason": "told amina.q@example.org so"},
        {"entity": ("user", "a@b.org")},
        {"request_id": "x@y.info"},
        {"rows": [{"who": "amina@mail.example.pk"}]},
    ],
    ids=lambda words: next(iter(words)),
)
def test_an_address_is_refused_anywhere(words):
    with pytest.raises(Refused, match="no personal data"):
        log.record("cycle.freeze", **{"actor": OMAR, "entity": ("cycle", "fall")} | words)


@pytest.mark.django_db
def test_an_at_sign_in_a_models_name_is_no_address():
    note(1, model="scorer@20240620")
    assert LogOutbox.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1.5, {1: 2}, 2**60, "\ud800", "a\0b"], ids=repr)
def test_details_that_the_logs_cannot_keep_are_refused(value):
    with pytest.raises(Malformed):
        note(1, value=value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        f"('public', 'party', '{CYCLE}', '{ref(1)}', '{'0' * 64}', '')",
        f"('public', 'audit.anchor', '{CYCLE}', '{ref(1)}', '{'0' * 64}', '')",
        f"('public', 'score', '{CYCLE}', '{ref(1)}', '{'0' * 63}', '')",
        f"('public', 'score', '{CYCLE}', '{'G' * 32}', '{'0' * 64}', '')",
        "('audit', 'cycle.freeze', '', '', '', 'x')",
        "('party', 'cycle.freeze', '', '', '', '{}')",
    ],
)
def test_the_database_takes_no_row_that_would_hold_up_the_sequencer(values):
    with pytest.raises(IntegrityError, match="outbox_row_is_whole"):
        sql(f"INSERT INTO log_outbox (log, kind, cycle_ref, subject_ref, commitment, body) VALUES {values}")


def test_every_act_that_is_noted_is_explained():
    page = (BASE_DIR / "docs/audit.md").read_text()
    explained = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    sources = [file.read_text() for app in ("accounts", "admissions", "audit", "batches") for file in files(app)]
    acts = {act for text in sources for act in re.findall(r'\brecord\(\s*"([a-z_.]+)"', text)}
    assert len(acts) > 30
    assert {act for act in acts if not any(f"`{act}`" in row for row in explained)} == set()


def files(app):
    return (BASE_DIR / app).rglob("*.py")
