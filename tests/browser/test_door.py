"""The door in a real browser."""

import pytest

from tests.browser.harness import assert_sound
from tests.browser.modes import ENGLISH_MODES


@pytest.mark.parametrize("mode", ENGLISH_MODES, ids=str)
def test_the_door_is_sound(stranger, mode):
    page = stranger.page("/accounts/login/code/", mode)
    assert_sound(page, "door", mode, visitor=stranger)


def test_code(person):
    amina = person("amina@example.org")
    page = amina.sign_in_by_code()
    assert page.url.endswith("/accounts/")
