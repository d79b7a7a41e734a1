"""The status of a cycle, and the lists that leave the house, by command."""

import hashlib
import json
import stat

import pytest
from django.core.management import call_command

from accounts.roles import Role
from admissions.models.cycles import SelectionLog
from tests.factories import led_to, omar, score, typed

pytestmark = pytest.mark.django_db


PUBLISHED_TOO_EARLY = "The outcomes of fall-2026 are under embargo until publication; it is in selection."


def told(*arguments):
    """Type a command with ``--json``; return the object that it prints."""
    code, text = typed(*arguments, "--json")
    assert code == 0, text
    return json.loads(text)


def test_the_status_is_one_object_or_lines_for_a_person():
    one = led_to("processing")
    score(one, [50])
    figures = told("cycle_status", "fall-2026")
    assert (figures["phase"], figures["next_step"], figures["undecided"]) == ("processing", "mark_scored", 2)
    assert figures["requests"] == {"worker": {"asked": 3}, "judge": {}}
    lines = typed("cycle_status", "fall-2026")[1].splitlines()
    assert lines[:2] == ["code: fall-2026", "phase: processing"]
    assert lines[lines.index("final_scores:") + 1] == "  scored: 1"


def test_the_status_of_the_last_phase_names_no_next_step():
    led_to("completed")
    assert "next_step: -" in typed("cycle_status", "fall-2026")[1].splitlines()


def test_a_cycle_that_is_not_there_has_no_status():
    assert typed("cycle_status", "fall-2026") == (2, "There is no cycle 'fall-2026'. There are: none yet.")


# -- export_outcomes, export_ranking ----------------------------------------------


@pytest.mark.parametrize("command", ["export_outcomes", "export_ranking"])
def test_nothing_is_exported_before_publication(tmp_path, command):
    led_to("selection")
    assert typed(command, "fall-2026", "--output", tmp_path / "list") == (3, PUBLISHED_TOO_EARLY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["export_outcomes", "export_ranking"])
def test_a_list_is_private_and_replaced_only_by_force(tmp_path, command):
    led_to("published")
    path = tmp_path / "list"
    assert typed(command, "fall-2026", "--output", path)[0] == 0
    assert (stat.S_IMODE(path.stat().st_mode), [file.name for file in tmp_path.iterdir()]) == (0o600, ["list"])
    path.write_text("mine")
    assert typed(command, "fall-2026", "--output", path) == (2, f"{path} is there already; --force replaces it.")
    assert path.read_text() == "mine"
    assert typed(command, "fall-2026", "--output", path, "--force")[0] == 0
    assert path.read_text().count("\n") >= 3


def test_the_ranking_is_what_the_selection_log_has_the_hash_of(tmp_path):
    led_to("published", 7)
    typed("export_ranking", "fall-2026", "--output", tmp_path / "ranking")
    digest = hashlib.sha256((tmp_path / "ranking").read_bytes()).hexdigest()
    assert digest == SelectionLog.objects.get().ranking_sha256


@pytest.mark.parametrize(("command", "lines"), [("export_outcomes", 4), ("export_ranking", 3)])
def test_a_list_goes_to_standard_output_and_the_summary_beside_it(capsysbinary, command, lines):
    led_to("published")
    call_command(command, "fall-2026", "--output", "-")
    captured = capsysbinary.readouterr()
    assert captured.out.count(b"\n") == lines
    assert captured.err.startswith(b"fall-2026: 3 ")


def test_json_lines_hold_the_same_applicants_as_the_csv(tmp_path):
    led_to("published")
    for form in ("csv", "jsonl"):
        typed("export_outcomes", "fall-2026", "--output", tmp_path / form, "--format", form)
    people = [json.loads(line)["reference"] for line in (tmp_path / "jsonl").read_text().splitlines()]
    assert people == [line.split(",")[0] for line in (tmp_path / "csv").read_text().splitlines()[1:]]


def test_only_officers_export_outcomes(tmp_path):
    led_to("published")
    omar(Role.REVIEWER, email="rana@example.org")
    refusal = typed("export_outcomes", "fall-2026", "--output", tmp_path / "list", "--actor", "rana@example.org")
    assert refusal == (3, "The role reviewer does not include outcomes.export.")
    assert list(tmp_path.iterdir()) == []
