"""What tests of races and kills share: deeds at the same moment, waiting for a fact, a second session."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from tests.conftest import database_url


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Do things at the same moment in threads of their own; return what came of each, an exception too."""
    results: list[Any] = [None] * len(deeds)
    start = threading.Barrier(len(deeds))

    def act(number: int, deed: Callable[[], Any]) -> None:
        try:
            start.wait()
            results[number] = deed()
        except Exception as fault:  # noqa: BLE001 - it is the result
            results[number] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def until(condition: Callable[[], Any], *, seconds: float = 30) -> None:
    """Wait until something is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


@contextmanager
def another_session() -> Iterator[psycopg.Connection[Any]]:
    """A session of somebody else with the test database."""
    with psycopg.connect(database_url(), autocommit=True) as session:
        yield session


def sessions_of_others() -> int:
    """Count the sessions that the server still serves, such as those of killed processes; not our own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
