"""What is being typed when a browser dies, or stands in two tabs, is not lost."""

import os
import signal
import time

import pytest

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.harness import assert_sound
from tests.browser.modes import PLAIN, Mode
from tests.browser.people import Person
from tests.factories import cycle

pytestmark = pytest.mark.timeout(300)
ESSAY = "/apply/fall-2026/essay/"
LOST_AT_MOST = 10  # seconds of typing


@pytest.fixture
def doomed(chromium):
    """A browser of its own, and what kills it at once, as when a phone runs out of power."""
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=list(FLAGS))
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    [process] = [one["id"] for one in told if one["type"] == "browser"]
    yield browser, lambda: os.kill(process, signal.SIGKILL)
    browser.close()


def typed_for(page, seconds):
    """Type words without a pause; return each with the second at which it was there."""
    begun, words = time.monotonic(), []
    while not words or words[-1][0] < seconds:
        word = f"word{len(words)}"
        page.keyboard.type(f"{word} ", delay=30)
        words.append((time.monotonic() - begun, word))
    return words


def test_a_browser_that_dies_takes_no_more_than_the_last_seconds_with_it(site, doomed, person):
    cycle()
    browser, kill = doomed
    amina = Person(browser, site.address, site.letters, mailbox="amina@example.org")
    page = amina.sign_in_by_code()
    page.goto(ESSAY)
    page.focus("#id_essay")
    words = typed_for(page, 15)
    died = words[-1][0]
    kill()
    again = person("amina@example.org")
    again.sign_in_by_code()
    kept = again.page(ESSAY).input_value("#id_essay")
    assert " ".join(word for _, word in words).startswith(kept.rstrip())
    assert kept.startswith(" ".join(word for at, word in words if at < died - LOST_AT_MOST))


@pytest.mark.parametrize("mode", [PLAIN, Mode("dark", 320, "ur", scripts=False)], ids=str)
def test_two_tabs_never_overwrite_each_other_silently(person, mode):
    cycle()
    amina = person("amina@example.org")
    one = amina.sign_in_by_code(mode)
    two = amina.tab()
    for tab in (one, two):
        tab.goto(ESSAY)
    for tab, text in ((one, "First thoughts."), (two, "Second thoughts.")):
        tab.fill("#id_essay", text)
        tab.click("main form button[type=submit]")
    assert (two.inner_text("section .written"), two.input_value("#id_essay")) == ("First thoughts.", "Second thoughts.")
    assert_sound(two, "apply-essay-stale", mode)
    two.click("main form button[type=submit]")
    two.goto(ESSAY)
    assert two.input_value("#id_essay") == "Second thoughts."
