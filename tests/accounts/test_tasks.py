"""What the worker forgets."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import AttemptCounter, IdempotentRequest, User
from accounts.tasks import tidy

pytestmark = pytest.mark.django_db


def things(*, age):
    """One of everything that is kept for a while, this old."""
    then = timezone.now() - age
    AttemptCounter.objects.create(kind="login", key_hmac=bytes(32), window_ends_at=then, count=1)
    IdempotentRequest.objects.create(key_sha256=bytes(32), request_sha256=bytes(32), created_at=then)
    User.objects.create(email="sam@example.org", date_joined=then)
    store = SessionStore()
    store.create()
    Session.objects.update(expire_date=then + timedelta(days=1))


def left():
    return [model.objects.count() for model in (AttemptCounter, IdempotentRequest, User, Session)]


def test_after_two_days_nothing_is_left():
    things(age=timedelta(days=2))
    tidy(timestamp=0)
    assert left() == [0, 0, 0, 0]


def test_what_is_still_needed_stays():
    things(age=timedelta(minutes=5))
    tidy(timestamp=0)
    assert left() == [1, 1, 1, 1]
