"""The list of applications by reference: no merit, no blind id, no outcome under embargo."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import roles
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication
from tests.factories import AMINA, applicants, apply, cycle, lead, led_to, submitted, taken_back
from tests.test_pages_authorization import STAFF
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db

INTAKE = "/console/admissions/application/"


def browser_of(role):
    return staff_browser(role)[0]


@pytest.fixture
def admin():
    return browser_of(Role.ADMIN)


def rows(page):
    """The rows of the list as lists of texts."""
    found = re.findall(r"<tr>(<td.*?)</tr>", page.content.decode(), re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in found]
    return [[re.sub("<[^>]+>", "", cell) for cell in row] for row in cells]


def statuses(page):
    return [row[2] for row in rows(page)]


def test_it_shows_where_each_stands_and_how_it_came_in(admin):
    one = cycle()
    apply(one, applicants(1))
    taken_back(submitted(one))
    last, first = Application.objects.order_by("-pk")
    assert [row[:4] for row in rows(admin.get(INTAKE))] == [
        [last.reference, "fall-2026", "Withdrawn", "Sent by the applicant"],
        [first.reference, "fall-2026", "Submitted", "Imported"],
    ]


def test_it_shows_neither_merit_nor_rank_nor_blind_id(admin):
    one = led_to("published", 3)
    page = admin.get(INTAKE).content.decode()
    hidden = [copy.hex[:8] for copy in AnonymizedApplication.objects.of(one).values_list("pk", flat=True)]
    hidden += [f"{application.gpa:.2f}" for application in Application.objects.all()]
    hidden += [str(score) for application in Application.objects.all() for score in application.test_scores.values()]
    assert [word for word in [*hidden, AMINA["name"], "amina0@example.org"] if word in page] == []
    assert len(hidden) == 9


@pytest.mark.parametrize("column", ["gpa", "gpa__gt", "outcome", "rank", "applicant__email", "status__exact", "pk"])
def test_no_hidden_column_answers_a_filter(admin, column):
    led_to("published", 1)
    assert admin.get(INTAKE, {column: "3"}).status_code == 400


def test_it_is_filtered_by_cycle_and_by_status(admin):
    one = led_to("processing", 3)
    other = cycle("other")
    apply(other, applicants(2))
    first = Application.objects.of(one).first()
    Application.objects.filter(pk=first.pk).update(status="failed")
    assert statuses(admin.get(f"{INTAKE}?cycle=other")) == ["Submitted"] * 2
    assert [row[0] for row in rows(admin.get(f"{INTAKE}?status=failed"))] == [first.reference]
    assert statuses(admin.get(f"{INTAKE}?cycle=other&status=failed")) == []


def test_one_is_found_by_reference_or_receipt_as_a_whole(admin):
    led_to("submission", 3)
    one = Application.objects.first()
    terms = [one.reference, one.reference.lower(), f" {one.reference.replace('-', '')} "]
    for term in [*terms, one.receipt_ref.hex, str(one.receipt_ref).upper()]:
        assert [row[0] for row in rows(admin.get(INTAKE, {"q": term}))] == [one.reference], term
    for term in (one.reference[:9], one.receipt_ref.hex[:31], "Amina", "%"):
        assert rows(admin.get(INTAKE, {"q": term})) == [], term


@pytest.mark.parametrize("role", [role for name, role in STAFF.items() if name in ("reviewer", "auditor")])
def test_it_is_for_the_office(role):
    assert browser_of(role).get(INTAKE).status_code == 403


@pytest.fixture
def lowly(monkeypatch):
    """A reviewer in a house where reviewers may see the intake: the embargo still binds them."""
    mine = roles.PERMISSIONS[Role.REVIEWER] | {"applications.view"}
    monkeypatch.setitem(roles.PERMISSIONS, Role.REVIEWER, mine)
    return browser_of(Role.REVIEWER)


def test_under_embargo_the_outcome_is_kept_back_in_list_and_filter(lowly):
    one = led_to("selection", 5)
    assert statuses(lowly.get(INTAKE)) == ["Decided"] * 5
    assert [statuses(lowly.get(f"{INTAKE}?status={status}")) for status in ("selected", "not_selected")] == [[], []]
    lead(one, "published")
    assert statuses(lowly.get(INTAKE)) == ["Published"] * 5


def test_whoever_selects_sees_the_outcome_before(admin):
    led_to("selection", 3)
    assert sorted(statuses(admin.get(INTAKE))) == ["Not selected", "Selected", "Selected"]
    assert statuses(admin.get(f"{INTAKE}?status=not_selected")) == ["Not selected"]


def test_three_hundred_rows_take_as_many_queries_as_three(admin):
    one = cycle()
    apply(one, applicants(3))
    with CaptureQueriesContext(connection) as few:
        admin.get(INTAKE)
    apply(one, [{**row, "email": f"more{row['email']}"} for row in applicants(297)])
    with CaptureQueriesContext(connection) as many:
        assert len(rows(admin.get(INTAKE))) == 50
    assert len(many) == len(few)
    assert [query["sql"] for query in many if "COUNT(" in query["sql"] or "identity_mapping" in query["sql"]] == []


def test_pages_follow_one_another(admin):
    one = cycle()
    apply(one, applicants(120))
    seen, address = [], INTAKE
    while address:
        page = admin.get(address)
        seen += [row[0] for row in rows(page)]
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        address = following and INTAKE + following[1]
    assert seen == list(Application.objects.order_by("-pk").values_list("reference", flat=True))
