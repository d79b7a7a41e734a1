"""Every page of the console that can be read, full and empty, in all ways of reading: sound, and its picture taken."""

import pytest

from accounts.roles import Role
from tests.browser.harness import assert_sound, mirror
from tests.browser.modes import PLAIN, Mode
from tests.browser.places import addresses, things

pytestmark = pytest.mark.timeout(600)

# Light and dark, wide and narrow, with scripts and without, from left to right and from right to left.
WAYS = {
    "light": (PLAIN, False),
    "dark-rtl": (Mode("dark"), True),
    "phone-rtl": (Mode(width=320), True),
    "dark-phone-noscript": (Mode("dark", 320, scripts=False), False),
}


def look_at_all(boss, known, *, name, mode, turned):
    """Look at every page; return what is wrong, of all of them at once."""
    boss.sign_in_as_staff(Role.SUPER_ADMIN, mode=mode)
    wrong = []
    for place, path in addresses(known).items():
        page = boss.page(path, mode)
        if turned:
            mirror(page)
        try:
            assert page.title() != "", path
            assert_sound(page, f"{name}-{place}{'-rtl' if turned else ''}", mode, visitor=boss)
        except AssertionError as fault:
            wrong.append(str(fault))
            boss.complaints.clear()
    return wrong


@pytest.mark.parametrize("way", WAYS)
def test_pages_are_sound(person, way):
    mode, turned = WAYS[way]
    assert look_at_all(person("boss@example.org"), things(), name="console", mode=mode, turned=turned) == []


@pytest.mark.parametrize("way", ["light", "dark-phone-noscript"])
def test_empty_pages_are_sound(person, way):
    mode, turned = WAYS[way]
    assert look_at_all(person("boss@example.org"), {}, name="empty", mode=mode, turned=turned) == []
