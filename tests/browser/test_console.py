"""Staff lead a cycle by the console alone: by mouse, without scripts on a phone, and by keyboard."""

import pytest
from playwright.sync_api import expect

from accounts.roles import Role
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from audit.sequencer import sequence_all
from tests.browser.modes import PLAIN, Mode
from tests.browser.officer import Officer
from tests.factories import applicants, apply, cycle

pytestmark = pytest.mark.timeout(300)

CODE, NAME = "spring-2027", "Spring 2027"
SCORES = {"score-academic": "80", "score-test": "70.5", "score-achievement": "60", "score-essay": "90"}
SCORES["score-reason"] = "The text names each result."


@pytest.fixture
def boss(person):
    """Returns a function that signs a super_admin in and puts them before the console, in a mode."""

    def bring(mode):
        somebody = person("boss@example.org")
        page = somebody.sign_in_as_staff(Role.SUPER_ADMIN, mode=mode)
        return Officer(somebody, page, mode, cycle=NAME)

    return bring


@pytest.mark.parametrize("mode", [PLAIN, Mode("dark", 320, scripts=False)], ids=str)
def test_a_cycle_is_led_from_submission_to_completed_by_clicks_alone(boss, mode):
    officer = boss(mode)
    open_a_cycle(officer)
    hand_in(officer)
    officer.take("Freeze the cycle", code=CODE, reason="The deadline has passed.")
    prepare(officer)
    evaluate(officer)
    decide(officer)
    officer.go_to_cycle()
    officer.look("evaluated")
    officer.take("Accept the scores", code=CODE)
    officer.take("Run the selection", code=CODE)
    officer.take("Publish the results", code=CODE)
    officer.wait_until_ready()
    officer.look("published")
    officer.take("Complete the cycle", code=CODE)
    officer.look("completed")
    assert AdmissionCycle.objects.get().phase == Phase.COMPLETED


def open_a_cycle(officer):
    """Open it by its form, after a try that lacks a code."""
    officer.look("dashboard-empty")
    officer.menu("Cycles")
    officer.click("Open a cycle")
    officer.fill(name=NAME, seats="3", attempts_allowed="1")
    officer.page.get_by_label("A demonstration").check()
    officer.press("Open the cycle")
    assert officer.page.title().startswith("Error:")
    officer.look("open-faulty")
    officer.fill(code=CODE)
    officer.press("Open the cycle")
    expect(officer.page.locator("h1")).to_contain_text(NAME)
    officer.look("cycle-empty")


def hand_in(officer):
    """People apply; the sequencer of the worker may be a moment behind."""
    apply(AdmissionCycle.objects.get(), applicants(30))
    sequence_all()
    officer.go_to_cycle()


def prepare(officer):
    """Let the workers make the blind copies, and prepare the batches."""
    officer.take("Start preprocessing")
    officer.wait_until_ready()
    officer.look("preprocessed")
    officer.take("Prepare the batches")
    officer.look("batches-prepared")


def evaluate(officer):
    """Export for both stages; the stand-in answers."""
    officer.export("worker")
    officer.go_to_cycle()
    officer.take("Start the evaluation")
    officer.page.locator("[aria-labelledby=batches-panel] tbody a").click()
    officer.press("Let the stand-in answer")
    officer.go_to_cycle()
    officer.export("judge")
    officer.press("Let the stand-in answer")
    officer.look("judged")


def decide(officer):
    """Score those whom the judge rejected, one after the other: the cycle allows a single attempt."""
    officer.menu("Waiting for a person")
    officer.look("waiting")
    officer.click("Decide one after the other")
    officer.look("decide")
    while officer.page.get_by_role("heading", name="Your scores").count():
        officer.fill(**SCORES)
        officer.press("Score and go on to the next")
    officer.look("decided")


def test_a_cycle_is_frozen_by_keyboard_alone(boss):
    officer = boss(PLAIN)
    apply(cycle(CODE, name=NAME), applicants(3))
    sequence_all()
    page = officer.page
    for name in ("Cycles", NAME, "Freeze the cycle…"):
        tab_to(page, name)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    tab_to(page, "Reason (optional)")
    page.keyboard.type("The deadline has passed.")
    page.keyboard.press("Tab")
    page.keyboard.type(CODE)
    tab_to(page, "Freeze the cycle")
    with page.expect_navigation(url=f"**/cycles/{CODE}/"):
        page.keyboard.press("Enter")
    assert AdmissionCycle.objects.get().phase == Phase.FROZEN


def tab_to(page, name):
    """Go on by the tabulator until what is called so has the focus, and shows it by a line around it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        told, is_seen = page.evaluate("""() => {
            const one = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(one);
            const label = one.labels?.[0] ?? one;
            return [label.innerText.trim(), outlineStyle === "solid" && parseInt(outlineWidth) > 1];
        }""")
        if told == name:
            assert is_seen, name
            return
    raise AssertionError(f"{name} was not reached on {page.url}")
