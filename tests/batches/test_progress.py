"""How far runs are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from batches.models import BatchRun
from batches.progress import arrivals_of, progress_of, with_engines
from tests.batches.engines import evaluation, export, failure, hand_in, processing, requests_of

pytestmark = pytest.mark.django_db


def facts(run):
    run.refresh_from_db()
    known = progress_of([run])[run.pk]
    return known.answered, known.failed, known.open, known.reasons


def test_a_run_counts_what_was_answered_failed_and_is_open():
    one = processing(3)
    run = BatchRun.objects.get()
    first, second, third = requests_of(one)
    assert facts(run) == (0, 0, 3, {})
    hand_in(one, evaluation(first), failure(second, "refusal"))
    assert facts(run) == (1, 1, 1, {"refusal": 1})
    assert with_engines([run]) == {(one.pk, "worker"): 1}
    hand_in(one, evaluation(third))
    assert facts(run) == (2, 1, 0, {"refusal": 1})


def test_a_repeat_whose_attempt_was_answered_after_all_counts_as_answered():
    one = processing(1)
    [first] = requests_of(one)
    hand_in(one, failure(first))
    run = export(one)
    [again] = requests_of(one)
    hand_in(one, evaluation(first))
    hand_in(one, evaluation(again))
    assert facts(run) == (1, 0, 0, {})
    assert run.state == "imported"


def test_arrivals_name_the_files_in_the_order_of_their_coming():
    one = processing(3)
    run, lines = BatchRun.objects.get(), [evaluation(request) for request in requests_of(one)]
    files = [hand_in(one, *lines[:2]).file, hand_in(one, lines[2]).file]
    found = arrivals_of(run)
    assert {(row.file, row.answers) for row in found} == {(files[0], 2), (files[1], 1)}


def test_all_runs_of_a_page_are_counted_by_one_query():
    one = processing(2)
    [first, second] = requests_of(one)
    hand_in(one, failure(first), failure(second))
    runs = [BatchRun.objects.get(), export(one)]
    with CaptureQueriesContext(connection) as queries:
        assert [known.open for known in progress_of(runs).values()] == [0, 2]
    assert len(queries) == 1
