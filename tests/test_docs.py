"""The docs are held to the code: phases, settings, links, commands and tables that they name exist."""

import re
from pathlib import Path

import pytest

from accounts.roles import STEPS
from admissions.phases import Phase, Status

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SETTING = re.compile(r"""(?:env(?:\.\w+)?|secret|environ\.get)\(\s*"([A-Z][A-Z0-9_]+)\"""")
COMMANDS = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__"}
BUILT_IN = {"migrate", "check", "runserver", "collectstatic"}


def names_in_env_example() -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_env_example_names_exactly_the_settings_that_are_read():
    read = set(SETTING.findall((ROOT / "enigma/settings.py").read_text()))
    read |= set(SETTING.findall((ROOT / "enigma/env.py").read_text()))
    assert names_in_env_example() == read


def test_every_setting_has_a_comment():
    lines = (ROOT / ".env.example").read_text().splitlines()
    blocks = "\n".join(lines).split("\n\n")
    assert [block for block in blocks if "=" in block and not block.startswith("# ")] == []


def test_every_phase_has_a_heading_and_every_step_a_word_in_the_phases_page():
    page = (ROOT / "docs/phases.md").read_text()
    headings = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    assert headings == [phase.value for phase in Phase]
    assert [step for step in STEPS if f"**{step}**" not in page] == []


def test_every_status_is_explained():
    page = (ROOT / "docs/phases.md").read_text()
    assert [status.value for status in Status if f"`{status.value}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page):
    shown = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert shown - COMMANDS - BUILT_IN == set()


def test_every_command_is_shown_somewhere():
    text = "".join(page.read_text() for page in PAGES)
    assert [name for name in sorted(COMMANDS) if name not in text] == []


def test_make_targets_that_are_shown_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {
        name for page in PAGES for name in re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert {name for name in shown if name not in targets} == set()


def test_every_table_of_the_models_is_in_the_architecture_page():
    page = (ROOT / "docs/architecture.md").read_text()
    tables = {
        name for path in ROOT.glob("*/models*/**/*.py") for name in re.findall(r'db_table = "(\w+)"', path.read_text())
    } | {name for path in ROOT.glob("*/models.py") for name in re.findall(r'db_table = "(\w+)"', path.read_text())}
    assert len(tables) >= 14
    assert {table for table in tables if f"`{table}`" not in page} == set()
