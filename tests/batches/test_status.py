"""Where a cycle stands: every count that must add up, derived anew each time."""

import json

import pytest

from batches.status import status_of
from tests.batches.engines import evaluation, export, failure, hand_in, judged, prepared, processing, requests_of
from tests.factories import cycle, run

pytestmark = pytest.mark.django_db


def evaluation_side(one):
    """What this app adds to the figures."""
    return {key: status_of(one)[key] for key in ("requests", "runs", "import_issues")}


def test_a_new_cycle_has_asked_for_nothing():
    assert evaluation_side(cycle()) == {"requests": {"worker": {}, "judge": {}}, "runs": {}, "import_issues": {}}


def test_requests_runs_and_bad_lines_are_counted():
    one = processing(4)
    first, second, third, _ = requests_of(one)
    hand_in(one, evaluation(first), failure(second), evaluation(third, essay_score=9999), b"rubbish\n")
    assert evaluation_side(one) == {
        "requests": {"worker": {"answered": 1, "asked": 1, "failed": 2, "wanted": 2}, "judge": {"wanted": 1}},
        "runs": {"exported": 1},
        "import_issues": {"bad_line": 1, "expired": 1, "out_of_range": 1},
    }
    judged(one)
    figures = status_of(one)
    assert (figures["requests"]["judge"], figures["final_scores"]) == ({"answered": 1}, {"scored": 1})


def test_another_cycle_is_not_counted():
    one = cycle()
    other = prepared(2, code="other")
    export(other)
    assert evaluation_side(one) == {"requests": {"worker": {}, "judge": {}}, "runs": {}, "import_issues": {}}
    assert evaluation_side(other)["requests"] == {"worker": {"asked": 2}, "judge": {}}


def test_the_command_prints_the_same_as_json():
    one = processing(2)
    code, out, _ = run("cycle_status", "fall-2026", "--json")
    assert (code, json.loads(out)) == (0, json.loads(json.dumps(status_of(one))))


def test_the_command_prints_a_line_for_each_figure():
    processing(2)
    _, out, _ = run("cycle_status", "fall-2026")
    lines = out.splitlines()
    assert {"phase: processing", "applications: 2", "requests:", "  worker:", "    asked: 2"} <= set(lines)


def test_an_unknown_cycle_ends_it_with_2():
    assert run("cycle_status", "nowhere")[0] == 2
