"""Result files by clicks: hand one in, see what its lines came to, take the rejected ones along."""

import csv
import io
import json
import tracemalloc
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory

from accounts.actors import operator
from accounts.roles import Role
from batches.console import results
from batches.models import ImportIssue, ResultFile, WorkerResult
from tests.batches.console import FILES, PEOPLE_TABLES, asked, console, queries_of, text_of
from tests.batches.engines import encoded, evaluation, export, hand_in, prepared, processing, requests_of
from tests.factories import everything
from tests.visitors import Browser

pytestmark = pytest.mark.django_db

UPLOAD = "/console/batches/upload/"
UNKNOWN = {"custom_id": "0" * 32, "anonymized_id": "x"}


def upload(browser, content, **fields):
    file = SimpleUploadedFile("answers.jsonl", content)
    return browser.post(UPLOAD, {"cycle": "fall-2026", "file": file, **fields})


def answers(one, **changes):
    return encoded(*(evaluation(request, **changes) for request in requests_of(one)))


def test_without_a_cycle_in_processing_the_page_says_what_to_do():
    prepared(1)
    assert "Make an export and start the evaluation first" in text_of(console().get(UPLOAD))


def test_a_good_file_is_taken_and_leads_to_its_page():
    one = processing(2)
    answer = upload(console(), answers(one))
    file = ResultFile.objects.get()
    assert answer.redirect_chain == [(f"{FILES}{file.pk}/change/", 302)]
    told = text_of(answer)
    assert "Of 2 lines 2 were taken now, 0 are nothing new, 0 were rejected." in told
    assert "None: every line was taken" in told


def test_the_same_file_twice_says_so():
    one = processing(1)
    browser, content = console(), answers(one)
    upload(browser, content)
    told = text_of(upload(browser, content))
    assert "The same file was taken before. Of 1 lines 0 were taken now, 1 are nothing new" in told
    assert (ResultFile.objects.count(), WorkerResult.objects.count()) == (1, 1)


def test_bad_lines_are_listed_with_number_field_and_reason():
    one = processing(2)
    first, second = requests_of(one)
    told = text_of(upload(console(), encoded(evaluation(first), evaluation(second, essay_score=101))))
    issue = ImportIssue.objects.get()
    assert "Rejected, by reason" in told
    assert f"2 {issue.code} {issue.field} {issue.detail}" in told


def test_a_try_tells_what_would_happen_and_keeps_nothing():
    one = processing(2)
    browser, before = console(), everything()
    first, second = requests_of(one)
    content = encoded(evaluation(first), evaluation(second, essay_score="high"))
    answer = upload(browser, content, dry_run="on")
    told = text_of(answer)
    assert (answer.status_code, "Would be taken 1" in told, "essay_score" in told) == (200, True, True)
    assert everything() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"what is this\n", "The file names no request that ENIGMA has asked."),
        (encoded(*[UNKNOWN] * 30), "The file names no request"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(content, words):
    processing(1)
    answer = upload(console(), content)
    assert (answer.status_code, words in text_of(answer)) == (422, True)
    assert b"<title>Error:" in answer.content


def test_a_wrong_file_is_told_by_its_lines():
    one = processing(1)
    answer = upload(console(), answers(one) + encoded(*[UNKNOWN] * 30))
    told = text_of(answer)
    assert (answer.status_code, "This is another file; nothing of it was taken." in told) == (422, True)
    assert "2 unknown_id" in told
    assert not ResultFile.objects.exists()


def test_a_file_of_another_cycle_is_refused():
    processing(1)
    other = processing(1, code="spring-2027")
    answer = upload(console(), answers(other))
    assert (answer.status_code, "does not answer requests of fall-2026" in text_of(answer)) == (422, True)


def test_a_cycle_out_of_its_phase_takes_nothing(monkeypatch):
    one = prepared(1)
    export(one)
    browser, content = console(), answers(one)
    assert "Cycle: Select a valid choice" in text_of(upload(browser, content))
    monkeypatch.setattr(results, "Phase", SimpleNamespace(PROCESSING=one.phase))  # it moves on after the form was read
    answer = upload(browser, content)
    assert (answer.status_code, "needs the phase processing" in text_of(answer)) == (409, True)


def test_an_empty_error_file_is_nothing_to_take():
    processing(1)
    assert "The file holds no line" in text_of(upload(console(), b""))


def test_a_form_without_a_file_is_faulty():
    processing(1)
    answer = console().post(UPLOAD, {"cycle": "fall-2026"})
    assert (answer.status_code, "Result file: This field is required." in text_of(answer)) == (422, True)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch):
    one = processing(1)
    monkeypatch.setattr(results, "UPLOAD_MAX", 10)
    answer = upload(console(), answers(one))
    assert (answer.status_code, "A file takes at most" in text_of(answer)) == (413, True)


def test_an_upload_needs_the_token_of_its_form():
    processing(1)
    browser = console()
    strict = Browser(enforce_csrf_checks=True, HTTP_REFERER="https://testserver/")
    strict.cookies = browser.cookies
    assert upload(strict, b"").status_code == 403
    page = strict.get(UPLOAD).content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert "holds no line" in text_of(upload(strict, b"", csrfmiddlewaretoken=token))


def test_who_may_not_import_is_refused_before_the_body_is_read():
    processing(1)
    browser = console(Role.REVIEWER)
    assert upload(browser, b"").status_code == 403


def peak_of(one, line, count):
    """Take a file of so many equal lines from the disk; return the most memory that this took."""
    with TemporaryUploadedFile("answers.jsonl", "", 0, None) as file:
        for _ in range(count):
            file.write(line)
        file.seek(0)
        tracemalloc.start()
        taken, _ = results.take(one, file, dry_run=True, actor=operator())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (taken.lines, taken.rejected) == (count, 0)
    return peak


def test_memory_does_not_grow_with_the_file():
    one = processing(1)
    [request] = requests_of(one)
    line = encoded(evaluation(request, explanation="x" * 20_000))
    assert peak_of(one, line, 3_000) < 1.3 * peak_of(one, line, 1_000)


def test_what_is_large_is_streamed_to_the_disk():
    request = RequestFactory().post(UPLOAD, {"file": SimpleUploadedFile("answers.jsonl", b"x" * 3_000_000)})
    with request.FILES["file"] as file:
        assert isinstance(file, TemporaryUploadedFile)


def test_all_rejected_lines_can_be_taken_along(monkeypatch):
    monkeypatch.setattr(results, "PAGE", 2)
    one = processing(4)
    file = hand_in(one, *(evaluation(request, essay_score=101) for request in requests_of(one)[:3])).file
    browser = console()
    first = browser.get(f"{FILES}{file.pk}/change/")
    assert b'href="?after=2"' in first.content
    rest = browser.get(f"{FILES}{file.pk}/change/?after=2")
    assert [issue.line for issue in rest.context_data["issues"]] == [3]
    assert "No more." in text_of(browser.get(f"{FILES}{file.pk}/change/?after=99"))
    listed = b"".join(browser.get(f"/console/batches/results/{file.pk}/rejected/jsonl/").streaming_content)
    rows = [json.loads(line) for line in listed.splitlines()]
    assert [(row["line"], row["field"]) for row in rows] == [(1, "essay_score"), (2, "essay_score"), (3, "essay_score")]
    table = b"".join(browser.get(f"/console/batches/results/{file.pk}/rejected/csv/").streaming_content).decode()
    assert list(csv.DictReader(io.StringIO(table))) == [{key: str(row[key]) for key in row} for row in rows]
    assert browser.get(f"/console/batches/results/{file.pk}/rejected/xml/").status_code == 404


def test_the_list_shows_counts_finds_by_hash_and_costs_the_same_at_any_length():
    one = processing(2)
    browser = console()
    assert "No result files yet" in text_of(browser.get(FILES))
    file = hand_in(one, evaluation(requests_of(one)[0])).file
    few = queries_of(browser, FILES)
    about = {"admission_cycle": one, "size": 1, "counts": file.counts}
    ResultFile.objects.bulk_create(ResultFile(sha256=f"{number:064}", **about) for number in range(40))
    assert queries_of(browser, FILES) == few
    assert f"{file.sha256[:12]} fall-2026 1 1 0 0" in text_of(browser.get(f"{FILES}?q={file.sha256}"))
    assert "Nothing fits" in text_of(browser.get(f"{FILES}?q=none"))
    assert browser.get(f"{FILES}0/change/").redirect_chain[-1][0] == "/console/"


def test_an_upload_never_asks_for_a_person():
    one = processing(2)
    browser, content = console(), answers(one)
    with asked() as statements:
        assert upload(browser, content).status_code == 200
    assert [sql for sql in statements if PEOPLE_TABLES.search(sql)] == []
    assert any("COPY staged" in sql for sql in statements)
