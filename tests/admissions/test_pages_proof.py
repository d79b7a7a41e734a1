"""What anybody can look up: a receipt, and the figures of a published cycle."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from admissions.models.applications import Application
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.phases import Phase
from admissions.public import BIN
from audit.models import HashChain
from audit.verifications import verify_and_keep
from tests.factories import applicants, apply, cycle, lead, led_to, score, submitted, taken_back

pytestmark = pytest.mark.django_db

UNKNOWN = "0123456789abcdef" * 2


def page(path, code=200, **sent):
    browser = Client()
    answer = browser.post(path, sent, secure=True) if sent else browser.get(path, secure=True)
    assert answer.status_code == code
    return " ".join(answer.content.decode().split("<footer")[0].split())


# -- receipts ----------------------------------------------


def test_a_receipt_is_found_with_its_entries_and_the_head():
    application = Application.objects.of(led_to("published", 2)).first()
    verify_and_keep("worker")
    leaf = HashChain.objects.get(subject_ref=application.receipt_ref.hex, decision_type="submission")
    for text in (
        page(f"/verify/?receipt={application.receipt_ref.hex}"),
        page("/verify/", receipt=application.receipt_ref.hex.upper()),
    ):
        assert "✓ The log holds this receipt" in text
        assert f'<td class="number">{leaf.chain_id}</td>' in text
        assert leaf.data_json.replace('"', "&quot;") in text
        assert "Decision sealed at publication" in text
        assert "✓ the log holds together" in text


def test_an_unknown_receipt_says_so_and_no_more():
    led_to("submission", 1)
    text = page(f"/verify/?receipt={UNKNOWN}")
    assert "The log holds nothing under this receipt" in text
    assert "none yet" in text


def test_an_empty_log_can_be_asked_too():
    assert "The log holds nothing under this receipt" in page(f"/verify/?receipt={UNKNOWN}")


@pytest.mark.parametrize(
    ("right", "said"), [(True, "and the commitment is the same"), (False, "with another commitment")]
)
def test_the_file_of_a_receipt_is_compared(right, said):
    application = Application.objects.of(led_to("frozen", 1)).get()
    leaf = HashChain.objects.get(subject_ref=application.receipt_ref.hex)
    held = {"receipt": application.receipt_ref.hex, "commitment": leaf.data_json[11:75] if right else "0" * 64}
    file = SimpleUploadedFile("receipt.json", json.dumps(held).encode())
    assert said in page("/verify/", file=file)
    assert said in page("/verify/", receipt=json.dumps(held))


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"receipt": ""}, "receipt"),
        ({"receipt": "not a receipt"}, "receipt"),
        ({"receipt": f"{UNKNOWN}\0"}, "receipt"),
        ({"file": SimpleUploadedFile("x", b"\xff\xfe")}, "file"),
        ({"file": SimpleUploadedFile("x", b"0" * 20_001)}, "file"),
        ({"file": SimpleUploadedFile("x", b"{}")}, "file"),
    ],
)
def test_what_is_no_receipt_comes_back_with_its_fault(sent, field):
    text = page("/verify/", 422, **sent)
    assert "<title>Error: Verify a receipt" in text
    assert f'<a href="#id_{field}">' in text


def test_a_code_that_is_no_receipt_in_the_address_is_a_fault_too():
    assert "A receipt has 32 characters" in page("/verify/?receipt=%3Cscript%3E", 422)


def test_a_receipt_tells_no_outcome():
    one = led_to("published", 3, seats=1)
    texts = []
    for application in Application.objects.of(one):
        text = page(f"/verify/?receipt={application.receipt_ref.hex}")
        for own in HashChain.objects.filter(subject_ref=application.receipt_ref.hex):
            text = text.replace(own.data_json.replace('"', "&quot;"), "LEAF").replace(own.data_json[11:75], "COMMIT")
            text = re.sub(rf'(class="number">|entry ){own.chain_id}\b', r"\1POSITION", text)
        text = text.replace(application.receipt_ref.hex, "RECEIPT")
        text = re.sub(r'csrfmiddlewaretoken" value="\w+"', "TOKEN", text)
        texts.append(re.sub(r"<time.*?</time>", "TIME", text))
    assert len(set(texts)) == 1


# -- figures of a cycle ----------------------------------------------


@pytest.mark.parametrize("phase", [one for one in Phase if one not in {Phase.PUBLISHED, Phase.COMPLETED}])
def test_before_publication_there_is_nothing_at_all(phase):
    led_to(phase, 1)
    there, unknown = (Client().get(path, secure=True) for path in ("/cycles/fall-2026/", "/cycles/no-such/"))
    assert (there.status_code, there.content, there.headers) == (404, unknown.content, unknown.headers)


def crowd(totals, **rules):
    """A published cycle of applications with these totals."""
    one = cycle(**rules)
    apply(one, applicants(len(totals)))
    lead(one, "processing")
    score(one, totals)
    return lead(one, "published")


def test_a_crowd_is_told_with_counts_cut_off_dates_and_proof():
    one = crowd([82] * 8 + [57] * 9 + [31] * 7, seats=10)
    text = page("/cycles/fall-2026/")
    log = one.selection()
    for said in (
        "<dt>Ranked applications</dt><dd>24</dd>",
        "<dt>Selected</dt><dd>10</dd>",
        "<dt>Cut-off</dt><dd>57.00</dd>",
        "Nobody withdrew or was set aside.",
        '<th scope="row">80–85</th><td class="number">8</td>',
        '<th scope="row">55–60</th><td class="number">9</td>',
        '<th scope="row">30–35</th><td class="number">7</td>',
        "cut-off</text>",
        "There were 10 places for 24 ranked applications.",
        "Read the rubric (version 2026-1)",
        log.ranking_sha256,
        log.criteria["tie_seed"],
        one.tie_secret().hex(),
        one.ref.hex,
        "Demo data",
    ):
        assert said in text, said
    assert "is joined with its neighbours" not in text
    assert "applications had the lowest score" not in text


def test_few_in_a_range_are_joined_and_it_says_so():
    crowd([82] * 9 + [57] * 12 + [3], seats=5)
    text = page("/cycles/fall-2026/")
    assert '<th scope="row">0–60*</th><td class="number">13</td>' in text
    assert "is joined with its neighbours" in text


def test_fewer_than_a_crowd_are_withheld():
    crowd([82] * 19, seats=5)
    text = page("/cycles/fall-2026/")
    assert "Fewer than 20 applications were ranked." in text
    assert not re.search(r"<svg|Cut-off|82\.|<dd>19|ranked applications\.|lowest score", text)


@pytest.mark.parametrize(("gone", "said"), [(1, "Fewer than 5 more withdrew"), (5, "5 more withdrew")])
def test_a_few_who_withdrew_are_not_counted(gone, said):
    one = cycle()
    apply(one, applicants(20))
    for number in range(gone):
        application = submitted(one, f"gone{number}@example.org")
        taken_back(application)
    lead(one, "published")
    assert said in page("/cycles/fall-2026/")


def test_what_was_counted_is_kept_and_queries_stay_few():
    one = crowd([82] * 30)
    with CaptureQueriesContext(connection) as first:
        before = page("/cycles/fall-2026/")
    FinalScore.objects.all().update(total=10)
    with CaptureQueriesContext(connection) as second:
        assert page("/cycles/fall-2026/") == before
    assert len(second) < len(first) <= 12
    assert sum("final_scores" in query["sql"] for query in second) == 0
    assert one.phase == "published"


def test_the_best_and_the_worst_score_have_a_place():
    crowd([100] * 10 + [0] * 10)
    text = page("/cycles/fall-2026/")
    assert f'<th scope="row">{100 - BIN}–100</th><td class="number">10</td>' in text
    assert f'<th scope="row">0–{BIN}</th><td class="number">10</td>' in text


def test_a_secret_that_does_not_open_takes_nothing_else_away():
    one = led_to("published", 1)
    other = cycle("other")
    AdmissionCycle.objects.filter(pk=one.pk).update(wrapped_key=other.wrapped_key, key_id=other.key_id)
    assert "Secret of the seed" not in page("/cycles/fall-2026/")
