"""Every page of the console that can be read, full and empty, in all ways of reading: sound, and its picture taken."""

import re

import pytest

from accounts.roles import Role
from tests.browser.harness import assert_sound, mirror, weight
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


# Lists of changes and pages of steps are alike: one of each is enough where all others are looked at again.
ALIKE = re.compile(r"_history$|^cycle-step-(?!freeze)")


def look_at_all(boss, known, *, name, mode, turned):
    """Look at every page; return what is wrong, of all of them at once."""
    boss.sign_in_as_staff(Role.SUPER_ADMIN, mode=mode)
    wrong = []
    for place, path in addresses(known).items():
        if mode != PLAIN and ALIKE.search(place):
            continue
        page = boss.page(path, mode)
        if turned:
            mirror(page)
        try:
            assert page.locator("h1").count() == 1, path
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


def test_pages_weigh_little(person):
    boss = person("boss@example.org")
    boss.sign_in_as_staff(Role.SUPER_ADMIN)
    known = addresses(things())
    names = ("index", "cycle", "admissions_anonymizedapplication_changelist")
    weights = {name: weight(boss, known[name]) for name in names}
    assert {name: bytes_ for name, bytes_ in weights.items() if bytes_ > 50_000} == {}
