"""One server, one worker and one browser for all tests in it; the database is emptied after each."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from playwright.sync_api import Browser, sync_playwright

from tests.browser.harness import Visitor
from tests.browser.people import Person
from tests.conftest import database_url
from tests.serving import serving

# Playwright keeps an event loop in this thread, but nothing here runs in it at the same time as a query.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
CHROMIUM = os.environ.get("ENIGMA_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# The last four keep the browser from calling home.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
)


@dataclass(frozen=True)
class Site:
    """Where the server listens, and the folder in which its letters arrive."""

    address: str
    letters: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The server reads what tests write, so they commit."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with a worker, on the database of the tests and with collected static files."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "letters").mkdir()
    environment = {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "ENIGMA_TEST_STATIC": str(folder / "static"),
        "EMAIL_URL": f"filemail:///{folder}/letters",
    }
    with serving(environment, before=("collectstatic", "--noinput", "-v0")) as address:
        yield Site(address.replace("127.0.0.1", "localhost"), folder / "letters")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's browser, or the one that ENIGMA_CHROMIUM names."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def person(site: Site, chromium: Browser) -> Iterator[Callable[[str], Person]]:
    """Returns a function that brings the person of an address before a browser."""
    came: list[Person] = []

    def bring(mailbox: str) -> Person:
        came.append(Person(chromium, site.address, site.letters, mailbox=mailbox))
        return came[-1]

    yield bring
    for one in came:
        one.keep()


@pytest.fixture
def stranger(site: Site, chromium: Browser) -> Iterator[Visitor]:
    """A browser of nobody in particular."""
    visitor = Visitor(chromium, site.address)
    yield visitor
    visitor.keep()


@pytest.fixture(autouse=True)
def _forget_jobs(transactional_db: None) -> Iterator[None]:
    """Empty the queue once its jobs have ended; the worker itself goes on, and stays known."""
    yield
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")
            if cursor.fetchone() == (0,):
                break
            time.sleep(0.1)
    _empty_queue()


def _empty_queue(tries: int = 5) -> None:
    """Empty the tables of the queue; once more where that met the worker, as each held what the other waited for."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_periodic_defers CASCADE")
    except OperationalError:
        if not tries:
            raise
        _empty_queue(tries - 1)
