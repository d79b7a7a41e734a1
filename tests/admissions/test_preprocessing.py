"""A person's texts become a blind copy: scrubbed, measured, shared among workers, refused when records were swapped."""

import csv
import hashlib
import threading

import pytest
from django.db import connection, transaction

from accounts.actors import operator
from admissions import preprocessing
from admissions.decisions import acknowledge_failure
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, DeterministicMetrics, text_reader
from admissions.models.cycles import AdmissionCycle
from admissions.phases import PhaseError
from admissions.preprocessing import preprocess_chunk, remaining, unfinished_cycles
from admissions.scrubbing import VERSION
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from tests.factories import amina, applicants, apply, cycle, lead, run, tables
from tests.racing import together

pytestmark = pytest.mark.django_db
racing = pytest.mark.django_db(transaction=True)

ESSAY = (
    "My name is Amina Qureshi-Holt. In 2023 I came 2nd of 61 in physics with a GPA of 3.8 and an SAT of 1450. "
    "Write to Amina.Qureshi@Example.org or call 0300-5550142; I live at 14 Canal View Road, Multan."
)


def waiting(rows, code="fall-2026", **rules):
    """A cycle whose applications wait for their blind copies."""
    one = cycle(code, **rules)
    apply(one, rows)
    lead(one, to="frozen")
    one.start_preprocessing(actor=operator())
    return one


def blind_texts(one):
    """What the evaluators of a cycle read."""
    read = text_reader(one)
    copies = AnonymizedApplication.objects.of(one)
    return [read(copy.pk, copy.sealed_texts) for copy in copies]


def swap(*columns):
    """Exchange columns of the first two identities, past the guard, as somebody with the database could."""
    pair = IdentityMapping.objects.order_by("pk").values_list("pk", *columns)[:2]
    (first, *ones), (second, *others) = pair
    assignments = ", ".join(f"{column} = %s" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for pk, values in ((first, others), (second, ones)):
            cursor.execute(f"UPDATE identity_mapping SET {assignments} WHERE application_id = %s", [*values, pk])
        cursor.execute("RESET session_replication_role")


def unreadable():
    """The reasons that the audit log gives, by receipt reference."""
    sequence_all()
    told = AuditLog.objects.filter(action="application.unreadable", outcome="failed", details__cycle="fall-2026")
    return {entity: details["reason"] for entity, details in told.values_list("entity_id", "details")}


def test_the_person_goes_out_of_the_text_and_the_merit_stays():
    one = waiting([amina(essay=ESSAY, achievements="Amina led 12 members.\nScored 1450.")])
    assert preprocess_chunk(one) == 1
    [texts] = blind_texts(one)
    for part in ("Amina", "Qureshi", "Holt", "example", "5550142", "Canal View", "Multan"):
        assert part not in texts.essay + texts.achievements
    for merit in ("2023", "2nd of 61 in physics", "GPA of 3.8", "SAT of 1450"):
        assert merit in texts.essay
    assert texts.achievements == "[NAME] led 12 members.\nScored 1450."


def test_a_blind_copy_holds_the_merit_and_the_hash_of_its_texts_and_leads_nowhere():
    one = waiting([amina()])
    preprocess_chunk(one)
    [copy], [texts] = AnonymizedApplication.objects.all(), blind_texts(one)
    digest = hashlib.sha256(f"{texts.essay}\0{texts.achievements}".encode()).digest()
    assert (str(copy.gpa), copy.test_scores, copy.scrubber) == ("3.8000", {"SAT": 1450}, VERSION)
    assert (bytes(copy.texts_sha256), copy.is_exported) == (digest, False)
    assert IdentityMapping.objects.get().anonymized_id == copy.pk
    assert Application.objects.of(one).heads() == {"batch_ready": 1}


def test_a_blind_text_moved_to_another_copy_does_not_open():
    one = waiting(applicants(2))
    preprocess_chunk(one)
    first, second = AnonymizedApplication.objects.all()
    with pytest.raises(Refused, match=f"^The blind copy {first.pk.hex} of fall-2026 does not open"):
        text_reader(one)(first.pk, second.sealed_texts)


@pytest.mark.parametrize(
    ("gpa", "scores", "expected"),
    [
        # the gpa is a share of 4; a test is a share of its own range; both weigh 0.30 to 0.25
        (4, {"SAT": 1600}, ("100.0000", "100.0000", "100.0000")),
        (0, {"ACT": 1}, ("0.0000", "0.0000", "0.0000")),
        (3.8, {"SAT": 1450}, ("95.0000", "87.5000", "91.5909")),
        (3.8, {"ACT": 32}, ("95.0000", "88.5714", "92.0779")),
        (3.8, {"SAT": 1450, "ACT": 32}, ("95.0000", "88.0357", "91.8344")),
        (2, {"SAT": 400, "ACT": 36}, ("50.0000", "50.0000", "50.0000")),
    ],
)
def test_each_test_is_normalised_by_its_own_range_before_it_meets_another(gpa, scores, expected):
    one = waiting([amina(gpa=gpa, test_scores=scores)])
    preprocess_chunk(one)
    metrics = DeterministicMetrics.objects.values_list("gpa_score", "test_score", "academic_score").get()
    assert tuple(map(str, metrics)) == expected


def test_the_percentile_ranks_are_those_of_the_cycle():
    scores = [{"SAT": 1600}, {"ACT": 36}, {"SAT": 1000}, {"ACT": 1}, {"SAT": 700}]
    rows = [row | {"test_scores": tests, "gpa": 3} for row, tests in zip(applicants(5), scores, strict=True)]
    other = waiting(applicants(1), code="other")
    preprocess_chunk(other)
    one = waiting(rows)
    preprocess_chunk(one)
    one.start_batch_prep(actor=operator())
    mine = DeterministicMetrics.objects.filter(anonymized__admission_cycle=one).order_by("-test_score")
    ranked = [tuple(map(str, row)) for row in mine.values_list("test_score", "test_percentile", "percentile_rank")]
    assert ranked == [
        ("100.0000", "75.0000", "75.0000"),
        ("100.0000", "75.0000", "75.0000"),
        ("50.0000", "50.0000", "50.0000"),
        ("25.0000", "25.0000", "25.0000"),
        ("0.0000", "0.0000", "0.0000"),
    ]


def test_a_chunk_is_no_larger_than_it_was_asked_to_be():
    one = waiting(applicants(5))
    assert [preprocess_chunk(one, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert (remaining(one), AnonymizedApplication.objects.count()) == (0, 5)


def test_only_cycles_with_work_left_are_unfinished():
    one, done = waiting(applicants(1)), waiting(applicants(1), code="done")
    cycle("open")
    preprocess_chunk(done)
    assert list(unfinished_cycles()) == [one]


@pytest.mark.parametrize(
    "columns",
    [
        ("wrapped_key", "key_id", "sealed_identity", "sealed_texts"),
        ("sealed_identity",),
        ("sealed_texts",),
        ("wrapped_key", "sealed_texts"),
        ("wrapped_key",),
    ],
)
def test_swapped_records_are_both_failed_and_audited_and_the_others_go_on(columns):
    one = waiting(applicants(5))
    swap(*columns)
    assert preprocess_chunk(one) == 5
    swapped = Application.objects.of(one).order_by("pk")[:2]
    assert [application.status for application in swapped] == ["failed", "failed"]
    assert Application.objects.of(one).heads() == {"batch_ready": 3, "failed": 2}
    assert AnonymizedApplication.objects.count() == 3
    sequence_all()
    assert unreadable() == {one.receipt_ref.hex: "not_opened" for one in swapped}


@pytest.mark.parametrize(
    "merit",
    [
        {"test_scores": {"LSAT": 160}},  # a test that the rules do not accept
        {"test_scores": {"SAT": 1601}},
        {"test_scores": {"SAT": 399}},
        {"test_scores": {"SAT": "high"}},
        {"test_scores": []},
        {"gpa": "4.0001"},
    ],
)
def test_who_does_not_fit_the_rules_fails_and_the_others_go_on(merit):
    one = waiting(applicants(4))
    misfit = Application.objects.order_by("pk")[1]
    Application.objects.filter(pk=misfit.pk).update(**merit)
    assert (preprocess_chunk(one), Application.objects.of(one).heads()) == (4, {"batch_ready": 3, "failed": 1})
    assert unreadable() == {misfit.receipt_ref.hex: "not_measured"}


def test_a_text_that_the_scrubber_fails_on_fails_alone_and_is_not_quoted(monkeypatch, caplog):
    one = waiting(applicants(3))
    scrub = preprocessing.scrub

    def picky(text, person):
        if "number 1." in text:
            raise ValueError(text)
        return scrub(text, person)

    monkeypatch.setattr(preprocessing, "scrub", picky)
    preprocess_chunk(one)
    second = Application.objects.order_by("pk")[1]
    assert (Application.objects.of(one).heads(), unreadable()) == (
        {"batch_ready": 2, "failed": 1},
        {second.receipt_ref.hex: "not_scrubbed"},
    )
    assert [(record.getMessage(), record.exc_info) for record in caplog.records if record.levelname == "ERROR"] == [
        (f"application {second.pk} is marked failed: not_scrubbed (ValueError)", None)
    ]


def test_an_application_without_an_identity_fails_and_can_be_set_aside():
    one = waiting(applicants(3))
    first = Application.objects.order_by("pk").first()
    IdentityMapping.objects.filter(pk=first.pk).delete()
    assert (preprocess_chunk(one), remaining(one)) == (3, 0)
    assert unreadable() == {first.receipt_ref.hex: "no_identity"}
    acknowledge_failure(one, first.reference, reason="its identity is gone", actor=operator())
    assert one.start_batch_prep(actor=operator())["blind_copies"] == 2


def test_a_failure_tells_no_personal_data(caplog):
    one = waiting(applicants(2))
    swap("wrapped_key", "sealed_identity")
    preprocess_chunk(one)
    pks = Application.objects.values_list("pk", flat=True)
    assert {record.getMessage() for record in caplog.records if record.levelname == "ERROR"} == {
        f"application {pk} is marked failed: not_opened (UnreadableRecord)" for pk in pks
    }


def test_the_cycle_goes_on_only_when_a_person_has_set_the_failures_aside():
    one = waiting(applicants(4))
    swap("wrapped_key", "key_id", "sealed_identity", "sealed_texts")
    preprocess_chunk(one)
    for reference in Application.objects.filter(status="failed").values_list("reference", flat=True):
        with pytest.raises(PhaseError, match="could not be read; set them aside or restore them"):
            one.start_batch_prep(actor=operator())
        acknowledge_failure(one, reference, reason="swapped in the database", actor=operator())
    assert one.start_batch_prep(actor=operator())["blind_copies"] == 2


def test_swapped_records_keep_nobody_else_from_the_outcome(tmp_path, mailoutbox):
    one = waiting(applicants(4))
    swap("wrapped_key", "key_id", "sealed_identity", "sealed_texts")
    preprocess_chunk(one)
    for reference in Application.objects.filter(status="failed").values_list("reference", flat=True):
        acknowledge_failure(one, reference, reason="swapped in the database", actor=operator())
    lead(one, to="selection")
    assert run("advance", one.code, "publish_results", "--wait")[0] == 1
    assert sorted(message.to[0] for message in mailoutbox) == ["amina2@example.org", "amina3@example.org"]
    code, *_ = run("export_outcomes", one.code, "--output", str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as stream:
        told = sorted((row["email"], row["outcome"]) for row in csv.DictReader(stream))
    assert (code, told) == (
        0,
        [
            ("", "not_assessed"),
            ("", "not_assessed"),
            ("amina2@example.org", "selected"),
            ("amina3@example.org", "selected"),
        ],
    )


def test_without_the_key_of_the_cycle_nothing_is_touched(settings):
    one = waiting(applicants(2))
    before = tables("applications", "anonymized_applications", "log_outbox")
    settings.ENIGMA_FERNET_KEYS = ["bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM="]
    with pytest.raises(UnreadableRecord, match="no master key opens this data key"):
        preprocess_chunk(one)
    assert tables("applications", "anonymized_applications", "log_outbox") == before


def test_an_error_in_a_chunk_undoes_the_chunk(monkeypatch):
    one = waiting(applicants(3))

    def fail(*arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(preprocessing, "_mark_failed", fail)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        preprocess_chunk(one)
    assert (remaining(one), AnonymizedApplication.objects.count()) == (3, 0)


def test_the_place_in_the_table_tells_nothing_about_the_order_of_submission():
    one = waiting(applicants(30))
    preprocess_chunk(one)
    with connection.cursor() as cursor:
        cursor.execute("SELECT anonymized_id FROM anonymized_applications ORDER BY ctid")
        stored = [pk for (pk,) in cursor.fetchall()]
    assert stored == sorted(stored)
    by_submission = IdentityMapping.objects.order_by("application_id").values_list("anonymized_id", flat=True)
    assert stored != list(by_submission)


def test_who_was_submitted_together_is_not_scrubbed_together():
    one = waiting(applicants(30))
    by_reference = list(Application.objects.of(one).order_by("reference").values_list("pk", flat=True))
    done = []
    while preprocess_chunk(one, limit=7):
        done.append(set(Application.objects.of(one).filter(status="batch_ready").values_list("pk", flat=True)))
    assert done == [set(by_reference[:end]) for end in (7, 14, 21, 28, 30)]


def test_a_chunk_is_read_from_the_index_of_those_who_wait_and_nobody_is_sorted():
    one = waiting(applicants(3))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(preprocessing._BY_INDEX)
        cursor.execute(f"EXPLAIN {preprocessing._CLAIM}", [one.pk, 500])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using application_to_scrub" in plan
    assert "Sort" not in plan


@racing
def test_two_workers_share_the_chunks_and_do_none_twice():
    one = waiting(applicants(120))

    def work():
        mine = AdmissionCycle.objects.get(pk=one.pk)
        taken = []
        while count := preprocess_chunk(mine, limit=10):
            taken.append(count)
        return taken

    first, second = together(work, work)
    assert sum(first) + sum(second) == 120
    assert first
    assert second
    assert Application.objects.of(one).heads() == {"batch_ready": 120}
    links = IdentityMapping.objects.values_list("anonymized_id", flat=True)
    copies = AnonymizedApplication.objects.values_list("pk", flat=True)
    assert sorted(links) == sorted(copies)
    assert len(set(links)) == DeterministicMetrics.objects.count() == 120


@racing
def test_what_one_worker_holds_another_leaves_alone(monkeypatch):
    one = waiting(applicants(6))
    holding, go_on = threading.Event(), threading.Event()
    store = preprocessing._store

    def slow_store(cycle, copies):
        if threading.current_thread() is not threading.main_thread():
            holding.set()
            go_on.wait()
        store(cycle, copies)

    monkeypatch.setattr(preprocessing, "_store", slow_store)
    slow = threading.Thread(target=lambda: together(lambda: preprocess_chunk(one, limit=4)))
    slow.start()
    holding.wait()
    assert [preprocess_chunk(one, limit=4), preprocess_chunk(one, limit=4)] == [2, 0]
    go_on.set()
    slow.join()
    assert Application.objects.of(one).heads() == {"batch_ready": 6}
