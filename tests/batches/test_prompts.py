"""The instructions: versions stay what they were, and the system part is the same for all."""

import re

import pytest

from admissions.rubrics import rubric
from batches.prompts import DEFAULT, VERSIONS, prompt, system_text
from enigma.errors import Refused

PUBLISHED = {  # a version that was used never changes: a correction is a new version
    ("worker", "2026-1"): "6689ffe1a02b217b2080dfa4828ce36b9d298d8a5b07769fe5b3fabfa8de2067",
    ("judge", "2026-1"): "ebaada17cad3eb7c5f5f9967dfd9f00b51ff1c12c7ac282b76c0aff876474e18",
}


def test_every_published_version_is_what_it_was():
    stages = ("worker", "judge")
    assert {(s, v): prompt(s, v).sha256 for s in stages for v in VERSIONS} == PUBLISHED


def test_the_default_version_exists():
    assert DEFAULT in VERSIONS


@pytest.mark.parametrize("version", ["1999-1", "../texts/worker-2026-1", ""])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(Refused, match="there is no worker prompt"):
        prompt("worker", version)


@pytest.mark.parametrize("stage", ["worker", "judge"])
def test_the_system_part_is_the_prompt_and_then_the_rubric(stage):
    text = system_text(stage, rubric().text)
    assert text == prompt(stage).text.rstrip() + "\n\n" + rubric().text.strip() + "\n"


@pytest.mark.parametrize("stage", ["worker", "judge"])
def test_instructions_name_every_field_that_must_be_answered(stage):
    fields = {
        "worker": ["explanation", "academic_score", "essay_score", "rubric_adherence", "strengths"],
        "judge": ["reasoning", "decision", "bias_detected", "quality_score", "feedback"],
    }
    assert [field for field in fields[stage] if field not in prompt(stage).text] == []


@pytest.mark.parametrize("stage", ["worker", "judge"])
def test_instructions_never_ask_to_look_for_injections(stage):
    assert re.findall(r"inject|manipulat|suspicious|attack", prompt(stage).text, re.IGNORECASE) == []


@pytest.mark.parametrize("stage", ["worker", "judge"])
def test_instructions_say_that_placeholders_do_not_count(stage):
    assert "[NAME]" in prompt(stage).text
    assert "count neither for nor against" in prompt(stage).text
