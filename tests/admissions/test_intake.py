"""Intake under strain: killed, doubled, raced by another import and by the freeze, and as long as you like."""

import io
import signal
import subprocess
import threading
import time
import tracemalloc
from contextlib import suppress

import psutil
import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actors import operator
from admissions import chunks, intake
from admissions.intake import Tally, import_applications
from admissions.models.applications import Application, IdentityMapping
from admissions.phases import PhaseError
from admissions.readers import Fault
from audit.models import HashChain
from audit.sequencer import sequence_all
from audit.verification import verify
from enigma.errors import Conflict
from tests.factories import amina, applicants, apply, cycle, jsonl
from tests.racing import another_session, sessions_of_others, together, until

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 2**20


def take(one, rows, **options):
    """Import rows; return how they were counted, and the lines that were rejected."""
    rejected = []
    tally = import_applications(
        jsonl(rows), one, format="jsonl", actor=operator(), on_rejected=rejected.append, **options
    )
    return tally, [reject.line for reject in rejected]


def content(one):
    """What a cycle holds, without what chance gave it."""
    rows = []
    for mapping in IdentityMapping.objects.filter(admission_cycle=one).select_related("application"):
        identity, application = mapping.identity(), mapping.application
        identity.pop("salt")
        merit = (str(application.gpa), application.test_scores, application.status, application.external_id)
        rows.append((identity["email"], identity, mapping.texts(), merit))
    return sorted(rows, key=lambda row: row[0])


def freeze(one):
    """Close the intake of a cycle as an officer would, with the log brought up to date."""
    sequence_all()
    return type(one).objects.get().freeze(actor=operator())


def raw_application(one):
    """An application as somebody would write it who goes past the program."""
    return (
        "INSERT INTO applications (admission_cycle_id, reference, receipt_ref, status, gpa, test_scores,"
        " submitted_at, created_at, set_aside_by, set_aside_reason)"
        f" VALUES ({one.pk}, left(gen_random_uuid()::text, 14), gen_random_uuid(), 'submitted', 3, '{{}}',"
        " now(), now(), '', '')"
    )


def test_a_killed_import_keeps_whole_chunks_and_the_next_run_takes_the_rest(manage, tmp_path):
    one, straight = cycle(), cycle("straight")
    rows = [row | {"external_id": f"A-{number}"} for number, row in enumerate(applicants(3000))]
    (tmp_path / "all.jsonl").write_bytes(jsonl(rows).read())
    process = manage("import_applications", "-", "--cycle", one.code, "--format", "jsonl", stdin=subprocess.PIPE)
    process.stdin.write(jsonl(rows[:2500]).read())
    process.stdin.flush()  # and never closed: the import waits for more
    until(lambda: Application.objects.of(one).count() == 2000)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()

    finished = manage("import_applications", str(tmp_path / "all.jsonl"), "--cycle", one.code)
    assert finished.communicate() == (
        b"fall-2026: imported 1000 of 3000 rows, 2000 were there, 0 rejected\n",
        b"",
    )
    apply(straight, rows)
    assert content(one) == content(straight)
    sequence_all()
    refs = [(ref.hex,) for ref in Application.objects.order_by("receipt_ref").values_list("receipt_ref", flat=True)]
    committed = HashChain.objects.filter(decision_type="submission").order_by("subject_ref")
    assert list(committed.values_list("subject_ref")) == refs
    assert verify().ok


def test_an_import_killed_wherever_it_may_be_can_be_run_again(manage, tmp_path):
    one = cycle()
    path = tmp_path / "all.jsonl"
    path.write_bytes(jsonl(applicants(4000)).read())
    for seen in (0, 1000):
        process = manage("import_applications", str(path), "--cycle", one.code)
        until(lambda seen=seen: Application.objects.count() > seen)
        time.sleep(0.05)  # some way into the next chunk
        process.kill()
        process.communicate()
        until(lambda: not sessions_of_others())
        assert Application.objects.count() in {1000, 2000, 3000}
        assert Application.objects.count() == IdentityMapping.objects.count()
    finished = manage("import_applications", str(path), "--cycle", one.code)
    finished.communicate()
    assert (finished.returncode, Application.objects.count()) == (0, 4000)
    assert len({row[0] for row in content(one)}) == 4000


@pytest.mark.parametrize("has_ids", [True, False])
@pytest.mark.parametrize("second", ["the same way", "the other way round"])
def test_two_imports_of_the_same_people_at_once_take_each_once(second, has_ids):
    one = cycle()
    rows = [row | ({"external_id": f"A-{number:04}"} if has_ids else {}) for number, row in enumerate(applicants(1500))]
    other = rows if second == "the same way" else rows[::-1]
    (first, no_rejects), (last, none_either) = together(lambda: take(one, rows), lambda: take(one, other))
    assert (no_rejects, none_either) == ([], [])
    assert first.imported + last.imported == 1500
    assert (first.unchanged + first.imported, last.unchanged + last.imported) == (1500, 1500)
    assert [row[0] for row in content(one)] == sorted(row["email"] for row in rows)


def test_two_imports_that_disagree_take_whoever_was_first_and_reject_the_other():
    one = cycle()
    rows, others = applicants(300), applicants(300, phone="0700 123 456")
    (first, rejected), (last, rejected_too) = together(lambda: take(one, rows), lambda: take(one, others))
    assert first.imported + last.imported == 300
    assert len(rejected) + len(rejected_too) == 300
    assert len(content(one)) == 300


def test_an_import_that_always_comes_second_gives_up_with_a_reason(monkeypatch):
    one = cycle()
    apply(one, applicants(1))
    monkeypatch.setattr(intake, "_sort_out", lambda cycle, candidates: intake._Sorted(fresh=candidates))
    with pytest.raises(Conflict, match=r"^Other imports into fall-2026 keep taking the same addresses; try again\.$"):
        take(one, applicants(1))
    assert Application.objects.count() == 1


def test_what_the_database_refuses_for_another_reason_is_not_tried_again(monkeypatch):
    one = cycle()
    monkeypatch.setattr(intake, "_hold_open", lambda cycle, before: None)
    apply(one, applicants(1))
    freeze(one)
    with pytest.raises(psycopg.errors.CheckViolation, match="cycle fall-2026 takes no more applications"):
        take(one, applicants(2))


def test_a_freeze_in_the_middle_lets_nobody_in_behind_it(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 50)
    one = cycle()
    frozen_at = []

    def freeze_after_three_chunks(tally):
        if tally.rows == 150:
            [facts] = together(lambda: freeze(one))
            frozen_at.append(facts["applications"])

    with pytest.raises(
        PhaseError,
        match=r"^fall-2026 takes no more applications: it is in frozen\. "
        r"The first 150 rows of the file were taken in before\.$",
    ):
        take(one, applicants(300), on_progress=freeze_after_three_chunks)
    assert (frozen_at, Application.objects.of(one).heads()) == ([150], {"finalized": 150})


def test_a_freeze_that_races_an_import_counts_everybody_who_got_in(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 20)
    one = cycle()
    apply(one, applicants(20))

    def freeze_as_soon_as_the_log_is_complete():
        while True:
            with suppress(PhaseError):
                return freeze(one)

    _, facts = together(lambda: take(one, applicants(1000)), freeze_as_soon_as_the_log_is_complete)
    assert Application.objects.of(one).heads() == {"finalized": facts["applications"]}


def test_the_database_refuses_an_application_after_the_freeze():
    one = cycle()
    apply(one, applicants(1))
    freeze(one)
    with (
        pytest.raises(IntegrityError, match="cycle fall-2026 takes no more applications"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(raw_application(one))
    assert Application.objects.count() == 1


def test_a_freeze_waits_for_an_application_that_is_being_written():
    one = cycle()
    apply(one, applicants(1))
    refused = []
    with another_session() as watch, another_session() as other, other.transaction():
        other.execute(raw_application(one))
        freezing = threading.Thread(target=lambda: refused.extend(together(lambda: freeze(one))))
        freezing.start()
        until(lambda: waits_for_a_lock(watch))
    freezing.join()
    # It was counted; and being written past the program, it is in no log.
    assert list(map(str, refused)) == ["2 applications of fall-2026 are stored, but the log holds 1 submissions."]


def test_an_application_that_waited_for_the_freeze_is_refused():
    one = cycle()
    apply(one, applicants(1))
    refused = []

    def apply_late():
        with another_session() as late, pytest.raises(psycopg.errors.CheckViolation) as refusal:
            late.execute(raw_application(one))
        refused.append(refusal.value.diag.message_primary)

    sequence_all()
    with transaction.atomic(), another_session() as watch:
        one.freeze(actor=operator())
        applying = threading.Thread(target=apply_late)
        applying.start()
        until(lambda: waits_for_a_lock(watch))
    applying.join()
    assert refused == ["cycle fall-2026 takes no more applications"]
    assert Application.objects.of(one).heads() == {"finalized": 1}


def waits_for_a_lock(other):
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return other.execute(waiting).fetchone()[0]


def peak_memory(process):
    """The most memory a process was seen with, in bytes; its end must be a good one."""
    # Not ru_maxrss: on Linux that of a child begins with what its parent held at the fork.
    watched, peak = psutil.Process(process.pid), 0
    with process:
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, watched.memory_info().rss)
            time.sleep(0.01)
    assert process.returncode == 0
    return peak


def test_the_memory_of_an_import_does_not_grow_with_the_file(manage, tmp_path):
    cycle()
    peaks = []
    for count in (2_000, 20_000):
        path = tmp_path / f"{count}.jsonl"
        path.write_bytes(jsonl(applicants(count, achievements="Chess. " * 100)).read())
        peaks.append(peak_memory(manage("import_applications", str(path), "--cycle", "fall-2026", stderr=None)))
    assert path.stat().st_size > 16 * MEGABYTE
    assert peaks[1] - peaks[0] < 8 * MEGABYTE
    assert Application.objects.count() == 20_000


def test_rows_that_are_rejected_leave_only_their_faults_in_memory():
    one = cycle()
    row = jsonl([amina(essay="x" * (2 * MEGABYTE - 500))]).read()
    rejected = []
    tracemalloc.start()
    try:
        stream = io.BufferedReader(Repeated(row, times=200))
        import_applications(stream, one, format="jsonl", actor=operator(), on_rejected=rejected.append)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    reason = "is too long: 2096652 characters, at most 20000 are accepted"
    assert [reject.faults for reject in rejected] == [[Fault("essay", reason)]] * 200
    assert peak < 64 * MEGABYTE


class Repeated(io.RawIOBase):
    """A file of one line, many times over, that nobody holds as a whole."""

    def __init__(self, line, *, times):
        self.line, self.left, self.rest = line, times, b""

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.rest and self.left:
            self.rest, self.left = self.line, self.left - 1
        piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_chunk_is_full_when_its_text_is_long(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1_000)
    one, seen = cycle(), []
    rows = [row | {"essay": "x" * 300, "achievements": "y"} for row in applicants(7)]
    rows[1] |= {"email": "nobody"}  # rejected: its text does not count
    take(one, rows, on_progress=lambda tally: seen.append((tally.rows, tally.imported)))
    assert seen == [(4, 3), (7, 6)]


def test_progress_is_told_after_each_chunk(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 2)
    seen = []
    tally, _ = take(cycle(), applicants(5), on_progress=lambda tally: seen.append(tally.imported))
    assert (seen, tally) == ([2, 4, 5], Tally(rows=5, imported=5, unchanged=0, rejected=0))


def test_a_stream_that_breaks_leaves_the_chunks_that_were_whole(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 2)

    class Breaking(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError("the network is gone")
            return super().read(size)

    stream = Breaking(jsonl(applicants(5)).read())
    with pytest.raises(OSError, match="the network is gone"):
        import_applications(stream, cycle(), format="jsonl", actor=operator(), on_rejected=lambda one: None)
    assert Application.objects.count() == 4
