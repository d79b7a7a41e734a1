"""People for a rush: ``python -m benchmarks.rush_people CYCLE COUNT`` makes them, and prints their session cookies.

Each has an account, a session in a browser, and a finished draft with an essay of a usual length.
"""

import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

django.setup()

from accounts.actors import operator  # noqa: E402
from accounts.browser_store import SessionStore  # noqa: E402
from accounts.models import User  # noqa: E402
from admissions.models.cycles import AdmissionCycle  # noqa: E402
from admissions.models.drafts import ApplicationDraft  # noqa: E402
from admissions.opening import open_cycle  # noqa: E402
from benchmarks.applicants import write_applications  # noqa: E402


def main(code: str, count: str) -> None:
    """Make cycle and people; print the cookies as JSON."""
    now = timezone.now()
    dates = {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(days=1)}
    cycle = open_cycle(code, name="Rush", seats=10, actor=operator(), is_demo=True, **dates)
    print(json.dumps([_person(cycle, row) for row in _rows(int(count))]))


def _rows(count: int) -> list[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_applications(path, count)
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _person(cycle: AdmissionCycle, row: dict[str, str]) -> str:
    """Make one person; return the key of their session."""
    user = User(email=row["email"].lower(), password="!")  # noqa: S106  a password that nothing matches
    user.save()
    texts = {name: str(row[name]) for name in ("name", "phone", "address", "gpa", "essay", "achievements")}
    scores = row["test_scores"]
    tests = {f"test-{test}": str(score) for test, score in (scores if isinstance(scores, dict) else {}).items()}
    ApplicationDraft.begun(cycle, user.pk, {**texts, **tests}, version=1).save()
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    main(*sys.argv[1:])
