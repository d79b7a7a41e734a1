"""The lists of blind copies and of scores: what they show, filter and find, at a constant cost."""

import re
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from admissions.console.copies import by_beginning
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from batches.models import BatchRun, EvaluationRequest, JudgeResult, WorkerResult
from tests.factories import applicants, apply, cycle, lead, led_to, score
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

COPIES, SCORES = "/console/admissions/anonymizedapplication/", "/console/admissions/finalscore/"


@pytest.fixture
def reviewer():
    return staff_browser(Role.REVIEWER)[0]


@pytest.fixture
def admin():
    return staff_browser(Role.ADMIN)[0]


def rows(page):
    """The rows of a list as lists of texts."""
    body = re.search(r"<tbody>(.*?)</tbody>", page.content.decode(), re.DOTALL)
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in body[1].split("</tr>") if "<t" in row]
    return [[re.sub(r"\s+", " ", re.sub("<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def ids(page):
    """The whole ids of the rows, from their titles."""
    return re.findall(r'title="([0-9a-f]{32})"', page.content.decode())


def hexes(**conditions):
    return [
        pk.hex for pk in AnonymizedApplication.objects.filter(**conditions).order_by("pk").values_list("pk", flat=True)
    ]


def copies(one, count):
    """More blind copies of a cycle, of nobody, with texts as sealed as those of the first."""
    first = AnonymizedApplication.objects.of(one).first()
    shared = {
        "gpa": 3,
        "test_scores": {},
        "sealed_texts": first.sealed_texts,
        "texts_sha256": bytes(32),
        "scrubber": "1",
    }
    made = [AnonymizedApplication(admission_cycle=one, **shared) for _ in range(count)]
    return AnonymizedApplication.objects.bulk_create(made)


def evaluated(copy, *attempts, bias=()):
    """Evaluations of a blind copy, each judged."""
    cycle, shared = copy.admission_cycle, {"model": "m", "line_sha256": bytes(32), "file_sha256": "f", "file_line": 1}
    run, _ = BatchRun.objects.get_or_create(
        admission_cycle=cycle, stage="worker", format="plain", model="m", shard_lines=1, requests=1, state="exporting"
    )
    parts = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), Decimal(50))
    for number in attempts:
        asked = {
            "admission_cycle": cycle,
            "anonymized": copy,
            "run": run,
            "attempt": number,
            "sample": 9,
            "state": "answered",
        }
        first = EvaluationRequest.objects.create(custom_id=f"w{copy.pk.hex}{number}", stage="worker", **asked)
        words = {"explanation": "clear", "reasoning": "r", "strengths": ["calm"], "areas_for_improvement": []}
        worker = WorkerResult.objects.create(
            request=first, anonymized=copy, attempt=number, rubric_adherence="a", **words, **parts, **shared
        )
        second = EvaluationRequest.objects.create(
            custom_id=f"j{copy.pk.hex}{number}", stage="judge", judged=worker, **asked
        )
        JudgeResult.objects.create(
            request=second, worker_result=worker, decision="rejected", bias_detected=number in bias, quality_score=40,
            feedback="too kind", reasoning="because", **shared,
        )  # fmt: skip


def test_a_copy_is_shown_with_its_scores_and_by_the_beginning_of_its_id(reviewer):
    one = led_to("processing", 2)
    score(one, ["71.25"])
    first, second = hexes()
    part = "71.2500"
    assert rows(reviewer.get(COPIES)) == [
        [first[:8], "fall-2026", "Scored", part, "-", part, part, part, part],
        [second[:8], "fall-2026", "Not scored yet", "-", "-", "-", "-", "-", "-"],
    ]


def test_an_empty_list_says_when_copies_are_made(reviewer):
    assert "They are made while a cycle is in preprocessing" in reviewer.get(COPIES).content.decode()


def test_the_flags_tell_what_the_engines_disagreed_on(reviewer):
    one = led_to("processing", 3)
    calm, twice, biased = AnonymizedApplication.objects.of(one).order_by("pk")
    evaluated(calm, 1)
    evaluated(twice, 1, 2)
    evaluated(biased, 1, 2, bias=[1])
    flags = [row[4] for row in rows(reviewer.get(COPIES))]
    assert flags == ["-", "Several attempts", "Bias found Several attempts"]
    assert ids(reviewer.get(f"{COPIES}?flag=bias")) == [biased.pk.hex]
    assert ids(reviewer.get(f"{COPIES}?flag=repeated")) == [twice.pk.hex, biased.pk.hex]


def test_the_list_is_filtered_by_cycle_and_by_scoring(reviewer):
    one = led_to("processing", 4)
    other = cycle("other")
    apply(other, applicants(1))
    lead(other, "preprocessing")
    scored, waits, aside, new = AnonymizedApplication.objects.of(one).order_by("pk")
    score(one, [50])
    FinalScore.objects.create(anonymized=waits, admission_cycle=one, status="waiting", waiting_reason="refused")
    decided = {"decided_at": "2026-11-28T00:00Z", "decided_by": "user:1", "decided_reason": "x"}
    FinalScore.objects.create(anonymized=aside, admission_cycle=one, status="set_aside", **decided)
    theirs = hexes(admission_cycle=other)
    found = {
        question: ids(reviewer.get(f"{COPIES}?{question}"))
        for question in ("cycle=other", "scoring=scored", "scoring=waiting", "scoring=set_aside", "scoring=none")
    }
    assert found == {
        "cycle=other": theirs,
        "scoring=scored": [scored.pk.hex],
        "scoring=waiting": [waits.pk.hex],
        "scoring=set_aside": [aside.pk.hex],
        "scoring=none": sorted([new.pk.hex, *theirs]),
    }
    assert ids(reviewer.get(f"{COPIES}?cycle=fall-2026&scoring=none")) == [new.pk.hex]


def test_copies_are_found_by_the_beginning_of_the_id(reviewer):
    one = led_to("processing", 1)
    known = UUID("0af00000-0000-4000-8000-00000000000f")
    copy = copies(one, 1)[0]
    AnonymizedApplication.objects.filter(pk=copy.pk).delete()
    copy.pk = known
    copy.save(force_insert=True)
    for term in ("0af00000-0000-4000-8000-00000000000f", known.hex, "0AF0 ", known.hex[:31], "0af00000-0000"):
        assert known.hex in ids(reviewer.get(COPIES, {"q": term})), term
    for term in ("0af1", f"{known.hex[:31]}0", f"{known.hex}0", "Amina", "0af%", "-"):
        assert ids(reviewer.get(COPIES, {"q": term})) == [], term


def test_a_beginning_is_a_range_of_the_primary_key():
    sql = str(by_beginning(AnonymizedApplication.objects.all(), "8f").query)
    assert "8f000000-0000-0000-0000-000000000000" in sql
    assert "8fffffff-ffff-ffff-ffff-ffffffffffff" in sql


def walked(browser, address):
    """All ids of a list, page by page, and how many pages there were."""
    seen, pages = [], 0
    while address:
        page = browser.get(address)
        seen += ids(page)
        pages += 1
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        address = following and address.split("?")[0] + following[1].replace("&amp;", "&")
    return seen, pages


def test_pages_follow_one_another_without_gap_or_repeat(reviewer):
    copies(led_to("processing", 1), 119)
    assert walked(reviewer, COPIES) == (hexes(), 3)


def test_equal_totals_are_paged_without_gap_or_repeat(admin):
    one = led_to("processing", 1)
    copies(one, 119)
    score(one, [70] * 40 + [60] * 80)
    best_first = [pk.hex for pk in FinalScore.objects.order_by("-total", "pk").values_list("pk", flat=True)]
    assert walked(admin, SCORES) == (best_first, 3)
    last = admin.get(SCORES)
    assert (ids(last), best_first[:50]) == (best_first[:50], ids(last))


def test_the_way_back_shows_the_page_before(admin):
    one = led_to("processing", 1)
    copies(one, 119)
    score(one, [70] * 120)
    first = admin.get(SCORES)
    second = admin.get(
        SCORES + re.search(r'rel="next" href="([^"]+)"', first.content.decode())[1].replace("&amp;", "&")
    )
    back = re.search(r'rel="prev" href="([^"]+)"', second.content.decode())[1].replace("&amp;", "&")
    assert ids(admin.get(SCORES + back)) == ids(first)


def test_scores_are_those_of_one_cycle_the_newest_first(admin):
    for code in ("older", "newer"):
        one = cycle(code)
        apply(one, applicants(3))
        lead(one, "processing")
        score(one, [10, 95, 40])
    assert [row[1:3] for row in rows(admin.get(SCORES))] == [
        ["newer", "95.0000"],
        ["newer", "40.0000"],
        ["newer", "10.0000"],
    ]
    assert [row[1] for row in rows(admin.get(f"{SCORES}?cycle=older"))] == ["older"] * 3


@pytest.mark.parametrize(
    ("total", "found"),
    [("90-100", ["100.0000", "90.0000"]), ("80-90", ["89.9999"]), ("89.9999-90", ["89.9999"]), ("0-10", [])],
)
def test_scores_are_filtered_by_a_range_of_totals(admin, total, found):
    score(led_to("processing"), ["90", "89.9999", "100"])
    page = admin.get(f"{SCORES}?total={total}")
    assert ([row[2] for row in rows(page)] if found else ids(page)) == found


def test_what_has_no_total_has_no_rank(admin):
    one = led_to("processing", 2)
    score(one, [50])
    copy = AnonymizedApplication.objects.undecided().get()
    FinalScore.objects.create(anonymized=copy, admission_cycle=one, status="waiting", waiting_reason="refused")
    assert len(ids(admin.get(SCORES))) == 1


@pytest.mark.parametrize(
    "question",
    ["cycle=none", "scoring=unknown", "flag=nice", "after=rubbish", "before=W10"],
)
def test_a_filter_that_does_not_exist_is_left_out(reviewer, question):
    led_to("processing", 1)
    assert reviewer.get(f"{COPIES}?{question}").redirect_chain == [(f"{COPIES}?e=1", 302)]


@pytest.mark.parametrize("total", ["9", "a-b", "50-40", "-5-10", "0-101", "NaN-NaN", "sNaN-1", "0-Infinity"])
def test_a_range_that_is_none_is_left_out(admin, total):
    led_to("processing", 1)
    assert admin.get(f"{SCORES}?total={total}").redirect_chain == [(f"{SCORES}?e=1", 302)]


@pytest.mark.parametrize(
    "address", [f"{COPIES}?gpa=3.8", f"{COPIES}?texts_sha256=x", f"{COPIES}?admission_cycle__seats=2"]
)
def test_no_other_column_answers_a_filter(reviewer, address):
    led_to("processing", 1)
    assert reviewer.get(address).status_code == 400


@pytest.mark.parametrize("address", [COPIES, SCORES])
def test_three_hundred_rows_take_as_many_queries_as_three(admin, address):
    one = led_to("processing", 3)
    score(one, [50, 60, 70])
    for copy in AnonymizedApplication.objects.of(one):
        evaluated(copy, 1, 2, bias=[2])
    with CaptureQueriesContext(connection) as few:
        admin.get(address)
    for copy in copies(one, 297):
        evaluated(copy, 1, 2, bias=[2])
    score_rest(one)
    with CaptureQueriesContext(connection) as many:
        assert len(ids(admin.get(address))) == 50
    assert len(many) == len(few)


def score_rest(one):
    whole = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), Decimal(42))
    FinalScore.objects.bulk_create(
        FinalScore(
            anonymized=copy, admission_cycle=one, status="scored", engine="m", evidence_sha256=bytes(32), **whole
        )
        for copy in AnonymizedApplication.objects.of(one).undecided()
    )


def test_nothing_is_counted_and_no_text_is_read(admin):
    led_to("processing", 3)
    with CaptureQueriesContext(connection) as asked:
        admin.get(COPIES)
        admin.get(SCORES)
    assert [query["sql"] for query in asked if "COUNT(" in query["sql"] or "sealed_texts" in query["sql"]] == []


@pytest.mark.parametrize("address", [COPIES, f"{COPIES}?cycle=fall-2026", SCORES])
def test_no_list_of_copies_asks_for_a_person(admin, address):
    score(led_to("processing", 3), [50])
    with CaptureQueriesContext(connection) as asked:
        page = admin.get(address).content.decode()
    assert [one["sql"] for one in asked if re.search(r"identity_mapping|\"applications\"", one["sql"])] == []
    assert [ref for ref in Application.objects.values_list("reference", flat=True) if ref in page] == []


def test_the_order_by_total_is_for_whoever_selects(reviewer):
    assert reviewer.get(SCORES).status_code == 403


def test_an_auditor_sees_no_copy():
    browser, _ = staff_browser(Role.AUDITOR)
    assert [browser.get(address).status_code for address in (COPIES, SCORES)] == [403, 403]
