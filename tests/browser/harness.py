"""What tests in a real browser use: visitors who open pages in a mode, and what is asked of every page they see."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, Response

from enigma.env import BASE_DIR
from tests.browser.modes import PLAIN, Mode

# Pages that are read without scripts. Playwright's own switch for it would stop axe too, which needs them.
_without_scripts: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN_AXE = """() => axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}})"""
TOO_WIDE = """() => {
  const root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.right > width + 1 || box.left < -1))
    .map(([one]) => `${one.tagName.toLowerCase()}.${one.className} ${one.textContent.trim().slice(0, 40)}`).slice(0, 5)
    .concat(`the page is ${root.scrollWidth} wide on a screen of ${width}`);
}"""
# What may stand in Latin letters in any language: data in an element of its own, names, and the cycle of the factories.
LATIN = """() => {
  const spared = "[lang=en], code, .code, bdi, script, noscript, style, textarea, input, .brand, [dir=auto], [hidden]";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(spared)) found.push(walk.currentNode.data);
  for (const one of document.querySelectorAll("[aria-label], [alt], [placeholder]"))
    if (!one.closest(spared)) found.push(one.ariaLabel ?? one.alt ?? one.placeholder);
  found.push(document.title);
  const names = /\\b(ENIGMA|Fall 2026|UTC|JavaScript|JSON|PIN|QR|SAT|ACT|GPA|HTML|API|PDF|WCAG|AA|OpenID|SHA-256)\\b/g;
  const codes = /[A-Z0-9]{4}(-[A-Z0-9]{4}){2}|[\\w.+-]+@[\\w.-]+|docs\\/[\\w.]+/g;
  return found.map((text) => text.replace(names, "").replace(codes, "").trim())
    .filter((text) => /[A-Za-z]{2,}/.test(text));
}"""


class Visitor:
    """One person with their cookies, who opens pages in any mode and notes what the browser complains of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.cookies: list[Any] = []
        self.complaints: list[str] = []
        self._window: BrowserContext | None = None
        self._page: Page | None = None
        self._mode = PLAIN

    def page(self, path: str = "/", mode: Mode = PLAIN) -> Page:
        """Go to a page in a mode; another mode needs another window, which knows the cookies so far."""
        if self._page is None or mode != self._mode:
            self.keep()
            self._mode = mode
            self._page = self.tab()
        self._page.goto(path)
        return self._page

    def tab(self) -> Page:
        """Open one more tab in the window that is open, or in a new one."""
        self._window = self._window or self._open(self._mode)
        page = self._window.new_page()
        if not self._mode.scripts:
            _without_scripts[page] = page.context.new_cdp_session(page)
            _disable_scripts(page, True)
        page.on("console", self._heard)
        page.on("pageerror", lambda fault: self.complaints.append(f"{page.url}: {fault}"))
        page.on("response", self._answered)
        return page

    def keep(self) -> None:
        """Close the window that is open and remember its cookies."""
        if self._window:
            self.cookies = self._window.cookies()
            self._window.close()
        self._window = self._page = None

    def _open(self, mode: Mode) -> BrowserContext:
        window = self.browser.new_context(
            base_url=self.address,
            color_scheme=mode.scheme,
            viewport={"width": mode.width, "height": 900 if mode.width > 600 else 640},
            locale=mode.language,
            reduced_motion="reduce",
            storage_state={"cookies": self.cookies, "origins": []},
        )
        window.set_default_timeout(10_000)
        return window

    def _heard(self, message: ConsoleMessage) -> None:
        # The status of an answer is looked at below; here a refused form would be told as well.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def _answered(self, response: Response) -> None:
        page_itself = response.request.resource_type == "document"
        if response.status >= (500 if page_itself else 400):
            self.complaints.append(f"{response.status} {response.url}")


def assert_sound(page: Page, name: str, mode: Mode = PLAIN, *, visitor: Visitor | None = None) -> None:
    """Ask of a page what is asked of all, and take its picture: ``name`` and the mode make its file."""
    screenshot(page, f"{name}-{mode}")
    assert_no_horizontal_scroll(page)
    if mode.language != "en":
        assert_translated(page)
    assert_accessible(page)
    _demand_none(visitor.complaints if visitor else [], page)


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page as it stands, also when it was loaded without scripts."""
    _disable_scripts(page, False)
    page.evaluate(AXE)  # by the tools of a developer, whom the policy of the page does not bind
    found = page.evaluate(RUN_AXE)["violations"]
    _disable_scripts(page, True)
    _demand_none(_readable(found), page)


def _demand_none(faults: Iterable[str], page: Page) -> None:
    if told := list(faults):
        raise AssertionError("\n".join([page.url, *told]))


def _disable_scripts(page: Page, disabled: bool) -> None:
    if session := _without_scripts.get(page):
        session.send("Emulation.setScriptExecutionDisabled", {"value": disabled})


def _readable(violations: list[dict[str, Any]]) -> Iterable[str]:
    for rule in violations:
        for node in rule["nodes"]:
            why = " ".join(line.strip() for line in node["failureSummary"].splitlines()[1:])
            yield f"{rule['id']}: {rule['help']}: {node['target']}: {why}"


def assert_no_horizontal_scroll(page: Page) -> None:
    """Nothing stands out at the side."""
    _demand_none(page.evaluate(TOO_WIDE), page)


def assert_translated(page: Page) -> None:
    """No English words are left on a page in Urdu or Arabic: neither unmarked nor untranslated ones."""
    _demand_none(page.evaluate(LATIN), page)


def mirror(page: Page) -> None:
    """Turn a page in English round, as if it were written from right to left."""
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")


def screenshot(page: Page, name: str) -> Path:
    """Take a picture of the whole page; ENIGMA_SCREENSHOTS names another folder than .data/screenshots."""
    folder = Path(os.environ.get("ENIGMA_SCREENSHOTS", BASE_DIR / ".data" / "screenshots"))
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=True, caret="initial")  # to hide it would leave style attributes behind
    return path


def weight(visitor: Visitor, path: str) -> int:
    """Bytes that come over the wire for a page and all it needs, with an empty cache."""
    visitor.keep()
    page = visitor.tab()
    network, sizes = page.context.new_cdp_session(page), []
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda one: sizes.append(one["encodedDataLength"]))
    page.goto(path, wait_until="networkidle")
    return round(sum(sizes))
