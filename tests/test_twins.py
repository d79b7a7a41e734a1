"""Before publication, whoever will be admitted and whoever will not read the same, on every route and page there is."""

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import get_resolver
from django.urls.converters import IntConverter, UUIDConverter

from accounts.actors import operator
from accounts.models import ApplicantSession, User
from accounts.throttles import RATES
from admissions.api import applications as routes
from admissions.decisions import acknowledge_failure, set_aside
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.own import standing
from admissions.phases import Phase
from enigma.rest.conditional import etag_of
from tests.clients import api, applicant_client
from tests.factories import applicants, apply, cycle, damage, everything, lead, score, submitted, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]  # it asks thousands of times

BEFORE = [phase for phase in Phase if phase not in {Phase.PUBLISHED, Phase.COMPLETED}]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
RESULT = "token api/v1/applications/%(reference)s/result"
DECISION = "browser applications/%(reference)s/decision/"
# What an answer draws by chance, takes from the clock, or makes of the number of the account.
CHANCE = (
    r"""(?<=name="csrfmiddlewaretoken" value=")\w+""",
    r"""(?<=Secret: <code>)\w+""",
    r"""data:image/svg[^"]+""",
    r"""(?<=name this number: <code>)\w+""",  # of the request
    r"""(?<="challenge": ")[^"]+""",
    r"""(?<="id": ")\w+(?=", "displayName")""",
    r"""(?<="last_seen_at":")[^"]+""",
    r"""(?<="idle_expires_at":")[^"]+""",
    r"""(?<=<code class="commitment">)[0-9a-f]{64}""",  # a receipt: it is made of what they sent themselves,
    r"""(?<="commitment": ")[0-9a-f]{64}""",
    r"""(?<=Commitment: )[0-9a-f]{64}""",
    r"""(?<=<span class="entry">)\d+""",  # and of when they sent it
    r"""(?<="log_number": )\d+""",
    r"""(?<=Entry of the public log: )\d+""",
    r"""(?<=<td>)\d{4}-\d\d-\d\d \d\d:\d\d(?=</td>)""",  # the page of sessions
    r"""(?<=csrftoken=)\w+""",
    r"""(?<=sessionid=)\w+""",
    r"""(?<=expires=)[^;]+""",
    r"""(?<='Expires': ')[^']+""",
)
BY_CHANCE = re.compile("|".join(CHANCE))


class Twin:
    """One of several applicants who differ in merit, with a signed-in client of the API and a signed-in browser."""

    def __init__(self, name: str, **merits: Any) -> None:
        self.email, self.merits = f"twin-{name}@example.org", merits
        self.applications: list[Application] = []
        self.api = applicant_client(email=self.email)
        self.user = User.objects.get(email=self.email)
        self.session = str(ApplicantSession.objects.get(user=self.user).pk)
        self.browser = signed_in_browser(self.user)

    def apply(self, one: Any) -> None:
        """Hand in an application; the one of the first cycle is the one that is looked at."""
        self.applications.append(submitted(one, self.email, **self.merits))

    @property
    def application(self) -> Application:
        """The one that is looked at."""
        return self.applications[0]

    def seen(self) -> dict[str, Any]:
        """What every route there is answers to this twin, and to nobody about this twin; only their own ids masked."""
        seen = {}
        for template, names, converters in every_route():
            address = self._address(template, names, converters)
            ways = {"token": self.api, "nobody": api()} if template.startswith("api/") else {"browser": self.browser}
            for way, client in ways.items():
                seen[f"{way} {template}"] = self._masked(client.get(address, secure=True))
        return seen

    def asked(self, method: str, address: str) -> Any:
        """What one address answers to this twin: routes of the API to their client, pages to their browser."""
        client = self.api if address.startswith("/api/") else self.browser
        return getattr(client, method)(address, secure=True)

    def copy(self) -> uuid.UUID | None:
        """The key of their blind copy."""
        return IdentityMapping.objects.get(pk=self.application.pk).anonymized_id

    def _address(self, template: str, names: list[str], converters: dict[str, Any]) -> str:
        own = {"reference": self.application.reference, "session_id": self.session, "code": "fall-2026"}
        own |= {"section": "essay", "form": "txt"}
        return "/" + template % {name: own.get(name) or sample(converters.get(name)) for name in names}

    def _masked(self, answer: Any) -> tuple[int, str, str]:
        body = b"".join(answer) if answer.streaming else answer.content
        text = self._without_ids(body.decode())
        headers = f"{dict(answer.headers)} {answer.cookies.output()}"
        if "Content-Length" in answer.headers:
            headers = headers.replace(f"'{len(body)}'", f"'{len(text)}'")
        if "ETag" in answer.headers and answer.headers["Content-Type"] == "application/json":
            # It is made of what is shown and of nothing else; what is shown holds the reference.
            assert answer.headers["ETag"] == etag_of(answer.json())
            headers = headers.replace(answer.headers["ETag"], "ETAG")
        return answer.status_code, text, self._without_ids(headers)

    def _without_ids(self, text: str) -> str:
        own = {self.email: "EMAIL", self.session: "SESSION"}
        for number, one in enumerate(self.applications):
            own |= {one.reference: f"REFERENCE {number}", one.receipt_ref.hex: f"RECEIPT {number}"}
        for value, mask in own.items():
            text = text.replace(value, mask)
        return BY_CHANCE.sub("CHANCE", text)


def signed_in_browser(user: User) -> Browser:
    """A browser in which somebody has just signed in by a code."""
    browser = Browser(raise_request_exception=False)
    browser.force_login(user, "accounts.backends.RoleBackend")
    session = browser.session
    session["account_authentication_methods"] = [{"method": "code", "at": time.time(), "email": user.email}]
    session.save()
    return browser


def every_route(resolver: Any = None, prefix: str = "") -> list[tuple[str, list[str], dict[str, Any]]]:
    """Template, parameters and their converters of every address that the URL resolver knows."""
    resolver = resolver or get_resolver()
    found = {}
    for key in resolver.reverse_dict:
        for possibilities, _, _, converters in resolver.reverse_dict.getlist(key):
            for template, names in possibilities:
                found[prefix + template] = (prefix + template, names, converters)
    inner = [one for before, below in resolver.namespace_dict.values() for one in every_route(below, prefix + before)]
    return [*found.values(), *inner]


def sample(converter: Any) -> str:
    """A value that an address takes and that names nothing."""
    if isinstance(converter, IntConverter):
        return "999999"
    return str(uuid.UUID(int=0)) if isinstance(converter, UUIDConverter) else "x"


def differences(twins: list[Twin]) -> dict[str, list[Any]]:
    """The answers that are not the same for all twins, by route: none, where nothing is disclosed."""
    seen = [twin.seen() for twin in twins]
    answers = {route: [told[route] for told in seen] for route in seen[0]}
    return {route: told for route, told in answers.items() if any(one != told[0] for one in told)}


@pytest.fixture
def twins(settings: Any) -> list[Twin]:
    """Two who will be ranked first and last, one whom a person will set aside, one whose record will not open."""
    settings.RATES = dict.fromkeys(RATES, (10**9, 60))
    one, other = cycle(seats=1), cycle("spring-2027")
    four = [Twin("a", gpa="4.0"), Twin("b", gpa="1.0"), Twin("c", gpa="2.0"), Twin("d", gpa="3.0")]
    for twin in four:
        twin.apply(one)
    for twin in reversed(four):
        twin.apply(other)
    apply(one, applicants(2))
    make_times_equal()
    return four


def make_times_equal() -> None:
    """Take away what differs because one after the other was made."""
    Application.objects.update(submitted_at=NOON)
    User.objects.update(date_joined=NOON, last_login=NOON)
    last = ApplicantSession.objects.latest("created_at")
    times = ("created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at")
    ApplicantSession.objects.update(**{name: getattr(last, name) for name in times})


def led_on(phase: str, twins: list[Twin]) -> None:
    """Lead the cycle on to a phase; the third and the fourth twin fall out of it on the way."""
    one = AdmissionCycle.objects.get(code="fall-2026")
    if phase == Phase.PREPROCESSING:
        damage(twins[3].application)
    if phase == Phase.SCORED:
        score_by_hand(one, *twins)
    lead(one, phase)
    if phase == Phase.PREPROCESSING:
        acknowledge_failure(one, twins[3].application.reference, reason="it does not open", actor=operator())


def score_by_hand(one: AdmissionCycle, best: Twin, worst: Twin, aside: Twin, _: Twin) -> None:
    """Give the first of them most and the second least, and set the third aside."""
    score(one, [50] * 5)
    FinalScore.objects.filter(pk=aside.copy()).delete()
    set_aside(one, waiting(one).pk, reason="an essay of somebody else", actor=operator())
    for twin, total in ((best, 90), (worst, 10)):
        scores = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), total)
        FinalScore.objects.filter(pk=twin.copy()).update(**scores)


# -- the same for all ----------------------------------------------


def test_nothing_differs_between_twins_in_any_phase_before_publication(twins):
    found = {}
    for phase in BEFORE:
        led_on(phase, twins)
        found[phase] = differences(twins)
    assert found == {phase: {} for phase in BEFORE}
    statuses = [Application.objects.get(pk=twin.application.pk).status for twin in twins]
    assert statuses == ["selected", "not_selected", "failed", "failed"]  # or there was nothing to see


def test_after_publication_the_result_differs_and_nothing_else(twins):
    for phase in [*BEFORE, Phase.PUBLISHED]:
        led_on(phase, twins)
    assert set(differences(twins)) == {RESULT, DECISION}
    outcomes = [json.loads(twin.seen()[RESULT][1])["outcome"] for twin in twins]
    assert outcomes == ["selected", "not_selected", "not_assessed", "not_assessed"]
    pages = [twin.seen()[DECISION][1] for twin in twins]
    told = ["we offer you a place", "we cannot offer you a place", "not be assessed", "not be assessed"]
    assert all(words in page for words, page in zip(told, pages, strict=True))


def test_the_walk_meets_every_route_of_applicants_and_pages(twins):
    codes = {route: code for route, (code, _, _) in twins[0].seen().items()}
    assert [route for route, code in codes.items() if code >= 500] == ["browser readyz"]  # no worker is running
    answered = {route for route, code in codes.items() if code == 200}
    assert {
        "nobody api/v1/admission/info",
        "nobody api/v1/admission/status",
        "token api/v1/applications",
        "token api/v1/applications/%(reference)s",
        "token api/v1/auth/sessions",
        "browser accounts/",
        "browser ",
        "browser applications/",
        "browser applications/%(reference)s/",
        "browser accounts/data/",
        "browser accounts/erase/",
        "browser verify/",
    } <= answered
    hidden = {route for route, code in codes.items() if code == 404}
    assert {DECISION, "browser applications/%(reference)s/review/", "browser cycles/%(code)s/"} <= hidden


def leaky(field: str) -> Callable[[Application], dict[str, Any]]:
    """Where an application stands, told by somebody careless."""
    return lambda application: {**standing(application), field: LEAKS[field](application)}


LEAKS: dict[str, Callable[[Application], Any]] = {
    "status": lambda application: application.status,
    "phase_since": lambda application: NOON if application.outcome == "selected" else None,
    "may_withdraw": lambda application: application.rank == 1,
    "has_result": lambda application: application.status == "not_selected",
}


def test_the_walk_sees_a_leak(twins, monkeypatch):
    for phase in BEFORE:
        led_on(phase, twins)
    told = {"token api/v1/applications", "token api/v1/applications/%(reference)s"}
    for field in LEAKS:
        monkeypatch.setattr(routes, "standing", leaky(field))
        assert set(differences(twins[:2])) == told, field


# -- nothing of others ----------------------------------------------


@pytest.mark.parametrize("phase", ["submission", "selection", "published"])
def test_nobody_reaches_what_is_somebody_elses_by_any_method(twins, phase):
    for step in list(Phase)[: list(Phase).index(Phase(phase)) + 1]:
        led_on(step, twins)
    before = everything()
    for mine, theirs in permutations(twins[:2]):
        for address, unknown in addresses_of(theirs):
            for method in METHODS:
                answer, nothing = (mine.asked(method, place) for place in (address, unknown))
                assert answer.status_code in {404, 405}, (method, address)
                assert told(answer) == told(nothing), (method, address)
    assert unchanged(before)


def told(answer: Any) -> tuple[bytes, str]:
    """What an answer says, but for what it takes from the clock."""
    return answer.content, BY_CHANCE.sub("CHANCE", str(dict(answer.headers)))


def addresses_of(twin: Twin) -> list[tuple[str, str]]:
    """Every address that names something of a twin, each with one of the same kind that names nothing."""
    found = []
    for template, names, _ in every_route():
        for name, unknown in (("reference", "0000-0000-0000"), ("session_id", str(uuid.UUID(int=0)))):
            if name in names and not {*names} - {name, "form"} and "admin" not in template:
                own = twin.session if name == "session_id" else twin.application.reference
                found.append(tuple(f"/{template % {'form': 'json', name: one}}" for one in (own, unknown)))
    return found


def unchanged(before: dict[str, Any]) -> bool:
    """Whether all is as before but for counters of requests and for when a session was last used."""
    after = everything()
    return all(after[table] == rows for table, rows in before.items() if table != "attempt_counters")
