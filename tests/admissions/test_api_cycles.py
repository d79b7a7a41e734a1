"""Cycles by API: list, open, read, change before the freeze; versions, and problems that point at fields."""

import pytest

from accounts.roles import Role
from admissions import rubrics
from admissions.models.cycles import AdmissionCycle
from audit.models import LogOutbox
from enigma.rest.serializers import rfc3339
from tests.clients import api, applicant_client, service_client, staff_client
from tests.factories import cycle, lead, led_to

pytestmark = pytest.mark.django_db

CYCLES, ONE = "/api/v1/admin/cycles", "/api/v1/admin/cycles/fall-2026"
NEW = {"code": "fall-2026", "name": "Fall 2026", "seats": 120}
STEPS = (
    "freeze", "start_preprocessing", "start_batch_prep", "start_processing", "mark_scored", "perform_selection",
    "publish_results", "complete",
)  # fmt: skip


def problem(status, title, detail, code, **more):
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more}


def faults(*errors, detail="The input has faults."):
    errors = [dict(zip(("pointer", "code", "detail"), error, strict=True)) for error in errors]
    return problem(422, "Unprocessable Entity", detail, "invalid", errors=errors)


@pytest.fixture
def client():
    return staff_client()


def change(client, body, *, version=None):
    """Send a change of the cycle as it was read last."""
    version = version or client.get(ONE).headers["ETag"]
    return client.patch(ONE, body, headers={"If-Match": version})


# -- reading -----------------------------------------------------


def test_a_cycle_is_shown_with_all_its_rules(client):
    one = cycle(seats=120)
    assert client.get(ONE).json() == {
        "code": "fall-2026",
        "name": "Fall 2026",
        "phase": "submission",
        "phase_since": rfc3339(one.phase_since),
        "next_step": "freeze",
        "seats": 120,
        "opens_at": None,
        "closes_at": None,
        "results_at": None,
        "rubric_version": "2026-1",
        "rubric_sha256": rubrics.rubric("2026-1").sha256,
        "weights": {"academic": "0.3000", "test": "0.2500", "achievement": "0.2500", "essay": "0.2000"},
        "tests": {"SAT": ["400", "1600"], "ACT": ["1", "36"]},
        "gpa_scale": "4.0000",
        "essay_max": 20_000,
        "achievements_max": 10_000,
        "judge_policy": "every",
        "attempts_allowed": 3,
        "tie_break": ["essay", "achievement", "academic", "seed"],
        "is_demo": True,
        "links": {"self": ONE, "status": f"{ONE}/status", "steps": {step: f"{ONE}/{step}" for step in STEPS}},
    }


def test_who_has_the_version_already_is_told_so(client):
    cycle()
    version = client.get(ONE).headers["ETag"]
    again = client.get(ONE, headers={"If-None-Match": version})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", version)


def test_an_unknown_cycle_is_not_found(client):
    absent = problem(404, "Not Found", "Not found.", "not_found")
    answers = [client.get(ONE), client.patch(ONE, {}, headers={"If-Match": "*"})]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, absent)] * 2


def listed(client, query=""):
    return [one["code"] for one in client.get(f"{CYCLES}{query}").json()["results"]]


def test_cycles_are_listed_newest_first_by_page(client):
    for number in range(3):
        cycle(f"cycle-{number}")
    first = client.get(f"{CYCLES}?page_size=2").json()
    assert [one["code"] for one in first["results"]] == ["cycle-2", "cycle-1"]
    assert client.get(first["next"]).json() == {
        "results": [client.get(f"{CYCLES}/cycle-0").json()],
        "next": None,
    }


def test_cycles_are_found_by_phase_and_kind(client):
    led_to("frozen")
    cycle("real", is_demo=False)
    cycle("demo")
    assert listed(client, "?phase=frozen") == ["fall-2026"]
    assert listed(client, "?phase=submission&is_demo=1") == ["demo"]
    assert listed(client, "?is_demo=false") == ["real"]
    assert listed(client, "?phase=completed") == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("phase=open", ("/phase", "invalid_choice", '"open" is not a valid choice.')),
        ("is_demo=yes", ("/is_demo", "invalid", "must be 1, 0, true or false")),
        ("is_demo=1&is_demo=0", ("/is_demo", "invalid", "stands twice")),
        ("code=x", ("/code", "unknown_field", "is not a field of this request")),
    ],
)
def test_a_list_takes_its_own_parameters_only(client, query, error):
    answer = client.get(f"{CYCLES}?{query}")
    assert (answer.status_code, answer.json()) == (422, faults(error))


# -- opening -----------------------------------------------------


def test_a_cycle_is_opened_with_the_rules_that_it_is_given(client):
    rules = {
        "opens_at": "2026-09-01T08:00:00Z",
        "closes_at": "2026-11-15T23:00:00Z",
        "results_at": None,
        "weights": {"academic": "0.1000", "test": "0.2500", "achievement": "0.2500", "essay": "0.4000"},
        "tests": {"IELTS": ["0", "9.5"]},
        "gpa_scale": "5.0000",
        "essay_max": 1000,
        "achievements_max": 500,
        "judge_policy": "none",
        "attempts_allowed": 1,
        "tie_break": ["essay", "seed"],
        "is_demo": True,
        "rubric_version": "2026-1",
    }
    answer = client.post(CYCLES, {**NEW, **rules})
    body = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, ONE)
    assert {name: body[name] for name in (*NEW, *rules)} == {**NEW, **rules}
    again = client.get(ONE)
    assert (again.json(), again.headers["ETag"]) == (body, answer.headers["ETag"])


def test_a_cycle_that_was_read_can_be_opened_again_under_another_code(client):
    shown = client.post(CYCLES, NEW).json()
    read_only = {"phase", "phase_since", "next_step", "rubric_sha256", "links"}
    given = {name: value for name, value in shown.items() if name not in read_only} | {"code": "spring-2027"}
    answer = client.post(CYCLES, given)
    assert (answer.status_code, AdmissionCycle.objects.get(code="spring-2027").rules()) == (
        201,
        AdmissionCycle.objects.get(code="fall-2026").rules(),
    )


def test_a_code_is_taken_once(client):
    client.post(CYCLES, NEW)
    again = client.post(CYCLES, NEW)
    taken = problem(409, "Conflict", "There is a cycle fall-2026 already.", "conflict")
    assert (again.status_code, again.headers["Content-Type"], again.json()) == (409, "application/problem+json", taken)


SUM = "the four weights must not be negative and must sum to 1"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"code": "Fall 2026"}, [("/code", "invalid")]),
        ({"seats": 0, "name": ""}, [("/name", "blank"), ("/seats", "min_value")]),
        ({"seats": "120", "is_demo": 1}, [("/is_demo", "type"), ("/seats", "type")]),
        ({"phase": "scored", "luck": 1}, [("/luck", "unknown_field"), ("/phase", "unknown_field")]),
        ({"weights": {"luck": "1"}}, [("/weights/luck", "unknown_field")]),
        ({"weights": {"essay": 0.2}}, [("/weights/essay", "type")]),
        ({"weights": {"essay": "10.0000"}}, [("/weights/essay", "invalid")]),
        ({"tests": {"SAT": [400, "1600"]}}, [("/tests/SAT/0", "type")]),
        ({"tests": {"SAT": ["400"]}}, [("/tests/SAT", "min_length")]),
        ({"tests": {"SAT": ["NaN", "1"]}}, [("/tests/SAT/0", "invalid")]),
        ({"tie_break": ["luck"]}, [("/tie_break/0", "invalid_choice")]),
        ({"opens_at": "2026-09-01T08:00:00"}, [("/opens_at", "zoneless")]),
        ({"opens_at": "0001-01-01T00:00:00+14:00"}, [("/opens_at", "overflow")]),
    ],
)
def test_each_wrong_field_is_pointed_at(client, body, errors):
    answer = client.post(CYCLES, {**NEW, **body})
    pointed = sorted((error["pointer"], error["code"]) for error in answer.json()["errors"])
    assert (answer.status_code, pointed, AdmissionCycle.objects.count()) == (422, errors, 0)


@pytest.mark.parametrize(
    ("body", "pointer", "told"),
    [
        ({"weights": {"essay": "0.5"}}, "/weights", SUM),
        ({"tests": {}}, "/tests", "at least one test must be accepted"),
        ({"tests": {"SAT": ["9", "1"]}}, "/tests", "the range of the test 'SAT' is empty"),
        ({"tie_break": ["essay", "essay", "seed"]}, "/tie_break", "the tie-break names a part twice"),
        ({"opens_at": "2026-02-01T00:00:00Z", "closes_at": "2026-01-01T00:00:00Z"}, "/closes_at",
         "the cycle must close after it opens"),
        ({"gpa_scale": "0"}, "/gpa_scale", "gpa_scale must be positive"),
        ({"name": "Fall\n2026"}, "/name", "the name must be one line of printable characters"),
    ],
)  # fmt: skip
def test_each_wrong_rule_is_pointed_at(client, body, pointer, told):
    answer = client.post(CYCLES, {**NEW, **body})
    detail = f"The rules of fall-2026 do not hold: {told}."
    assert (answer.status_code, answer.json()) == (422, faults((pointer, "invalid", told), detail=detail))
    assert (AdmissionCycle.objects.count(), LogOutbox.objects.filter(log="public").count()) == (0, 0)


def test_opening_with_a_key_happens_once(client):
    answers = [client.post(CYCLES, NEW, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [(answer.status_code, answer.json(), answer.headers["ETag"]) for answer in answers] == [
        (201, answers[0].json(), answers[0].headers["ETag"])
    ] * 2
    assert AdmissionCycle.objects.count() == 1


# -- changing ----------------------------------------------------


def test_a_change_answers_with_the_cycle_and_its_new_version(client):
    cycle()
    before = client.get(ONE)
    answer = change(client, {"seats": 140, "weights": {"essay": "0.25", "test": "0.2"}, "closes_at": None})
    weights = {**before.json()["weights"], "essay": "0.2500", "test": "0.2000"}
    assert (answer.status_code, answer.json()) == (200, {**before.json(), "seats": 140, "weights": weights})
    after = client.get(ONE)
    assert (after.json(), after.headers["ETag"]) == (answer.json(), answer.headers["ETag"])
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_change_without_the_version_that_it_changes_is_refused(client):
    cycle()
    answer = client.patch(ONE, {"seats": 140})
    detail = "Send If-Match with the ETag that you read."
    assert (answer.status_code, answer.json()) == (
        428,
        problem(428, "Precondition Required", detail, "if_match_missing"),
    )


def test_a_change_of_what_has_changed_meanwhile_is_refused(client):
    cycle()
    version = client.get(ONE).headers["ETag"]
    answers = [change(client, {"seats": seats}, version=version) for seats in (140, 150)]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert answers[1].json() == problem(
        412, "Precondition Failed", "It was changed in the meantime: read it again, and change that.", "changed"
    )
    assert client.get(ONE).json()["seats"] == 140


def test_after_the_freeze_a_change_is_a_conflict(client):
    one = led_to("frozen")
    sealed = "fall-2026 is sealed since the freeze: its rules cannot change."
    answer = change(client, {"seats": 140})
    assert (answer.status_code, answer.json()) == (409, problem(409, "Conflict", sealed, "phase_error"))
    assert AdmissionCycle.objects.get().rules() == one.rules()


def test_a_version_that_was_read_before_the_freeze_is_of_another_cycle(client):
    one = led_to("submission")
    version = client.get(ONE).headers["ETag"]
    lead(one, to="frozen")
    assert change(client, {"seats": 140}, version=version).status_code == 412


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"code": "spring"}, "/code"),
        ({"phase": "frozen"}, "/phase"),
        ({"weights": {"essay": "0.9"}}, "/weights"),
        ({"seats": None}, "/seats"),
        ([], ""),
    ],
)
def test_a_change_takes_rules_that_hold_only(client, body, pointer):
    one = cycle()
    answer = change(client, body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    assert AdmissionCycle.objects.get().rules() == one.rules()


# -- who may -----------------------------------------------------


@pytest.mark.parametrize(
    ("role", "codes"),
    [
        (Role.REVIEWER, [200, 200, 403, 403]),
        (Role.AUDITOR, [200, 200, 403, 403]),
        (Role.ADMIN, [200, 200, 201, 200]),
        (Role.SUPER_ADMIN, [200, 200, 201, 200]),
    ],
)
def test_all_staff_read_cycles_and_officers_open_and_change_them(role, codes):
    cycle()
    client = staff_client(role)
    answers = [
        client.get(CYCLES),
        client.get(ONE),
        client.post(CYCLES, {**NEW, "code": "spring"}),
        change(client, {"seats": 140}),
    ]
    assert [answer.status_code for answer in answers] == codes


@pytest.mark.parametrize(("make", "code"), [(api, 401), (applicant_client, 403), (service_client, 403)])
def test_nobody_else_is_let_in(make, code):
    cycle()
    client = make()
    headers = {"If-Match": "*"}
    answers = [client.get(CYCLES), client.get(ONE), client.post(CYCLES, NEW), client.patch(ONE, {}, headers=headers)]
    assert [answer.status_code for answer in answers] == [code] * 4
