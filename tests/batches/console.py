"""What the tests of the console's pages about batches share."""

import re
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from tests.visitors import staff_browser

RUNS, FILES = "/console/batches/batchrun/", "/console/batches/resultfile/"
PEOPLE_TABLES = re.compile(r"\b(identity_mapping|applications|outcome_letters)\b")


def console(role: Role = Role.ADMIN, *, email: str = "boss@example.org"):
    """The browser of an officer in the console."""
    return staff_browser(role, email=email)[0]


def text_of(answer):
    """What a page says, its markup and line breaks as single spaces."""
    main = answer.content.decode().partition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


@contextmanager
def asked():
    """Collect the statements that are sent meanwhile."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield statements
    statements.extend(query["sql"] for query in queries)


def queries_of(browser, address):
    """How many statements a page costs."""
    with asked() as statements:
        assert browser.get(address).status_code == 200
    return len(statements)
