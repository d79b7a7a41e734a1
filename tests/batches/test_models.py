"""The database refuses what must never be: each constraint of this app, by SQL. And what this app may know."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DatabaseError, DataError, connection, transaction
from django.db.models import CheckConstraint, OneToOneField, UniqueConstraint

import batches
from batches.models import BatchRun, EvaluationRequest, ImportIssue, ResultFile
from tests.batches.engines import REJECTION, evaluated, evaluation, export, hand_in, judgement, processing, requests_of

pytestmark = pytest.mark.django_db
WORKER_SCORES = ("academic", "test", "achievement", "essay", "total", "claimed_total")
SCORES = {**{f"worker_{part}": "worker_results" for part in WORKER_SCORES}, "judge_quality_score": "judge_results"}


@pytest.fixture
def world():
    """At least two rows in every table: two runs, and requests in every state."""
    one = processing(4)
    first, second, third, fourth = requests_of(one)
    hand_in(one, evaluation(first), evaluation(second), evaluation(third, essay_score=-5), evaluation(fourth), b"no\n")
    export(one, "judge")
    judges = requests_of(one, "judge")
    hand_in(one, judgement(judges[0]), judgement(judges[1], **REJECTION), b"no\n")
    return one


def sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


UNFINISHED = "state = 'exporting', exported_at = NULL, manifest_sha256 = '', manifest = NULL"
SOMEBODY = "anonymized_id = (SELECT anonymized_id FROM worker_results LIMIT 1)"

# What breaks each constraint: an UPDATE of all rows of a table.
BREACHES = {
    "run_stage_is_known": ["batch_runs SET stage = 'jury'"],
    "run_state_is_known": ["batch_runs SET state = 'lost'"],
    "run_export_is_whole": [
        "batch_runs SET state = 'exporting'",
        "batch_runs SET exported_at = NULL",
        "batch_runs SET manifest = NULL",
        "batch_runs SET manifest_sha256 = ''",
        "batch_runs SET state = 'exporting', exported_at = NULL, manifest = NULL",
    ],
    "one_export_at_a_time": [f"batch_runs SET stage = 'worker', {UNFINISHED}"],
    "one_request_per_custom_id": ["evaluation_requests SET custom_id = 'same'"],
    "one_request_per_attempt_and_sample": [
        f"evaluation_requests SET attempt = 1, sample = 0, stage = 'judge', judged_id = 1, {SOMEBODY}"
    ],
    "request_id_is_opaque": [
        f"evaluation_requests SET custom_id = {value}"
        for value in ("''", "'a b'", "'Amina Qureshi'", "'a.b'", "'é'", "custom_id || chr(10)", "'@'")
    ],
    "request_attempt_counts_from_one": ["evaluation_requests SET attempt = 0"],
    "judge_request_names_its_evaluation": [
        "evaluation_requests SET judged_id = NULL",
        "evaluation_requests SET judged_id = 1",
        "evaluation_requests SET stage = 'jury'",
    ],
    "request_state_is_known": [
        "evaluation_requests SET state = 'lost', failure = ''",
        "evaluation_requests SET state = 'wanted', failure = ''",
        "evaluation_requests SET run_id = NULL",
    ],
    "request_failure_is_whole": [
        "evaluation_requests SET failure = 'refusal'",
        "evaluation_requests SET state = 'failed', failure = '' WHERE run_id IS NOT NULL",
    ],
    "one_evaluation_per_attempt": [f"worker_results SET {SOMEBODY}"],
    "judge_decision_is_known": ["judge_results SET decision = 'perhaps'"],
    "no_approval_with_bias": ["judge_results SET bias_detected = true, decision = 'approved'"],
    "rejection_has_feedback": ["judge_results SET feedback = ''"],
    "one_row_per_result_file": ["result_files SET sha256 = 'same'"],
    "one_issue_per_line": ["import_issues SET line = 1, file_id = (SELECT min(id) FROM result_files)"],
    **{
        f"{name}_within_0_and_100": [
            f"{table} SET {name.split('_', 1)[1]} = {value}" for value in ("-0.0001", "-5", "100.0001", "999.9999")
        ]
        for name, table in SCORES.items()
    },
}
DJANGO_S_OWN = {  # of positive integers and of one-to-one fields
    "batch_runs_shard_lines_check": "batch_runs SET shard_lines = -1",
    "batch_runs_requests_check": "batch_runs SET requests = -1",
    "evaluation_requests_sample_check": "evaluation_requests SET sample = -1",
    "evaluation_requests_most_tokens_check": "evaluation_requests SET most_tokens = -1",
    "worker_results_file_line_check": "worker_results SET file_line = -1",
    "judge_results_file_line_check": "judge_results SET file_line = -1",
    "judge_results_worker_result_id_key": "judge_results SET worker_result_id = 1",
    "import_issues_line_check": "import_issues SET line = -1",
}


def models():
    return list(apps.get_app_config("batches").get_models())


def test_every_constraint_is_broken_here():
    constraints = [constraint for model in models() for constraint in model._meta.constraints]
    assert {type(constraint) for constraint in constraints} == {CheckConstraint, UniqueConstraint}
    assert sorted(BREACHES) == sorted(constraint.name for constraint in constraints)


@pytest.mark.parametrize("name", [*BREACHES, *DJANGO_S_OWN])
def test_the_database_refuses(world, name):
    for breach in BREACHES.get(name) or [DJANGO_S_OWN[name]]:
        with pytest.raises(DatabaseError) as refusal:
            sql(f"UPDATE {breach}")
        assert refusal.value.__cause__.diag.constraint_name == name


def test_each_table_has_rows_that_could_be_broken(world):
    assert all(model.objects.count() >= 2 for model in models())
    assert set(EvaluationRequest.objects.values_list("state", flat=True)) == set(EvaluationRequest.State.values)


def test_a_score_of_9999_does_not_even_fit(world):
    for column in WORKER_SCORES:
        with pytest.raises(DataError, match="numeric field overflow"):
            sql(f"UPDATE worker_results SET {column} = 9999")


def test_an_id_is_64_characters_at_most(world):
    sql("UPDATE evaluation_requests SET custom_id = lpad(id::text, 64, '0')")
    with pytest.raises(DataError, match="value too long"):
        sql("UPDATE evaluation_requests SET custom_id = lpad(id::text, 65, '0')")


def test_a_request_has_one_answer_at_most():
    one_to_one = {
        model._meta.db_table
        for model in models()
        for field in model._meta.fields
        if isinstance(field, OneToOneField) and field.primary_key
    }
    assert one_to_one == {"worker_results", "judge_results"}


def test_a_row_of_requests_has_room_for_its_answer():
    """Written by hand into the migration: who writes it anew must not lose it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'evaluation_requests'")
        assert cursor.fetchall() == [(["fillfactor=70"],)]


def test_answering_touches_no_index_of_requests():
    """The state changes a million times: were it in an index, each time would cost six writes more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'evaluation_requests'")
        definitions = [row[0] for row in cursor.fetchall()]
    assert len(definitions) == 5
    assert [one for one in definitions if "state" in one or "failure" in one] == []


def test_rows_say_what_they_are(world):
    texts = [str(model.objects.order_by("pk").first()) for model in models()]
    assert all(text and "object" not in text for text in texts)
    issue, file, run = ImportIssue.objects.first(), ResultFile.objects.first(), BatchRun.objects.first()
    assert (str(run), str(file)) == (f"run {run.pk}: judge plain", f"results {file.sha256[:12]}")
    assert str(issue) == f"line {issue.line}: {issue.code}"


# -- the blind side -----------------------------------------------------------------------------

PERSONS = {"Application", "IdentityMapping", "Letter", "User", "SealedField", "keyring", "scrub"}


def imported_names(path):
    """What a module names in its imports: modules, and what it takes from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def sources():
    """The modules that evaluate; the demo leads a whole cycle and is none of them."""
    folder = Path(batches.__file__).parent
    return [path for path in folder.rglob("*.py") if "migrations" not in path.parts and path.name != "demo.py"]


def test_no_module_that_evaluates_imports_a_person():
    assert len(sources()) > 20
    named = {name for path in sources() for name in imported_names(path)}
    assert {name for name in named if name.rpartition(".")[2] in PERSONS or ".applications" in name} == set()


def test_no_statement_of_this_app_names_a_table_of_persons():
    tables = (
        "identity_mapping",
        "FROM letters",
        "JOIN letters",
        "accounts_user",
        "FROM applications",
        "JOIN applications",
    )
    found = {(path.name, table) for path in sources() for table in tables if table in path.read_text()}
    assert found == set()


def test_no_table_of_this_app_refers_to_a_person():
    related = {
        field.related_model._meta.db_table
        for model in models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete
    }
    ours = {model._meta.db_table for model in models()}
    assert related - ours == {"admission_cycles", "anonymized_applications"}


def test_an_evaluation_leads_back_to_a_blind_copy_and_no_further(world):
    evaluated(world)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = ANY(%s)",
            [[model._meta.db_table for model in models()]],
        )
        columns = {row[0] for row in cursor.fetchall()}
    assert columns & {"application_id", "receipt_ref", "reference", "email_bidx", "name", "external_id"} == set()
