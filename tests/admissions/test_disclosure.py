"""What leaves the house: nothing before publication, everybody after it, in cells that no spreadsheet runs."""

import csv
import hashlib
import io
import json

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import operator
from accounts.roles import Role
from admissions.disclosure import COLUMNS, export_outcomes, export_ranking, inert
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import SelectionLog
from admissions.phases import Phase, PhaseError
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Denied
from enigma.keys import keyring
from tests.factories import amina, applicants, apply, cycle, damage, everything, lead, omar, score, statuses, taken_back

EMBARGO = [phase for phase in Phase if phase not in {Phase.PUBLISHED, Phase.COMPLETED}]


def published(rows, *, totals=None, seats=2):
    one = cycle(seats=seats)
    apply(one, rows)
    lead(one, "processing")
    score(one, totals or [90, 80, 70, 60][: len(rows)])
    one.mark_scored(actor=operator())
    return lead(one, "published")


def written(export, one, **options):
    stream = io.BytesIO()
    count = export(one, stream, **{"actor": operator(), **options})
    return count, stream.getvalue()


def rows_of(one):
    count, text = written(export_outcomes, one, format="jsonl")
    rows = [json.loads(line) for line in text.decode().splitlines()]
    assert count == len(rows)
    return rows


@pytest.mark.django_db
@pytest.mark.parametrize("phase", EMBARGO)
@pytest.mark.parametrize(("export", "options"), [(export_outcomes, {"format": "csv"}), (export_ranking, {})])
def test_before_publication_nothing_is_written_and_nothing_is_logged(phase, export, options):
    one = cycle()
    apply(one, applicants(2))
    lead(one, phase)
    before, stream = everything(), io.BytesIO()
    with pytest.raises(
        PhaseError, match=f"^The outcomes of fall-2026 are under embargo until publication; it is in {phase}"
    ):
        export(one, stream, actor=operator(), **options)
    assert (stream.getvalue(), everything()) == (b"", before)


@pytest.mark.django_db
def test_the_office_gets_one_row_an_applicant_best_first():
    one = published(applicants(3))
    rows = rows_of(one)
    assert [(row["outcome"], row["rank"], row["total"]) for row in rows] == [
        ("selected", 1, "90.0000"),
        ("selected", 2, "80.0000"),
        ("not_selected", 3, "70.0000"),
    ]
    assert {row["email"] for row in rows} == {person["email"] for person in applicants(3)}


@pytest.mark.django_db
def test_a_row_holds_the_person_as_they_wrote_it():
    one = published([amina(external_id="A-1")])
    [row] = rows_of(one)
    identity = {field: amina()[field] for field in ("name", "email", "phone", "address")}
    reference = Application.objects.get().reference
    outcome = {"outcome": "selected", "rank": 1, "total": "90.0000"}
    assert row == {"reference": reference, "external_id": "A-1", **identity, **outcome}


@pytest.mark.django_db
def test_the_csv_says_the_same_as_the_json_lines():
    one = published(applicants(3))
    count, text = written(export_outcomes, one, format="csv")
    header, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    assert (count, tuple(header)) == (3, COLUMNS)
    expected = [[inert(row[column]) for column in COLUMNS] for row in rows_of(one)]
    assert rows == expected


@pytest.mark.django_db
def test_a_formula_in_a_name_is_text_in_the_csv_and_itself_in_the_json_lines():
    one = published([amina(address='14 Canal View Road\n+line two, "quoted"')])
    formula = '=HYPERLINK("https://example.org","Amina")'
    rename(formula)
    _, text = written(export_outcomes, one, format="csv")
    [row] = csv.DictReader(io.StringIO(text.decode(), newline=""))
    assert (row["name"], row["phone"], row["address"]) == (
        f"'{formula}", "'+92 300 5550142", "14 Canal View Road\n'+line two, \"quoted\"",
    )  # fmt: skip
    assert rows_of(one)[0]["name"] == formula


def rename(name):
    """Give the only applicant a name that intake would not take."""
    record = IdentityMapping.objects.get()
    identity = {**record.identity(), "name": name}
    sealed = keyring().unwrap(record.wrapped_key).seal(identity, record=str(record.pk), kind=record.IDENTITY)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # an identity is written once
        cursor.execute("UPDATE identity_mapping SET sealed_identity = %s", [sealed])


@pytest.mark.parametrize("start", list("=+-@\t\r\n＝＋－＠"))
def test_a_cell_that_a_spreadsheet_might_run_begins_with_an_apostrophe(start):
    assert inert(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize(("cell", "text"), [(None, ""), (3, "3"), ("Amina", "Amina"), ("1-1", "1-1"), ("", "")])
def test_other_cells_are_left_alone(cell, text):
    assert inert(cell) == text


@given(st.text(max_size=20))
def test_no_cell_begins_as_a_formula_and_nothing_is_lost(text):
    assert not inert(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert inert(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Ann;=1+1", "Ann;'=1+1"),
        ("Ann\t @SUM(A1)", "Ann\t '@SUM(A1)"),
        ("Ann|-1|+1", "Ann|'-1|'+1"),
        ("Road\r\n=1", "Road\r\n'=1"),
        ('Ann;"=1+1;"', 'Ann;"\'=1+1;"'),
        (";＝1", ";'＝1"),
        ("Flat 2; Oak Street - East", "Flat 2; Oak Street - East"),
    ],
)
def test_a_part_of_a_cell_that_a_spreadsheet_might_split_off_and_run_is_text_too(cell, text):
    assert inert(cell) == text


@given(st.text(st.sampled_from("a;|\t\n\r \"'=+-@＝"), max_size=12), st.sampled_from(";\t|"))
def test_no_part_of_a_line_is_a_formula_wherever_it_is_split(cell, sign):
    line = io.StringIO(newline="")
    csv.writer(line).writerow(["first", inert(cell), "last"])
    parts = [part for row in csv.reader(io.StringIO(line.getvalue(), newline=""), delimiter=sign) for part in row]
    assert [part for part in parts if part.lstrip(' "').startswith(tuple("=+-@＝"))] == []


@pytest.mark.django_db
def test_the_withdrawn_and_the_unreadable_stand_in_the_list_too():
    one = cycle()
    apply(one, applicants(4))
    gone, broken, *_ = Application.objects.order_by("pk")
    taken_back(gone)
    damage(broken)
    lead(one, "preprocessing")
    Application.objects.filter(pk=broken.pk).update(
        set_aside_at=one.phase_since, set_aside_by="uid:0", set_aside_reason="does not open"
    )
    rows = rows_of(lead(one, "published"))
    assert len(rows) == sum(statuses(one).values()) == 4
    outcomes = {row["reference"]: (row["outcome"], row["rank"], row["total"], row["name"]) for row in rows}
    assert outcomes[gone.reference] == ("withdrawn", None, None, applicants(1)[0]["name"])
    assert outcomes[broken.reference] == ("not_assessed", None, None, None)


@pytest.mark.django_db
def test_exports_are_audited_before_the_first_line_is_written():
    one, officer = published(applicants(1)), omar()
    for export, options in [(export_outcomes, {"format": "csv"}), (export_ranking, {})]:
        with pytest.raises(BrokenPipeError):
            export(one, Broken(), actor=officer, **options)
    sequence_all()
    entries = AuditLog.objects.filter(action__endswith=".export", actor_id=officer.id).order_by("log_id")
    assert list(entries.values_list("action", "entity_id", "details")) == [
        ("outcomes.export", "fall-2026", {"format": "csv"}),
        ("ranking.export", "fall-2026", {}),
    ]


class Broken(io.BytesIO):
    """A pipe that nobody reads."""

    def write(self, line):
        raise BrokenPipeError


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.SERVICE])
def test_identities_are_for_officers_only(role):
    one = published(applicants(1))
    with pytest.raises(Denied, match=r"does not include outcomes\.export"):
        written(export_outcomes, one, format="csv", actor=omar(role))


@pytest.mark.django_db
def test_the_ranking_is_for_whoever_may_see_the_cycle():
    one = published(applicants(1))
    assert written(export_ranking, one, actor=omar(Role.AUDITOR))[0] == 1
    with pytest.raises(Denied, match=r"does not include cycle\.view"):
        written(export_ranking, one, actor=omar(Role.SERVICE, email="machine@example.org"))


@pytest.mark.django_db
def test_the_ranking_names_nobody_and_its_hash_stands_in_the_selection_log():
    one = published(applicants(4), totals=[50, 70, 50, 90])
    count, text = written(export_ranking, one)
    lines = [line.split(",") for line in text.decode().splitlines()]
    ranked = Application.objects.order_by("rank")
    assert count == 4
    assert lines == [
        [application.receipt_ref.hex, *[str(total * 10_000)] * 5]
        for application, total in zip(ranked, [90, 70, 50, 50], strict=True)
    ]
    assert hashlib.sha256(text).hexdigest() == SelectionLog.objects.get().ranking_sha256
