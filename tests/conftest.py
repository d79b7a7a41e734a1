"""Fixtures that every test may use; the people and things themselves are made by tests.factories."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connection

from enigma.env import BASE_DIR
from enigma.keys import keyring


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> None:
    """Lift the guards against TRUNCATE, by which Django empties tables between transactional tests; only those."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgtype & 32 <> 0 AND NOT tgisinternal")
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.fixture(autouse=True)
def _forget_keys() -> Iterator[None]:
    """A test that changes the keys leaves none of them behind."""
    yield
    keyring.cache_clear()


@pytest.fixture(autouse=True)
def _forget_jobs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty the queue after a transactional test: Django empties only the tables that it manages."""
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE")


@pytest.fixture
def manage() -> Callable[..., subprocess.Popen[bytes]]:
    """Start ``manage.py``, or another ``program``, as a process on the test database (for transactional tests)."""

    def start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        environment |= options.pop("env", {})
        command = [sys.executable, *options.pop("program", ["manage.py"]), *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=BASE_DIR, env=environment, **{**pipes, **options})

    return start


def database_url() -> str:
    """Address of the database that the tests run on."""
    server = urlsplit(os.environ["DATABASE_URL"])
    return server._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
