"""Where the people of a cycle can be found: in their letters and in the office's list, and nowhere else.

Two hundred applicants carry words that occur nowhere else; whoever finds one has found a person.
"""

import base64
import hashlib
import itertools
import json
import logging
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from admissions import intake
from admissions.models.applications import Application
from batches.export import export_batch
from batches.ingest import import_file
from batches.models import EvaluationRequest, JudgeResult, WorkerResult
from batches.rounds import answer_round
from tests.conftest import database_url
from tests.factories import amina, applicants, apply, cycle, folder_of, jsonl, lead, run

APPLICANTS = 200
PEOPLE_TABLES = re.compile(r"\b(identity_mapping|applications|letters)\b")


def code(number):
    """Four letters for each number, so that no canary is part of another or of a word."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(4)) + "q"


def canary(number):
    """An application whose every identifying word is unique."""
    mark = code(number)
    first, last = f"Zorvex{mark}", f"Quillmar{mark}"
    email, phone = f"wren.{mark}@canary.example", f"+44 7700 {900000 + number}"
    street, town = f"Thistlemoor{mark} Road", f"Ambervale{mark}"
    essay = (
        f"My name is {first} {last}, and {first}'s project lanternfish{mark} won in 2023. I scored 1450.\n"
        f"Write to {email.upper()} or {email}, call {phone} or {phone.replace(' ', '')}. "
        f"I grew up at {number + 1} {street}, {town}.\n\n{last.upper()}, {first}"
    )
    return amina(
        name=f"{first} {last}",
        email=email,
        phone=phone,
        address=f"{number + 1} {street}, {town}",
        gpa=(200 + number) / 100,
        test_scores={"SAT": 400 + 6 * number % 1200},
        essay=essay,
        achievements=f"{first} led 12 members.\n{email}",
    )


def words_of(row):
    """The words that name one applicant, in the spellings in which they could stand somewhere."""
    first, last = row["name"].split()
    street, town = re.findall(r"(Thistlemoor\w+) Road, (\w+)", row["address"])[0]
    email = row["email"].encode()
    return {
        *(first, last, row["email"], row["email"].partition("@")[0], street, town),
        *(row["phone"], row["phone"].replace(" ", ""), row["phone"][4:].replace(" ", "")),
        *(email.hex(), base64.b64encode(email).decode().rstrip("="), hashlib.sha256(email).hexdigest()),
    }


def found(words, haystack):
    """Which of the words stand in a text, whatever their case."""
    folded = haystack.casefold()
    return sorted(word for word in words if word.casefold() in folded)


def all_words(rows):
    return set().union(*(words_of(row) for row in rows))


def dump():
    """The whole database as text, by pg_dump."""
    program = shutil.which("pg_dump", path=os.environ.get("ENIGMA_PG_BIN", os.environ["PATH"]))
    if program is None:
        pytest.skip("pg_dump is not here")
    return subprocess.run([program, database_url()], capture_output=True, check=True, text=True).stdout


@contextmanager
def server_log():
    """Yield a function that gives what PostgreSQL has logged since; nothing where its log cannot be read."""
    path = Path(os.environ.get("ENIGMA_PG_LOG", os.devnull))
    before = path.stat().st_size
    yield lambda: path.read_bytes()[before:].decode(errors="replace")


def typed(*arguments, expected=0):
    """Type a command that must end so; return all that it wrote."""
    ended, out, err = run(*arguments)
    assert ended == expected, err
    return out + err


def evaluate(folder, format):
    """Export, answer and import until every blind copy has its score; return all that the commands wrote."""
    said = ""
    for number, stage in enumerate(itertools.cycle(("worker", "judge"))):
        status = json.loads(run("cycle_status", "fall-2026", "--json")[1])
        if not status["undecided"]:
            return said
        assert number < 20, "the evaluation does not end"
        if number and not EvaluationRequest.objects.filter(stage=stage, state="wanted").exists():
            continue
        said += export(folder, format, stage, number)
    raise AssertionError("unreachable")


def export(folder, format, stage, number):
    """One round: export, answer, import with a report."""
    arguments = ("--stage", stage, "--format", format, "--model", "m-1", "--output", str(folder / "requests"))
    said = typed("export_batch", "fall-2026", *arguments, "--json")
    if stage == "worker" and Application.objects.filter(status="batch_ready").exists():
        said += typed("advance", "fall-2026", "start_processing")
    answers = folder / f"{number}.results.jsonl"
    said += typed("rehearse", *json.loads(said.splitlines()[0])["files"], "--output", str(answers))
    return said + typed("import_results", str(answers), "--report", str(folder / f"{number}.report.jsonl"))


def whole_cycle(folder, format):
    """Lead the applicants of a file through all nine phases by commands; return all that the commands wrote."""
    intake_file = ("import_applications", str(folder.parent / "applications.jsonl"), "--cycle", "fall-2026")
    said = typed(*intake_file, "--rejects", str(folder / "rejects.jsonl"), expected=1)
    for step in ("freeze", "start_preprocessing", "start_batch_prep"):
        said += typed("advance", "fall-2026", step, "--wait")
    said += evaluate(folder, format)
    for step in ("mark_scored", "perform_selection", "publish_results"):
        said += typed("advance", "fall-2026", step, "--wait")
    said += typed("export_ranking", "fall-2026", "--output", str(folder / "ranking.csv"))
    said += typed(
        "export_outcomes", "fall-2026", "--output", str(folder.parent / "outcomes.jsonl"), "--format", "jsonl"
    )
    return said + typed("advance", "fall-2026", "complete") + typed("verify_audit", "--json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_two_hundred_people_are_only_where_they_must_be(tmp_path, settings, caplog, format):
    caplog.set_level(logging.DEBUG)
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "letters")
    rows = [canary(number) for number in range(APPLICANTS)]
    refused = [
        canary(APPLICANTS) | {"name": "=Zorvexrefused"},
        canary(APPLICANTS + 1) | {"email": "wren.refused@@canary.example"},
        canary(APPLICANTS + 2) | {"phone": "call Zorvexrefused"},
        canary(APPLICANTS + 3) | {"test_scores": {"wren.refused@canary.example": 3}},
        canary(APPLICANTS + 4) | {"wren.refused@canary.example": 1},
        canary(0) | {"gpa": 1},  # an address that is taken
    ]
    (tmp_path / "applications.jsonl").write_bytes(jsonl([*rows, *refused]).read())
    folder = tmp_path / "shown"
    folder.mkdir()
    cycle(seats=50)
    with server_log() as logged:
        said = whole_cycle(folder, format)
        from_the_server = logged()

    words = all_words([*rows, *refused[2:]]) | {"Zorvexrefused", "wren.refused"}
    stored, files = dump(), {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    places = {"database": stored, "commands": said, "log": caplog.text, "server": from_the_server, **files}
    assert {place: hits for place, text in places.items() if (hits := found(words, text))} == {}
    assert_the_search_would_have_found_them(tmp_path, rows, stored, files)


def assert_the_search_would_have_found_them(tmp_path, rows, stored, files):
    """The people are where they must be, and what was searched is what it should be."""
    references = list(Application.objects.values_list("reference", flat=True))
    assert all(reference in stored for reference in references)
    assert len(references) == APPLICANTS
    told = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").read_text().splitlines()]
    identity = ("name", "email", "phone", "address")
    assert sorted([row[field] for field in identity] for row in told) == sorted(
        [row[field] for field in identity] for row in rows
    )
    letters = [letter for path in (tmp_path / "letters").iterdir() for letter in messages(path)]
    assert sorted(letter["To"] for letter in letters) == sorted(row["email"] for row in rows)
    greeted = {letter.get_body(("plain",)).get_content().splitlines()[0] for letter in letters}
    assert greeted == {f"Dear {row['name']}," for row in rows}
    # The merit of each essay reaches the engines, and is not to be read in the database either.
    requests = "".join(text for name, text in files.items() if "-worker-run" in name and name.endswith("1.jsonl"))
    merits = [f"lanternfish{code(number)}" for number in range(APPLICANTS)]
    assert (len(found(merits, requests)), found(merits, stored)) == (APPLICANTS, [])
    assert {"rejects.jsonl", "ranking.csv", "0.report.jsonl", "0.results.jsonl"} <= files.keys()


def messages(path):
    parts = path.read_bytes().split(b"-" * 79 + b"\n")
    return [message_from_bytes(part, policy=policy.default) for part in parts if part.strip()]


@pytest.mark.django_db
def test_an_error_of_the_database_writes_no_person_into_its_log(monkeypatch):
    one = cycle()
    apply(one, [canary(1)])
    monkeypatch.setattr(intake, "_sort_out", lambda cycle, candidates: intake._Sorted(fresh=candidates))
    monkeypatch.setattr(intake, "UniqueViolation", ZeroDivisionError)
    with server_log() as logged:
        with pytest.raises(psycopg.errors.UniqueViolation) as fault, transaction.atomic():
            apply(one, [canary(1)])
        assert found(words_of(canary(1)), str(fault.value) + str(fault.value.diag.context) + logged()) == []


@pytest.fixture
def evaluated():
    """A cycle with people to leak, in processing; and one round of its evaluation, to be called."""
    one = cycle()
    apply(one, applicants(4))
    lead(one, to="batch_prep")

    def round_trip(format):
        folder = folder_of(one)
        for stage in ("worker", "judge"):
            run = export_batch(one, stage=stage, format=format, model="m", folder=folder, actor=operator())
            if stage == "worker":
                yield
            for answers in answer_round(run, folder):
                import_file(answers, actor=operator())

    def both(format, around):
        steps = round_trip(format)
        with around():
            next(steps)
        one.start_processing(actor=operator())
        with around():
            next(steps, None)

    return both


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_export_and_import_never_ask_for_a_person(evaluated, format):
    asked = []

    @contextmanager
    def captured():
        with CaptureQueriesContext(connection) as queries:
            yield
        asked.extend(query["sql"] for query in queries)

    evaluated(format, captured)
    assert [sql for sql in asked if PEOPLE_TABLES.search(sql)] == []
    # The capture saw the streaming cursor of the export and the COPY of the import.
    assert any("FROM evaluation_requests AS request" in sql and "sealed_texts" in sql for sql in asked)
    assert any("COPY staged" in sql for sql in asked)
    assert (WorkerResult.objects.count(), JudgeResult.objects.count()) == (4, 4)


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["plain", "openai-chat"])
def test_export_and_import_work_for_a_database_role_that_may_not_read_people(evaluated, format):
    role = f"enigma_blind_{os.getpid()}"

    @contextmanager
    def blinded():
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {role}")
            for table in ("identity_mapping", "applications", "letters"):
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    cursor.execute(f"SELECT 1 FROM {table}")
            yield
            cursor.execute("RESET ROLE")

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        for right in ("ALL ON ALL TABLES", "USAGE ON ALL SEQUENCES"):
            cursor.execute(f"GRANT {right} IN SCHEMA public TO {role}")
        cursor.execute(f"REVOKE ALL ON identity_mapping, applications, letters FROM {role}")
    evaluated(format, blinded)
    assert (WorkerResult.objects.count(), JudgeResult.objects.count()) == (4, 4)
