"""The command that takes applications in: every fault is named, good rows land, and nothing lands twice."""

import csv
import hashlib
import io
import json
import stat

import pytest

from accounts.roles import Role
from admissions.models.applications import Application, IdentityMapping
from audit.models import AuditLog, LogOutbox
from audit.sequencer import sequence_all
from tests.factories import amina, applicants, cycle, jsonl, lead, omar, run, tables

pytestmark = pytest.mark.django_db

KEPT = ("applications", "identity_mapping", "log_outbox", "hash_chain", "audit_logs", "log_head")
V1_HEADER = "application_id,timestamp,name,email,phone,address,gpa,test_scores_json,essay,achievements,status\r\n"

# What is wrong with a row of the file, the field that is named, and the reason.
FAULTS = [
    ({"name": ""}, "name", "is required"),
    ({"email": "amina"}, "email", "is not an e-mail address"),
    ({"phone": "twelve"}, "phone", "must be 5 to 20 digits, with spaces, + ( ) - . / and an extension at most"),
    ({"address": "=HYPERLINK(1)"}, "address", "looks like a spreadsheet formula"),
    ({"gpa": "4.1"}, "gpa", "is outside its range: 4.1, accepted are 0 to 4.0000"),
    ({"gpa": "NaN"}, "gpa", "is not a finite number"),
    ({"gpa": "3,8"}, "gpa", "uses a comma; write a decimal point"),
    ({"test_scores": '{"SAT": 399}'}, "test_scores", "SAT is outside its range: 399, accepted are 400 to 1600"),
    ({"test_scores": '{"SAT": NaN}'}, "test_scores", "SAT is not a finite number"),
    (
        {"test_scores": '{"GRE": 300}'},
        "test_scores",
        "unknown test: 'GRE'; this cycle accepts ACT, SAT",
    ),
    ({"test_scores": "1450"}, "test_scores", 'must be a JSON object such as {"SAT": 1200}'),
    ({"essay": ""}, "essay", "is required"),
    ({"essay": "x" * 301}, "essay", "is too long: 301 characters, at most 300 are accepted"),
    ({"essay": "nul \0 here"}, "essay", "holds a NUL character"),
    ({"achievements": "y" * 201}, "achievements", "is too long: 201 characters, at most 200 are accepted"),
    ({"external_id": "a b"}, "external_id", "may hold only 1 to 64 of the characters A-Z a-z 0-9 _ . : -"),
    ({"timestamp": "yesterday"}, "timestamp", "is not a date and time such as 2026-01-31T12:00:00Z"),
]


@pytest.fixture
def one():
    return cycle(essay_max=300, achievements_max=200)


@pytest.fixture
def file(tmp_path):
    """Writes a file and gives its path."""

    def write(content, name="applications.jsonl"):
        path = tmp_path / name
        path.write_bytes(content.read() if isinstance(content, io.BytesIO) else content)
        return str(path)

    return write


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=[*amina(), "external_id", "timestamp"])
    writer.writeheader()
    for row in rows:
        scores = row["test_scores"]
        writer.writerow({**row, "test_scores": scores if isinstance(scores, str) else json.dumps(scores)})
    return text.getvalue().encode()


def people(one):
    """Who stands in a cycle, opened."""
    mappings = IdentityMapping.objects.filter(admission_cycle=one).order_by("application_id")
    return [mapping.identity()["name"] for mapping in mappings]


def load(*arguments):
    return run("import_applications", *arguments, "--cycle", "fall-2026")


@pytest.mark.parametrize("write", [as_csv, jsonl])
def test_a_file_of_good_rows_is_taken_in_either_format(one, file, write):
    rows = applicants(3)
    name = "applications.csv" if write is as_csv else "applications.jsonl"
    assert load(file(write(rows), name)) == (0, "fall-2026: imported 3 of 3 rows, 0 were there, 0 rejected\n", "")
    assert people(one) == [row["name"] for row in rows]


def test_a_row_is_stored_as_it_was_sent(one, file):
    row = amina(external_id="A-7", timestamp="2026-01-31T12:00:00+02:00")
    load(file(jsonl([row])))
    application = Application.objects.get()
    mapping = IdentityMapping.objects.get(pk=application.pk)
    identity = mapping.identity()
    assert len(bytes.fromhex(identity.pop("salt"))) == 32
    assert identity == {field: row[field] for field in ("name", "email", "phone", "address")}
    assert mapping.texts() == {field: row[field] for field in ("essay", "achievements")}
    stored = (str(application.gpa), application.test_scores, application.external_id, application.status)
    assert stored == ("3.8000", {"SAT": 1450}, "A-7", "submitted")
    assert application.submitted_at.isoformat() == "2026-01-31T10:00:00+00:00"


def test_the_same_row_in_csv_and_in_jsonl_is_one_application(one, file):
    load(file(jsonl(applicants(2))))
    assert load(file(as_csv(applicants(2)), "applications.csv")) == (
        0,
        "fall-2026: imported 0 of 2 rows, 2 were there, 0 rejected\n",
        "",
    )


def test_the_files_of_1_x_are_taken_as_they_are(one, file):
    rows = (
        'APP_1,2025-11-04T12:16:22,Amina Q,amina@mail.example,0700 123 456,"12 Oak St, Leeds",3.5,'
        '"{""SAT"": 1450, ""ACT"": 31.5}","Two\nlines",,submitted\r\n'
        'APP_2,2025-11-05T08:00:00,Omar,omar@mail.example,,,4,"{""ACT"": 20}",One,Chess,approved\r\n'
    )
    code, _, err = load(file((V1_HEADER + rows).encode(), "v1.csv"))
    assert (code, err) == (1, "line 4, row 2: status: must be 'submitted'\n1 rows were rejected.\n")
    application = Application.objects.get()
    assert (application.external_id, application.test_scores) == ("APP_1", {"SAT": 1450, "ACT": 31.5})
    assert application.submitted_at.isoformat() == "2025-11-04T12:16:22+00:00"


@pytest.mark.parametrize("write", [as_csv, jsonl])
def test_every_fault_is_named_with_line_field_and_reason_and_good_rows_land(one, file, write):
    good = applicants(len(FAULTS) + 1)
    bad = [{**row, **changes} for row, (changes, *_) in zip(applicants(len(FAULTS)), FAULTS, strict=True)]
    rows = [row for pair in zip(good, bad, strict=False) for row in pair] + good[-1:]
    header = 1 if write is as_csv else 0
    path = file(write([{**row, "achievements": row["achievements"].replace("\n", " ")} for row in rows]), "x")
    code, out, err = load(path, "--format", "csv" if header else "jsonl")
    told = [
        f"line {2 * number + header}, row {2 * number}: {field}: {reason}"
        for number, (_, field, reason) in enumerate(FAULTS, start=1)
    ]
    assert err.splitlines() == [*told, f"{len(FAULTS)} rows were rejected."]
    assert (code, out) == (
        1,
        f"fall-2026: imported {len(good)} of {len(rows)} rows, 0 were there, {len(FAULTS)} rejected\n",
    )
    assert people(one) == [row["name"] for row in good]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b'{"name": "Amina"', "row", "the line is not valid JSON at character 18"),
        (b'["name"]', "row", "the line must be one JSON object"),
        (b'{"name": "Am\xff"}', "name", "holds bytes that are not UTF-8"),
        (b'{"status": "x"}', "row", "unknown key: 'status'"),
        (b'{"name": "A", "name": "B"}', "name", "is given twice"),
        (b'{"gpa": NaN}', "gpa", "is not a finite number"),
        (b'{"gpa": "1e999999999999999999999"}', "gpa", "uses an exponent; write plain digits"),
        (b'{"essay": "\\u0000"}', "essay", "holds a NUL character"),
        (b'{"essay": "\\ud800"}', "essay", "holds half a character (a lone surrogate)"),
        (b'{"name": "=1+1"}', "name", "looks like a spreadsheet formula"),
        (b'{"test_scores": {"SAT": true}}', "test_scores", "SAT must be a number"),
    ],
)
def test_a_damaged_line_costs_itself_alone(one, file, line, field, reason):
    good = jsonl(applicants(2)).read().splitlines(keepends=True)
    code, _, err = load(file(good[0] + line + b"\n" + good[1]))
    assert (code, people(one)) == (1, [row["name"] for row in applicants(2)])
    assert f"line 2, row 2: {field}: {reason}" in err.splitlines()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: the file is empty"),
        (b"name,e-mail\nAmina,amina@mail.example\n", "line 1: unknown column: 'e-mail'; missing column: 'email', "),
        (V1_HEADER.encode().replace(b"status", b"state"), "line 1: unknown column: 'state'; missing column: 'stat"),
        ("name,email".encode("utf-16"), "line 1: the file is UTF-16; save it as UTF-8"),
    ],
)
def test_a_file_that_is_not_one_of_applications_is_refused_whole(one, file, content, reason):
    before = tables(*KEPT)
    code, out, err = load(file(content, "applications.csv"))
    assert (code, out, err.startswith(reason)) == (2, "", True), err
    assert tables(*KEPT) == before


def test_bytes_that_are_not_utf_8_are_named_in_a_csv_file_too(one, file):
    content = as_csv(applicants(2)).replace(b"Amina Qureshiaa", b"Amina Q\xfcreshiaa")
    code, _, err = load(file(content, "applications.csv"))
    assert (code, err.splitlines()[0]) == (1, "line 2, row 1: name: holds bytes that are not UTF-8")


def test_the_rejects_file_holds_one_line_for_each_rejected_row(one, file, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    load(file(jsonl([amina(name="", gpa=5), amina()])), "--rejects", str(rejects))
    assert [json.loads(line) for line in rejects.read_text().splitlines()] == [
        {
            "line": 1,
            "row": 1,
            "faults": [
                {"field": "name", "reason": "is required"},
                {"field": "gpa", "reason": "is outside its range: 5, accepted are 0 to 4.0000"},
            ],
        }
    ]
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_a_rejects_file_that_is_there_is_not_replaced_and_nothing_is_taken(one, file, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    rejects.write_text("kept")
    path = file(jsonl([amina()]))
    assert load(path, "--rejects", str(rejects))[0] == 2
    assert (rejects.read_text(), Application.objects.count()) == ("kept", 0)
    assert load(path, "--rejects", str(rejects), "--force")[0] == 0
    assert (rejects.read_text(), Application.objects.count()) == ("", 1)


def test_the_summary_is_json_when_asked_for(one, file):
    code, out, _ = load(file(jsonl([*applicants(2), amina(gpa=9), applicants(1)[0]])), "--json")
    assert (code, json.loads(out)) == (
        1,
        {"cycle": "fall-2026", "dry_run": False, "rows": 4, "imported": 2, "unchanged": 1, "rejected": 1},
    )


def test_the_same_file_again_changes_nothing_but_the_audit_log(one, file):
    path = file(jsonl(applicants(5)))
    load(path)
    sequence_all()
    before = tables("applications", "identity_mapping", "hash_chain")
    assert load(path) == (0, "fall-2026: imported 0 of 5 rows, 5 were there, 0 rejected\n", "")
    noted = [(row.log, row.kind) for row in LogOutbox.objects.all()]
    sequence_all()
    assert tables("applications", "identity_mapping", "hash_chain") == before
    assert noted == [("audit", "applications.import_file")]


@pytest.mark.parametrize("email", ["amina.qureshi@example.org", "AMINA.Qureshi@Example.ORG"])
def test_an_address_twice_is_refused_whatever_its_case(one, file, email):
    load(file(jsonl([amina()])))
    code, _, err = load(file(jsonl([amina(email=email, gpa=2)])))
    assert (code, Application.objects.count()) == (1, 1)
    assert err.splitlines()[0] == "line 1, row 1: email: this address already has an application in this cycle"


def test_an_address_twice_in_one_file_is_refused_the_second_time(one, file):
    code, _, err = load(file(jsonl([amina(), amina(), amina(email="Amina.Qureshi@example.org")])))
    assert err.splitlines() == [
        "line 3, row 3: email: this address already has an application in this cycle",
        "1 rows were rejected.",
    ]
    assert (code, Application.objects.count()) == (1, 1)


def test_an_address_may_apply_to_another_cycle(one, file):
    cycle("spring-2027")
    path = file(jsonl([amina()]))
    load(path)
    assert run("import_applications", path, "--cycle", "spring-2027")[0] == 0
    assert Application.objects.count() == 2


@pytest.mark.parametrize("files", [1, 2])
def test_an_external_id_twice_is_refused_in_one_file_and_across_files(one, file, files):
    first, second = (row | {"external_id": "A-1"} for row in applicants(2))
    for rows in [[first, second]] if files == 1 else [[first], [second]]:
        code, _, err = load(file(jsonl(rows)))
    line = 2 if files == 1 else 1
    assert err.splitlines()[0] == (
        f"line {line}, row {line}: external_id: another application of this cycle has this id"
    )
    assert (code, people(one)) == (1, [first["name"]])


def test_a_dry_run_tells_everything_and_keeps_nothing(one, file):
    load(file(jsonl(applicants(1))))
    before = tables(*KEPT)
    code, out, err = load(file(jsonl([*applicants(3), amina(gpa=7)])), "--dry-run")
    assert (code, out) == (1, "fall-2026: would import 2 of 4 rows, 1 were there, 1 rejected\n")
    assert err.startswith("line 4, row 4: gpa: is outside its range: 7")
    assert tables(*KEPT) == before


def test_an_import_is_audited_by_count_and_by_the_hash_of_the_file(one, file):
    content = jsonl([*applicants(2), amina(gpa=9)]).read()
    load(file(content))
    sequence_all()
    entries = dict(AuditLog.objects.values_list("action", "details"))
    assert entries["applications.import"] == {"imported": 2, "lines": "1-3"}
    assert entries["applications.import_file"] == {
        "imported": 2,
        "rejected": 1,
        "rows": 3,
        "sha256": hashlib.sha256(content).hexdigest(),
        "unchanged": 0,
    }


def test_every_application_is_committed_to_the_public_log(one, file):
    load(file(jsonl(applicants(3))))
    committed = LogOutbox.objects.filter(kind="submission").values_list("cycle_ref", "subject_ref")
    expected = {(one.ref.hex, ref.hex) for ref in Application.objects.values_list("receipt_ref", flat=True)}
    assert set(committed) == expected


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.SERVICE])
def test_a_role_without_the_permission_imports_nothing(one, file, role):
    omar(role)
    before = tables(*KEPT)
    code, out, err = load(file(jsonl([amina()])), "--actor", "omar@example.org")
    assert (code, out) == (3, "")
    assert err == f"The role {role} does not include applications.import.\n"
    assert tables(*KEPT) == before


def test_an_officer_imports_under_an_opaque_name(one, file):
    actor = omar(Role.ADMIN)
    sequence_all()
    assert load(file(jsonl([amina()])), "--actor", "omar@example.org")[0] == 0
    assert {json.loads(row.body)["actor_id"] for row in LogOutbox.objects.exclude(body="")} == {actor.id}


def test_a_stranger_imports_nothing(one, file):
    code, _, err = load(file(jsonl([amina()])), "--actor", "sam@example.org")
    assert (code, err) == (3, "There is no active member of staff with this address.\n")


def test_a_cycle_that_is_not_there_is_told_with_those_that_are(one, file):
    code, _, err = run("import_applications", file(jsonl([amina()])), "--cycle", "fall-2062")
    assert (code, err) == (2, "There is no cycle 'fall-2062'. There are: fall-2026.\n")


def test_a_file_that_is_not_there_is_told(one):
    code, _, err = load("/no/such/file.csv")
    assert (code, err) == (2, "/no/such/file.csv cannot be read: No such file or directory.\n")


@pytest.mark.parametrize("content", [jsonl([amina()]).read(), as_csv([])], ids=["a row", "no row"])
def test_a_frozen_cycle_takes_nothing(one, file, content):
    load(file(jsonl(applicants(1))))
    lead(one, to="frozen")
    before = tables(*KEPT)
    code, out, err = load(file(content, "x"), "--format", "csv" if content.startswith(b"name") else "jsonl")
    assert (code, out, err) == (3, "", "fall-2026 takes no more applications: it is in frozen.\n")
    assert tables(*KEPT) == before


def test_the_format_is_known_by_the_name_of_the_file(one, file):
    for name, content in [("a.csv", as_csv(applicants(1))), ("b.jsonl", jsonl(applicants(1)).read())]:
        assert load(file(content, name))[0] == 0
    assert load(file(jsonl(applicants(1)), "c.ndjson"))[0] == 0
