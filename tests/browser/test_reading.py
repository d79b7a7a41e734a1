"""The pages that the public and applicants read, in every mode: before an outcome is published, and after."""

import time

import pytest

from admissions.models.applications import Application
from tests.browser.harness import assert_sound, weight
from tests.browser.modes import MODES
from tests.factories import applicants, apply, cycle, lead, submitted

pytestmark = pytest.mark.timeout(300)
PUBLIC = {
    "start": "/",
    "how": "/how-it-works/",
    "privacy": "/privacy/",
    "accessibility": "/accessibility/",
    "verify": "/verify/",
}


@pytest.fixture
def published():
    """Amina's application to a cycle that is published; another cycle is open."""
    cycle("spring-2027")
    one = cycle(seats=2)
    hers = submitted(one)
    apply(one, applicants(12))
    lead(one, "preprocessing")
    while Application.objects.of(one).filter(status="preprocessing").exists():
        time.sleep(0.1)  # the worker may hold a chunk
    lead(one, "published")
    return hers


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_public_pages_are_sound(published, stranger, mode):
    for name, path in PUBLIC.items():
        assert_sound(stranger.page(path, mode), name, mode, visitor=stranger)
    page = stranger.page("/cycles/fall-2026/", mode)
    assert_sound(page, "figures", mode, visitor=stranger)
    page = stranger.page("/verify/", mode)
    page.fill("#id_receipt", published.receipt_ref.hex)
    page.click("main form button[type=submit]")
    assert_sound(page, "verified", mode, visitor=stranger)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_applicants_read_is_sound(published, person, mode):
    amina = person("amina@example.org")
    page = amina.sign_in_by_code(mode)
    own = f"/applications/{published.reference}/"
    for name, path in {
        "applications": "/applications/",
        "status": own,
        "decision": f"{own}decision/",
        "review": f"{own}review/",
        "my-data": "/accounts/data/",
        "erase": "/accounts/erase/",
    }.items():
        page.goto(path)
        assert_sound(page, name, mode, visitor=amina)


def test_public_pages_weigh_little(published, stranger):
    assert {path: size for path in PUBLIC.values() if (size := weight(stranger, path)) > 50_000} == {}
