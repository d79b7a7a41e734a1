"""The form of applicants in a real browser: written, checked, handed in, changed and taken back, in every mode."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.browser.harness import assert_sound, weight
from tests.browser.modes import MODES
from tests.factories import cycle
from tests.writers import TYPED

pytestmark = pytest.mark.timeout(300)
TASKS = "/apply/fall-2026/"


@pytest.fixture
def one():
    return cycle(closes_at=timezone.now() + timedelta(days=30))


def submit(page):
    """Press the first button of the main form."""
    page.click("main form button[type=submit]")


def write(page):
    """Fill all sections, one after the other as the pages lead."""
    for section, boxes in TYPED.items():
        page.goto(f"{TASKS}{section}/")
        for name, value in boxes.items():
            page.fill(f"[name='{name}']", value)
        submit(page)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_form_is_sound_from_the_first_page_to_the_receipt_and_back(one, person, mode):
    amina = person("amina@example.org")
    page = amina.sign_in_by_code(mode)

    def look(name, path=""):
        if path:
            page.goto(path)
        assert_sound(page, f"apply-{name}", mode, visitor=amina)

    look("tasks-empty", TASKS)
    for section in TYPED:
        look(section, f"{TASKS}{section}/")
    look("check-incomplete", f"{TASKS}check/")
    page.goto(f"{TASKS}academic/")
    page.fill("[name='gpa']", "7,5")
    submit(page)
    look("academic-faulty")
    write(page)
    look("tasks-full", TASKS)
    look("check", f"{TASKS}check/")
    look("discard", f"{TASKS}discard/")
    page.goto(f"{TASKS}check/")
    page.evaluate("() => { document.querySelector('main form [type=checkbox]').required = false; }")
    submit(page)
    look("check-faulty")
    page.check("main form [type=checkbox]")
    submit(page)
    assert page.url.endswith("/receipt/")
    look("receipt")
    own = page.url.removesuffix("receipt/")
    look("change", f"{own}change/")
    look("withdraw", f"{own}withdraw/")
    submit(page)
    look("withdrawn")


def test_pages_of_the_form_weigh_little(one, person):
    amina = person("amina@example.org")
    amina.sign_in_by_code()
    weights = {path or "tasks": weight(amina, f"{TASKS}{path}") for path in ("", "check/", "essay/")}
    assert {path: size for path, size in weights.items() if size > 50_000} == {}
