"""Opening a cycle and changing its rules by the console: every rule, faults by field, two people at once, the seal."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.roles import Role
from admissions.models.cycles import AdmissionCycle
from tests.admissions.test_console_cycles import text
from tests.factories import cycle, everything, led_to
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
OPEN, RULES = "/console/open-a-cycle/", "/console/cycles/fall-2026/rules/"
GIVEN = {
    "code": "fall-2027",
    "name": "Fall 2027",
    "seats": "12",
    "opens_at": "2027-01-01T08:00",
    "closes_at": "2027-02-01T20:00",
    "results_at": "",
    "weight_academic": "0.4",
    "weight_test": "0.3",
    "weight_achievement": "0.2",
    "weight_essay": "0.1",
    "rubric_version": "2026-1",
    "tests": "SAT 400 1600\nIELTS Academic 0 9",
    "gpa_scale": "5",
    "essay_max": "3000",
    "achievements_max": "1000",
    "judge_policy": "none",
    "attempts_allowed": "2",
    "tie_1": "academic",
    "tie_2": "essay",
    "tie_3": "",
    "tie_4": "",
}


@pytest.fixture
def officer():
    return staff_browser()[0]


def filled(page):
    """The values of a form as a browser would send them again."""
    html = page.content.decode()
    given = dict(re.findall(r'<input (?:type="\w+(?:-\w+)?" )name="(\w+)" value="([^"]*)"', html))
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        given[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', html, re.DOTALL):
        given[name] = value
    if 'name="is_demo" id="id_is_demo" checked' in html:
        given["is_demo"] = "on"
    return given


def test_every_rule_can_be_set_when_a_cycle_is_opened(officer):
    page = officer.post(OPEN, GIVEN)
    assert page.redirect_chain == [("/console/cycles/fall-2027/", 302)]
    one = AdmissionCycle.objects.get()
    assert (one.code, one.name, one.seats, one.is_demo) == ("fall-2027", "Fall 2027", 12, False)
    assert (one.opens_at, one.results_at) == (datetime(2027, 1, 1, 8, tzinfo=UTC), None)
    assert [*one.weights.values()] == [Decimal(f"0.{digit}") for digit in "4321"]
    assert one.tests == {"SAT": ["400", "1600"], "IELTS Academic": ["0", "9"]}
    assert (one.gpa_scale, one.essay_max, one.achievements_max) == (5, 3000, 1000)
    assert (one.judge_policy, one.attempts_allowed, one.tie_break) == ("none", 2, ["academic", "essay", "seed"])


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"code": ""}, "code", "This field is required."),
        ({"code": "fall-2026"}, "code", "There is a cycle fall-2026 already."),
        ({"weight_essay": "0.2"}, "weight_academic", "the four weights must not be negative and must sum to 1"),
        ({"closes_at": "2026-12-01T08:00"}, "closes_at", "the cycle must close after it opens"),
        ({"tests": "SAT 400"}, "tests", "Give each test once, as name, lowest and highest score: SAT 400 1600"),
        ({"tests": "SAT 1600 400"}, "tests", "the range of the test &#x27;SAT&#x27; is empty"),
        ({"tests": "SAT 1 2\nSAT 1 3"}, "tests", "Give each test once"),
        ({"tie_2": "academic"}, "tie_1", "the tie-break names a part twice"),
        ({"gpa_scale": "0"}, "gpa_scale", "gpa_scale must be positive"),
        ({"seats": "0"}, "seats", "Ensure this value is greater than or equal to 1."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_all_values_are_kept(officer, changes, field, told):
    cycle()
    answer = officer.post(OPEN, {**GIVEN, **changes})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(rf'<li><a href="#id_{field}">[^<]*: {re.escape(told)}', html)
    assert "<title>Error:" in html
    assert filled(answer)["name"] == "Fall 2027"
    assert AdmissionCycle.objects.count() == 1


def test_a_form_sent_as_it_was_shown_changes_nothing(officer):
    cycle(opens_at=datetime(2027, 1, 1, 8, 0, 30, tzinfo=UTC), tests={"SAT": [400, 1600]})
    before = everything()["admission_cycles"]
    page = officer.post(RULES, filled(officer.get(RULES)))
    assert "Nothing was changed." in text(page)
    assert everything()["admission_cycles"] == before


def test_rules_change_until_the_freeze(officer):
    cycle()
    given = filled(officer.get(RULES))
    page = officer.post(RULES, {**given, "seats": "9", "tie_1": "academic", "tie_3": "essay"})
    assert "The rules are changed." in text(page)
    one = AdmissionCycle.objects.get()
    assert (one.seats, one.tie_break) == (9, ["academic", "achievement", "essay", "seed"])
    assert (one.tests, one.is_demo) == ({"SAT": [400, 1600], "ACT": [1, 36]}, True)


def test_the_second_of_two_is_told_sees_what_holds_now_and_can_still_mean_it(officer):
    cycle()
    first, second = filled(officer.get(RULES)), filled(officer.get(RULES))
    officer.post(RULES, {**first, "seats": "9"})
    answer = officer.post(RULES, {**second, "seats": "5"})
    assert answer.status_code == 409
    assert "Somebody else has changed these rules in the meantime" in text(answer)
    assert "Seats 9" in text(answer)
    assert AdmissionCycle.objects.get().seats == 9
    assert filled(answer)["seats"] == "5"
    officer.post(RULES, filled(answer))
    assert AdmissionCycle.objects.get().seats == 5


def test_a_change_that_no_rule_allows_is_told(officer):
    cycle()
    answer = officer.post(RULES, {**filled(officer.get(RULES)), "weight_essay": "0.9"})
    assert answer.status_code == 422
    assert "must sum to 1" in text(answer)


def test_sealed_rules_are_read_and_not_changed(officer):
    cycle()
    given = filled(officer.get(RULES))
    AdmissionCycle.objects.all().delete()
    led_to("frozen")
    page = officer.get(RULES)
    assert "These rules are sealed since the freeze" in text(page)
    assert "<fieldset" not in page.content.decode()
    answer = officer.post(RULES, {**given, "seats": "9"})
    assert answer.status_code == 409
    assert AdmissionCycle.objects.get().seats == 2


def test_who_may_not_change_rules_reads_them():
    reviewer = staff_browser(Role.REVIEWER)[0]
    cycle()
    page = reviewer.get(RULES)
    assert "your role reads them only" in text(page)
    assert reviewer.post(RULES, {"seats": "9"}).status_code == 403
    assert reviewer.get(OPEN).status_code == 403
