"""An officer who leads a cycle through the console by clicks alone, and looks at every page on the way."""

import time

from playwright.sync_api import Page, expect

from tests.browser.harness import assert_sound
from tests.browser.modes import Mode
from tests.browser.people import Person

PATIENCE = 30.0  # seconds for a worker


class Officer:
    """Somebody in the console: goes where links and buttons lead, and types what forms ask for."""

    def __init__(self, person: Person, page: Page, mode: Mode, *, cycle: str) -> None:
        self.person, self.page, self.mode, self.cycle = person, page, mode, cycle
        self._seen = 0

    def look(self, what: str) -> None:
        """Ask of the page what is asked of all; its picture is named by place and subject."""
        self._seen += 1
        assert_sound(self.page, f"led-{self._seen:02}-{what}", self.mode, visitor=self.person)

    def click(self, name: str, *, role: str = "link", exact: bool = False) -> None:
        """Click what is called so in the main part of the page."""
        self.page.locator("main").get_by_role(role, name=name, exact=exact).first.click()

    def press(self, name: str) -> None:
        """Send a form by its button."""
        self.click(name, role="button", exact=True)

    def menu(self, name: str) -> None:
        """Go by the navigation, which a phone folds."""
        if self.mode.width < 1000:
            self.page.locator("details.menu summary").click()
        self.page.locator(".aside").get_by_role("link", name=name, exact=True).locator("visible=true").click()

    def fill(self, **fields: str) -> None:
        """Type into the fields whose names begin so."""
        for name, value in fields.items():
            self.page.locator("main").locator(f"#id_{name}").fill(value)

    def go_to_cycle(self) -> None:
        """Open the page of the cycle from the list of all."""
        self.menu("Cycles")
        self.click(self.cycle)

    def take(self, step: str, *, code: str = "", reason: str = "") -> None:
        """Take a step from the page of the cycle, through its confirm page."""
        self.page.locator("#take").click()
        self.look(step.lower().replace(" ", "-"))
        if reason:
            self.fill(reason=reason)
        if code:
            self.fill(code=code)
        self.press(step)
        expect(self.page.locator("main .note").first).to_contain_text("Done:")

    def export(self, stage: str) -> None:
        """Make an export of a stage from the page of the cycle; end on the page of the run."""
        self.click("Make an export")
        self.page.get_by_label("Stage").select_option(stage)
        self.page.get_by_label("Model").fill("rehearsal")
        self.look(f"export-{stage}")
        self.press("Make the export")
        expect(self.page.locator("main .note").first).to_contain_text("is exported")
        self.look(f"run-{stage}")

    def wait_until_ready(self) -> None:
        """Wait for the workers: the page asks again by itself, or is asked by its link where scripts are off."""
        take, until = self.page.locator("#take"), time.monotonic() + PATIENCE
        if self.mode.scripts:
            expect(take).to_contain_text("…", timeout=PATIENCE * 1000)
            return
        while "…" not in take.inner_text():
            assert time.monotonic() < until, self.page.inner_text("#state")
            time.sleep(0.5)
            refresh = self.page.get_by_role("link", name="Refresh")
            refresh.click() if refresh.count() else self.go_to_cycle()
