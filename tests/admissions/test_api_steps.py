"""Steps by API: the eight lead a cycle to its end, a dry run leaves no trace, and of two at once one is refused."""

from functools import partial

import pytest

from accounts.roles import STEPS, Role
from admissions.models.cycles import AdmissionCycle
from admissions.preprocessing import preprocess_chunk
from audit.models import AuditLog, LogOutbox
from enigma.rest.queries import prefers_async
from tests.clients import api, applicant_client, service_client, staff_client
from tests.factories import applicants, apply, cycle, everything, led_to, omar, work_before
from tests.racing import together

pytestmark = pytest.mark.django_db

ONE = "/api/v1/admin/cycles/fall-2026"
PHASES = [getattr(AdmissionCycle, step).source for step in STEPS]
ENDS = {step: (getattr(AdmissionCycle, step).source, getattr(AdmissionCycle, step).target) for step in STEPS}


def conflict(detail):
    title = {"type": "about:blank", "title": "Conflict", "status": 409}
    return {**title, "detail": detail, "code": "phase_error"}


def stored():
    """All but what signing in and asking leave."""
    return {table: rows for table, rows in everything().items() if "session" not in table and "counter" not in table}


def ready_for(step):
    """A cycle that this step can be taken of."""
    one = led_to(ENDS[step][0])
    work_before(one)
    return one


def test_the_eight_steps_lead_a_cycle_to_its_end():
    client, one = staff_client(), cycle()
    apply(one, applicants(3))
    taken = []
    for step in STEPS:
        work_before(one)
        answer = client.post(f"{ONE}/{step}", {"reason": "it is time"})
        taken.append((answer.status_code, answer.json()["from"], answer.json()["to"]))
        while step == "start_preprocessing" and preprocess_chunk(one):
            pass
        one.refresh_from_db()
    codes = [202 if step in {"start_preprocessing", "publish_results"} else 200 for step in STEPS]
    assert taken == [(code, *ENDS[step]) for code, step in zip(codes, STEPS, strict=True)]
    assert (one.phase, LogOutbox.objects.count()) == ("completed", 0)


def test_a_step_answers_with_its_facts_and_is_audited_as_taken_in_this_session():
    one = led_to("submission")
    client = staff_client()
    answer = client.post(f"{ONE}/freeze", {"reason": "the deadline has passed"})
    body = answer.json()
    entry = AuditLog.objects.get(action="cycle.freeze")
    assert (answer.status_code, {name: body[name] for name in body if name != "facts"}) == (
        200,
        {"step": "freeze", "from": "submission", "to": "frozen", "dry_run": False},
    )
    assert {"reason": "the deadline has passed", "from": "submission", "to": "frozen", **body["facts"]} == entry.details
    who = (client.actor.id, "admin", client.actor.session_id)
    assert (entry.actor_id, entry.role, entry.session_id) == who
    one.refresh_from_db()
    assert (one.phase, body["facts"]["applications"]) == ("frozen", 3)


@pytest.mark.parametrize("step", ["start_preprocessing", "publish_results"])
def test_a_step_that_leaves_work_to_the_workers_says_where_to_look(step):
    ready_for(step)
    answer = staff_client().post(f"{ONE}/{step}")
    assert (answer.status_code, answer.headers["Location"], answer.json()["step"]) == (202, f"{ONE}/status", step)


@pytest.mark.parametrize("step", STEPS)
def test_a_dry_run_says_what_would_be_and_leaves_everything_as_it_was(step):
    ready_for(step)
    client = staff_client()
    before = stored()
    answer = client.post(f"{ONE}/{step}?dry_run=1")
    body = answer.json()
    assert (answer.status_code, body["from"], body["to"], body["dry_run"]) == (200, *ENDS[step], True)
    assert (sum(body["facts"]["heads_after"].values()), stored()) == (3, before)


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_in_another_phase_is_a_conflict_and_changes_nothing(step):
    led_to("submission")
    client = staff_client()
    answer = client.post(f"{ONE}/{step}")
    told = f"{step} needs the phase {ENDS[step][0]}, but fall-2026 is in submission."
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert answer.json() == conflict(told)
    assert AdmissionCycle.objects.get().phase == "submission"


def test_what_a_step_waits_for_is_told():
    cycle()
    answer = staff_client().post(f"{ONE}/freeze")
    assert (answer.status_code, answer.json()) == (409, conflict("fall-2026 has no application to freeze."))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_step_at_once_one_is_told_that_it_is_taken():
    led_to("submission")
    clients = [staff_client(email=f"omar{number}@example.org") for number in range(2)]
    answers = together(*(partial(client.post, f"{ONE}/freeze") for client in clients))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [refused] = [answer.json() for answer in answers if answer.status_code == 409]
    assert refused == conflict("freeze needs the phase submission, but fall-2026 is in frozen.")
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1


def test_a_step_with_a_key_is_taken_once_and_answered_twice():
    led_to("submission")
    client = staff_client()
    answers = [client.post(f"{ONE}/freeze", headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, answers[0].json())] * 2
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1


@pytest.mark.parametrize(
    ("query", "body", "pointer"),
    [
        ("?dryrun=1", {}, "/dryrun"),
        ("?dry_run=yes", {}, "/dry_run"),
        ("?dry_run=1&dry_run=0", {}, "/dry_run"),
        ("", {"because": "x"}, "/because"),
        ("", {"reason": 7}, "/reason"),
        ("", {"reason": "x" * 501}, "/reason"),
        ("", [], ""),
    ],
)
def test_what_a_step_does_not_take_is_refused_before_anything_happens(query, body, pointer):
    led_to("submission")
    answer = staff_client().post(f"{ONE}/freeze{query}", body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    assert AdmissionCycle.objects.get().phase == "submission"


def test_a_reason_that_holds_an_address_does_not_reach_the_log():
    led_to("submission")
    answer = staff_client().post(f"{ONE}/freeze", {"reason": "amina@example.org asked"})
    told = "The audit log takes no personal data, but an e-mail address stands in this entry."
    assert (answer.status_code, answer.json()["detail"]) == (409, told)
    assert AdmissionCycle.objects.get().phase == "submission"


def test_only_the_eight_steps_exist_and_only_for_cycles_that_exist():
    led_to("submission")
    client = staff_client()
    places = [f"{ONE}/thaw", f"{ONE}/save", "/api/v1/admin/cycles/spring/freeze", f"{ONE}/freeze/"]
    assert [client.post(place).status_code for place in places] == [404] * 4


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_looking_at_a_step_takes_nothing(method):
    led_to("submission")
    answer = getattr(staff_client(), method)(f"{ONE}/freeze")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert AdmissionCycle.objects.get().phase == "submission"


@pytest.mark.parametrize("step", STEPS)
def test_only_officers_take_steps(step):
    cycle()
    clients = [
        api(),
        applicant_client(),
        service_client(),
        *(api(omar(role, email=f"{role}@example.org")) for role in (Role.REVIEWER, Role.AUDITOR)),
    ]
    assert [client.post(f"{ONE}/{step}").status_code for client in clients] == [401, 403, 403, 403, 403]
    officers = [api(omar(role, email=f"{role}@example.org")) for role in (Role.ADMIN, Role.SUPER_ADMIN)]
    assert [client.post(f"{ONE}/{step}?dry_run=1").status_code for client in officers] == [409, 409]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("respond-async", True),
        ("wait=10, Respond-Async", True),
        ("respond-async; foo=bar", True),
        ("", False),
        ("respond-asynchronously", False),
        ("wait=10", False),
    ],
)
def test_a_client_may_prefer_not_to_wait(header, wanted):
    assert prefers_async(header) == wanted
