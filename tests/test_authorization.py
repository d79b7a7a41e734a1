"""The walk: every route and method, as everybody, in every phase, held against tables that were written by hand."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver

from accounts.roles import PERMISSIONS, Role
from admissions.models.cycles import AdmissionCycle
from audit.sequencer import sequence_all
from enigma.rest.views import ApiView
from tests import walk
from tests.routes import API, PAGES
from tests.walk import APPLICANTS, MACHINES, PHASES, STAFF, WHO, World, ask, client_of, trace, undone

PUBLIC = {"public.view", "session.begin"}
DONE = {200, 201, 202, 204}
HIDDEN = {404}
CONFLICT = {409}
WRONG_PROOF = {401, 422}  # there is nobody yet to be refused; what was tried is counted and noted
REFUSALS = ({401}, {403}, HIDDEN, CONFLICT)
OVER = ("published", "completed")
EXPORTED = PHASES[PHASES.index("batch_prep") :]
IMPORTED = PHASES[PHASES.index("processing") :]


def routes(resolver=None, prefix="", spaces=()):
    """Every route by its name, or by its pattern where it has none."""
    for entry in (resolver or get_resolver()).url_patterns:
        pattern = prefix + str(entry.pattern)
        if not isinstance(entry, URLPattern):
            yield from routes(entry, pattern, (*spaces, entry.namespace) if entry.namespace else spaces)
        else:
            yield ":".join([*spaces, entry.name]) if entry.name else pattern, entry.callback


def test_the_tables_know_every_route_and_no_other():
    assert sorted(name for name, _ in routes()) == sorted([*API, *PAGES])


def test_the_tables_know_every_method_of_the_api_and_what_it_asks_for():
    views = {name: getattr(callback, "view_class", getattr(callback, "cls", None)) for name, callback in routes()}
    found = {name: view for name, view in views.items() if isinstance(view, type) and issubclass(view, ApiView)}
    assert {name: {method.upper(): need for method, need in view.needs.items()} for name, view in found.items()} == API
    assert [name for name, view in found.items() if {*view.http_method_names} - {"head"} != {*view.needs}] == []


@pytest.fixture(scope="module")
def there(django_db_setup, django_db_blocker) -> Iterator[World]:
    """The world that the walk goes through; it is gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield walk.world()
        transaction.set_rollback(True)


def role_of(who):
    return STAFF.get(who) or (Role.APPLICANT if who in APPLICANTS else Role.SERVICE if who in MACHINES else Role.NOBODY)


def may(who, permission):
    """What the table of roles says; a machine may only do what its token is for."""
    if who in MACHINES and permission not in PUBLIC:
        return permission == MACHINES[who]
    return permission in PERMISSIONS[role_of(who)]


def expected(who, name, method, phase):
    """The statuses that an answer may have."""
    if not may(who, API[name][method]):
        return {401} if who == "nobody" else {403}
    if name.startswith("api-step-") and method == "POST":
        return DONE if getattr(AdmissionCycle, name.removeprefix("api-step-")).source == phase else CONFLICT
    return exceptions(who, phase).get((name, method), DONE)


def exceptions(who, phase):
    """Where somebody who may ask is answered by a rule of the phase, or is shown only what is their own."""
    is_open = phase == "submission"
    mine = who == "amina"
    return {
        ("readyz", "GET"): {200, 503},  # no worker is running
        **dict.fromkeys([(f"api-{kind}", "POST") for kind in ("token", "refresh")], WRONG_PROOF),
        **dict.fromkeys([(f"api-staff-{kind}", "POST") for kind in ("login", "refresh")], WRONG_PROOF),
        ("api-session", "DELETE"): DONE if mine else HIDDEN,
        ("api-application", "GET"): DONE if mine else HIDDEN,
        ("api-result", "GET"): DONE if mine and phase in OVER else HIDDEN,
        ("api-withdraw", "POST"): HIDDEN if not mine else DONE if is_open else CONFLICT,
        ("api-applications", "POST"): DONE if is_open and not mine else CONFLICT,
        ("api-cycle", "PATCH"): DONE if is_open else CONFLICT,
        ("api-batches", "POST"): {*DONE, 409},
        ("api-batch", "GET"): DONE if phase in EXPORTED else HIDDEN,
        ("api-shard", "GET"): DONE if phase in EXPORTED else HIDDEN,
        ("api-results", "POST"): {422},  # the line answers nothing that was asked
        ("api-result-file", "GET"): DONE if phase in IMPORTED else HIDDEN,
        ("api-result-issues", "GET"): DONE if phase in IMPORTED else HIDDEN,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("who", WHO)
def test_everybody_gets_what_the_table_says_and_the_refused_change_nothing(there, who, phase):
    here, wrong = there.scenes[phase], []
    client = client_of(who, here)
    client.get("/api/v1/admission/info")  # so that the session has been used
    sequence_all()  # as a step would
    before = trace()
    for name, method in ((name, method) for name, methods in API.items() for method in methods):
        due = expected(who, name, method, phase)
        with undone():
            status = ask(client, name, method, here, there)
            changed = due in REFUSALS and trace() != before
        if status not in due or changed:
            wrong.append((name, method, status, "something has changed" if changed else f"due: {due}"))
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("who", MACHINES)
def test_a_machine_is_refused_what_it_may_do_in_another_cycle(there, who):
    client, elsewhere = client_of(who, there.scenes["frozen"]), there.scenes["processing"]
    due = {"api-batches": 422, "api-batch": 404, "api-shard": 404, "api-results": 422} | dict.fromkeys(
        ["api-result-file", "api-result-issues"], 404
    )
    mine = [(name, method) for name, methods in API.items() for method in methods if methods[method] == MACHINES[who]]
    answers = {name: ask(client, name, method, elsewhere, there) for name, method in mine}
    assert answers == {name: due[name] for name, _ in mine}


@pytest.mark.django_db
def test_nobody_ends_the_session_of_somebody_else(there):
    here = there.scenes["submission"]
    staff = {who: client_of(who, here) for who in STAFF}
    for who, client in staff.items():
        for other in [*staff.values(), client_of("amina", here)]:
            for route in ("admin/auth/sessions", "auth/sessions"):
                if other is not client:
                    status = client.delete(f"/api/v1/{route}/{other.actor.session_id}").status_code
                    assert (who, route, status) == (who, route, 404 if route.startswith("admin") else 403)
