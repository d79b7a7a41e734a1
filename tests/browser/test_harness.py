"""The harness sees what it is there to see: a check that always passes would be worse than none."""

from itertools import combinations

import pytest

from tests.browser.harness import (
    assert_accessible,
    assert_no_horizontal_scroll,
    assert_translated,
    mirror,
    screenshot,
    weight,
)
from tests.browser.modes import MODES, PHONE, PLAIN, Mode

DOOR = "/accounts/login/code/"


def test_axe_finds_faults_also_where_scripts_are_off(stranger):
    for mode in (PLAIN, Mode(scripts=False)):
        page = stranger.page(DOOR, mode)
        page.evaluate("() => document.documentElement.removeAttribute('lang')")
        with pytest.raises(AssertionError, match=r"html-has-lang: .*: \['html'\]: .*lang"):
            assert_accessible(page)


def test_what_is_too_wide_is_named(stranger):
    page = stranger.page(DOOR, PHONE)
    assert_no_horizontal_scroll(page)
    page.evaluate("() => { document.querySelector('h1').style.minInlineSize = '600px'; }")
    with pytest.raises(AssertionError, match="h1"):
        assert_no_horizontal_scroll(page)


def test_english_words_are_found_in_text_titles_and_labels(stranger):
    page = stranger.page(DOOR, Mode(language="ur"))
    page.evaluate("() => { document.body.innerHTML = '<p>اردو <code>ABC</code></p>'; document.title = 'ENIGMA'; }")
    assert_translated(page)
    for change in (
        "document.querySelector('p').append('Sign in')",
        "document.body.innerHTML = '<nav aria-label=Account></nav>'",
        "document.title = 'Sign in'",
    ):
        page.evaluate(change)
        with pytest.raises(AssertionError, match=r"Sign in|Account"):
            assert_translated(page)


def test_complaints_of_the_browser_are_heard(stranger):
    page = stranger.page(DOOR)
    assert stranger.complaints == []
    page.evaluate("() => { document.body.append(Object.assign(document.createElement('script'), {text: '1'})); }")
    page.evaluate("() => fetch('/no/such/thing')")
    page.evaluate("() => setTimeout(() => { throw new Error('broken'); })")
    page.wait_for_timeout(100)
    told = " ".join(stranger.complaints)
    assert ("Content Security Policy" in told, "404 " in told, "broken" in told) == (True, True, True)


def test_without_scripts_none_runs_and_what_stands_in_for_them_is_shown(stranger):
    shown = [stranger.page("/accounts/login/", mode).is_visible("noscript p") for mode in (PLAIN, Mode(scripts=False))]
    assert shown == [False, True]


def test_a_page_is_turned_round(stranger):
    page = stranger.page(DOOR)
    at = [page.locator(".brand").bounding_box()["x"]]
    mirror(page)
    assert page.locator(".brand").bounding_box()["x"] > at[0] + 100


def test_a_picture_is_taken(stranger, tmp_path, monkeypatch):
    monkeypatch.setenv("ENIGMA_SCREENSHOTS", str(tmp_path))
    assert screenshot(stranger.page(DOOR), "door").read_bytes().startswith(b"\x89PNG")


def test_a_page_weighs_what_comes_over_the_wire(stranger):
    heavy = weight(stranger, DOOR)
    assert 3_000 < heavy < 20_000
    assert weight(stranger, DOOR) == pytest.approx(heavy, abs=300)  # nothing is kept from the first time


def test_cookies_go_from_one_window_to_the_next(person):
    amina = person("amina@example.org")
    amina.sign_in_by_code()
    assert amina.page("/accounts/", Mode("dark", 320)).inner_text("main bdi") == "amina@example.org"


def test_the_modes_put_every_two_properties_together():
    properties = ("scheme", "width", "language", "scripts")
    for one, other in combinations(properties, 2):
        met = {(getattr(mode, one), getattr(mode, other)) for mode in MODES}
        assert len(met) == len({pair[0] for pair in met}) * len({pair[1] for pair in met}), (one, other)
