"""Every request has an id; pages about faults show it, and log lines carry it."""

import logging
import re

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from enigma.requests import ButNotReady, RequestIds, RequestMiddleware


def line():
    record = logging.LogRecord("enigma", logging.ERROR, "x.py", 1, "told", (), None)
    RequestIds().filter(record)
    return record.request_id


def test_what_is_logged_during_a_request_has_its_id_and_nothing_after_it():
    seen = []

    def answer(request):
        seen.append((request.id, line()))
        return HttpResponse()

    for _ in range(2):
        RequestMiddleware(answer)(RequestFactory().get("/"))
    assert all(id == logged and re.fullmatch("[0-9a-f]{12}", id) for id, logged in seen)
    assert len({id for id, _ in seen}) == 2
    assert line() == "-"


def failing(monkeypatch, fault):
    def fail(request):
        raise fault

    monkeypatch.setattr("admissions.pages.start.render", lambda *args, **kwargs: fail(None))
    return Client(raise_request_exception=False).get("/privacy/", secure=True)


def test_a_database_that_is_away_is_a_503_with_the_number_to_name(monkeypatch, caplog):
    answer = failing(monkeypatch, OperationalError("connection refused for Amina"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert re.search(r"name this number: <code>[0-9a-f]{12}</code>", answer.content.decode())
    assert "Amina" not in caplog.text


@pytest.mark.filterwarnings("ignore")
def test_any_other_fault_is_a_500_with_the_number_to_name(monkeypatch):
    answer = failing(monkeypatch, RuntimeError())
    assert answer.status_code == 500
    assert re.search(r"<code>[0-9a-f]{12}</code>", answer.content.decode())


@pytest.mark.django_db
def test_a_page_that_is_not_there_shows_no_number():
    answer = Client().get("/no-such-page", secure=True)
    assert (answer.status_code, "<code>" in answer.content.decode()) == (404, False)


@pytest.mark.parametrize(
    ("path", "status", "kept"), [("/readyz", 503, False), ("/readyz", 500, True), ("/", 503, True)]
)
def test_only_that_it_is_not_ready_is_left_out(path, status, kept):
    record = logging.LogRecord("django.request", logging.ERROR, "x.py", 1, "told", (), None)
    record.request, record.status_code = RequestFactory().get(path), status
    assert ButNotReady().filter(record) is kept


def test_a_line_without_a_request_is_kept():
    assert ButNotReady().filter(logging.LogRecord("django.request", logging.ERROR, "x.py", 1, "told", (), None))
