"""From the outbox into the logs: in order, without gaps, doubles or losses, however many write and sequence."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction

from audit import sequencer
from audit.log import commit_many, record
from audit.models import AuditLog, HashChain, LogHead, LogOutbox
from audit.sequencer import follow, sequence, sequence_all
from audit.verification import verify
from enigma.errors import Malformed, Refused
from tests.audit import independent
from tests.audit.entries import CYCLE, OMAR, SALT, audit_rows, commit, fill, note, public_rows, ref, sql
from tests.racing import another_session, until

WRITERS, DEEDS = 16, 60


@pytest.mark.django_db
def test_entries_arrive_in_the_order_in_which_they_were_noted():
    for number in (3, 1, 2):
        commit(number)
        note(number)
    assert sequence_all() == 6
    found = (
        list(HashChain.objects.values_list("chain_id", "subject_ref")),
        list(AuditLog.objects.values_list("log_id", "entity_id")),
        LogOutbox.objects.count(),
    )
    assert found == ([(0, ref(3)), (1, ref(1)), (2, ref(2))], [(0, "3"), (1, "1"), (2, "2")], 0)


@pytest.mark.django_db
def test_the_second_implementation_reads_both_logs(settings):
    fill(3)
    lies = (
        independent.first_public_lie(settings.ENIGMA_ORIGIN, public_rows()),
        independent.first_audit_lie(settings.ENIGMA_ORIGIN, audit_rows()),
    )
    assert (lies, len(public_rows()), len(audit_rows())) == ((None, None), 5, 5)


@pytest.mark.django_db
def test_the_copies_of_an_entry_are_its_columns():
    note(1, line=4, nested={"a": [1, None]})
    sequence()
    entry = AuditLog.objects.get()
    found = (entry.actor_type, entry.actor_id, entry.role, entry.session_id, entry.action, entry.entity_type)
    assert found == ("staff", "user:7", "admin", "s-1", "application.import", "application")
    assert (entry.entity_id, entry.outcome, entry.details) == ("1", "ok", {"line": 4, "nested": {"a": [1, None]}})


@pytest.mark.django_db
def test_the_head_names_both_ends(settings):
    fill(2)
    head, last, last_audit = LogHead.objects.get(), HashChain.objects.last(), AuditLog.objects.last()
    assert (head.origin, head.size, head.audit_size) == (settings.ENIGMA_ORIGIN, 4, 4)
    assert (bytes(head.chain_hash), bytes(head.audit_hash)) == (
        bytes(last.data_hash),
        bytes(last_audit.current_hash),
    )


@pytest.mark.django_db
def test_one_call_moves_no_more_than_its_limit():
    for number in range(5):
        commit(number)
    assert [sequence(2), sequence(2), sequence(2), sequence(2)] == [2, 2, 1, 0]


@pytest.mark.django_db
def test_everything_is_moved_chunk_by_chunk(monkeypatch):
    monkeypatch.setattr(sequencer, "CHUNK", 4)
    commit_many("decision", cycle_ref=CYCLE, rows=((ref(n), SALT, {"n": n}) for n in range(8)))
    assert (sequence_all(), HashChain.objects.count(), verify().ok) == (8, 8, True)


@pytest.mark.django_db
def test_an_empty_outbox_begins_no_log():
    assert (sequence_all(), LogHead.objects.exists()) == (0, False)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["cycle.open", "freeze", "selection", "publish", "complete"])
def test_a_milestone_anchors_the_internal_log_in_the_public_one(kind):
    note(1)
    commit(1, kind)
    sequence()
    tip = AuditLog.objects.get(log_id=0)
    opening = AuditLog.objects.get(log_id=1)
    details = {"audit_hash": bytes(tip.current_hash).hex(), "audit_size": 1}
    leaf = HashChain.objects.get(chain_id=1)
    digest = independent.commit("audit.anchor", bytes(32), details).hex()
    assert (opening.action, opening.entity_id, opening.details) == ("audit.anchor", "1", details)
    assert (leaf.decision_type, leaf.subject_ref, leaf.data_json[11:75]) == ("audit.anchor", "0" * 32, digest)


@pytest.mark.django_db
def test_other_kinds_anchor_nothing():
    commit(1, "submission")
    commit(1, "decision")
    sequence()
    assert list(HashChain.objects.values_list("decision_type", flat=True)) == ["submission", "decision"]


@pytest.mark.django_db
def test_time_never_runs_back(monkeypatch):
    commit(1)
    note(1)
    sequence()
    first = HashChain.objects.get().timestamp
    note(2)
    sql("UPDATE log_outbox SET created_at = '2001-01-01'")

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(days=1)

    monkeypatch.setattr(sequencer, "datetime", Yesterday)
    commit(2)
    sequence()
    times = [list(model.objects.values_list("timestamp", flat=True)) for model in (HashChain, AuditLog)]
    assert (times[0], times[1][0] <= times[1][1]) == ([first, first], True)


@pytest.mark.django_db
def test_an_act_keeps_its_own_time_when_the_sequencer_comes_late():
    note(1)
    sql("UPDATE log_outbox SET created_at = '2026-01-02T03:04:05.678912Z'")
    sequence()
    assert AuditLog.objects.get().timestamp == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.mark.django_db
def test_an_act_from_the_future_does_not_push_the_clock():
    note(1)
    sql("UPDATE log_outbox SET created_at = '2999-01-01'")
    sequence()
    assert AuditLog.objects.get().timestamp <= datetime.now(UTC)


@pytest.mark.django_db
def test_another_origin_is_refused_and_nothing_moves(settings):
    fill(1)
    settings.ENIGMA_ORIGIN = "elsewhere.example/enigma/1"
    commit(9)
    with pytest.raises(Refused, match="ENIGMA_ORIGIN says elsewhere"):
        sequence()
    assert (LogOutbox.objects.count(), HashChain.objects.count()) == (1, 3)


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["{}", "{", '{"a":1.5}', '{"details":1}'])
def test_a_row_that_the_writer_did_not_write_is_named(body):
    sql("INSERT INTO log_outbox (log, kind, body) VALUES ('audit', 'x', %s)", body)
    with pytest.raises(Malformed, match=r"log_outbox row \d+ was not written by audit.log"):
        sequence()


@pytest.mark.django_db
def test_an_interrupted_chunk_leaves_everything_waiting(monkeypatch):
    commit(1, "freeze")
    note(1)
    monkeypatch.setattr(sequencer, "_anchor_note", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sequence()
    assert (LogOutbox.objects.count(), HashChain.objects.count(), AuditLog.objects.count()) == (2, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_following_stops_when_told_and_outlives_a_lost_connection(monkeypatch, caplog):
    stop, answers = threading.Event(), [OperationalError("gone"), 3, None]

    def scripted():
        answer = answers.pop(0)
        if answer is None:
            stop.set()
        if isinstance(answer, Exception):
            raise answer

    with transaction.atomic():
        commit(1)
    monkeypatch.setattr(sequencer, "sequence_all", scripted)
    follow(stop, interval=0)
    assert (answers, "lost the database" in caplog.text) == ([], True)


def cut_off(session):
    """End the session of this thread from another one."""
    [pid] = connection.cursor().execute("SELECT pg_backend_pid()").fetchone()
    session.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["_head", "_entries", "_anchor_note"])
def test_a_session_that_ends_on_the_way_is_outlived_and_everything_arrives(monkeypatch, caplog, step):
    with transaction.atomic():
        commit(1, "freeze")
        note(1)
    original, stop, cuts = getattr(sequencer, step), threading.Event(), []

    def interrupted(*arguments, **named):
        if not cuts:
            cuts.append(step)
            cut_off(session)
        return original(*arguments, **named)

    monkeypatch.setattr(sequencer, step, interrupted)
    with another_session() as session:
        thread = threading.Thread(target=follow, args=(stop,), kwargs={"interval": 0.001})
        thread.start()
        until(lambda: not (thread.is_alive() and LogOutbox.objects.exists()))
        stop.set()
        thread.join()
    assert (cuts, LogOutbox.objects.count(), verify().ok) == ([step], 0, True)
    assert "lost the database" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_following_does_not_swallow_what_would_go_wrong_again():
    sql("INSERT INTO log_outbox (log, kind, body) VALUES ('audit', 'x', '{}')")
    with pytest.raises(Malformed, match=r"was not written by audit\.log"):
        follow(threading.Event())


def write(writer):
    """That many deeds in transactions of their own; every fifth is undone."""
    try:
        for deed in range(DEEDS):
            with transaction.atomic():
                number = writer * DEEDS + deed
                commit(number)
                record("deed", actor=OMAR, entity=("deed", str(number)))
                transaction.set_rollback(deed % 5 == 4)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_sixteen_writers_and_two_sequencers_lose_double_and_skip_nothing():
    stop = threading.Event()
    sequencers = [threading.Thread(target=follow, args=(stop,), kwargs={"interval": 0.001}) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in sequencers + writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        assert verify().fault is None
    stop.set()
    for thread in sequencers:
        thread.join()
    sequence_all()
    kept = {number for number in range(WRITERS * DEEDS) if number % DEEDS % 5 != 4}
    refs = list(HashChain.objects.values_list("subject_ref", flat=True))
    deeds = list(AuditLog.objects.values_list("entity_id", flat=True))
    assert (sorted(refs), sorted(map(int, deeds))) == (sorted(map(ref, kept)), sorted(kept))
    verdict = verify()
    assert (verdict.fault, verdict.public_size, verdict.pending) == (None, len(kept), 0)
