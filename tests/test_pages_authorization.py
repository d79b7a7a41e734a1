"""The walk through the pages: sign-in, one's own account and the console, as everybody, by reading and by sending."""

from contextlib import contextmanager
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts import second_factor
from accounts.models import AdminUser, User
from accounts.roles import PERMISSIONS, Role
from accounts.service_tokens import make_token
from admissions.models.applications import Application
from admissions.models.letters import Letter
from admissions.models.reviews import ReviewRequest
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from tests.batches.engines import evaluation, export, hand_in, processing, requests_of
from tests.clients import api
from tests.factories import applicants, apply, cycle, lead, omar, waiting
from tests.routes import PAGES
from tests.walk import STAFF, trace, undone

pytestmark = pytest.mark.django_db

WHO = ["nobody", "sam", "newcomer", *STAFF]  # the newcomer is a super_admin who has no second factor yet
LOGIN, FACTOR = "/accounts/login/", "/accounts/2fa/"


@pytest.fixture
def things():
    """What the addresses name: cycles that take applications and that judge them, a blind copy, staff, a letter."""
    one, judged = cycle(), cycle("judged")
    apply(judged, applicants(1))
    lead(judged, "processing")
    reza = omar(Role.REVIEWER, email="reza@example.org")
    session = api(reza).actor.session_id
    member = AdminUser.objects.get(user__email="reza@example.org")
    shared = {"admission_cycle": one, "language": "en", "until": timezone.now()}
    letter = Letter.objects.create(user=member.user, kind="late_access", **shared).pk
    return {
        "member": member.pk,
        "person": member.user_id,
        "session": session,
        "letter": letter,
        "copy": waiting(judged).pk,
        "judged": judged.code,
        "asked": asked_for_review(),
        **evaluated_things(),
        **proving_things(),
    }


def asked_for_review():
    """The reference of somebody who asks for a review; the page does not mind how far the cycle is."""
    asked = ReviewRequest.asked(Application.objects.first(), "Please look again.")
    asked.save(force_insert=True)
    return asked.application.reference


def evaluated_things():
    """A run that waits for its answers and a file that answered another, in one cycle; a selection in another."""
    one = processing(2, code="batched")
    file = hand_in(one, *map(evaluation, requests_of(one))).file
    run = export(one, "judge")
    chosen = cycle("chosen")
    apply(chosen, applicants(1))
    selection = lead(chosen, "selection").selection()
    shard = run.manifest["shards"][0]["name"]
    return {"run": run.pk, "shard": shard, "file": file.pk, "batched": one.code, "selection": selection.pk}


def proving_things():
    """A machine's token, and a verification of logs that have an entry 0."""
    until = timezone.now() + timedelta(days=1)
    maker = omar(Role.ADMIN, email="lena@example.org")
    token, _ = make_token("carrier", verb="batches.export", cycle="fall-2026", expires_at=until, actor=maker)
    sequence_all()
    return {"token": token.pk, "verification": verify_and_keep("test").pk}


def browser_of(who):
    """Somebody in a browser; staff have used their second factor, but for the newcomer."""
    browser = Browser(raise_request_exception=False)
    if who == "nobody":
        return browser
    if who in STAFF or who == "newcomer":
        omar(STAFF.get(who, Role.SUPER_ADMIN), email=f"{who}@example.org")
    else:
        User.objects.create_user(f"{who}@example.org")
    user = User.objects.get(email=f"{who}@example.org")
    browser.force_login(user)
    if who in STAFF:
        code = second_factor.enrol(user).recovery_codes[0]
        answer = browser.post("/accounts/2fa/reauthenticate/", {"code": code}, secure=True)
        assert answer.status_code == 302
    return browser


@contextmanager
def same_cookies(browser):
    """Signing out, say, takes a cookie away; the next page is asked with it again."""
    before = SimpleCookie({name: cookie.value for name, cookie in browser.cookies.items()})
    yield
    browser.cookies = before


def fits(kind, who, method, answer):
    """Whether an answer is one that the page may give to somebody."""
    place = answer.headers.get("Location", "")
    if kind == "anybody":
        return answer.status_code in {200, 302, 405, 422}
    if kind == "published":
        return answer.status_code in {404, 405}
    if kind == "own":
        return place.startswith(LOGIN) if who == "nobody" else answer.status_code in {200, 302, 403, 404, 405, 422}
    return in_the_console(kind, who, method, answer.status_code, place)


def in_the_console(kind, who, method, status, place):
    """Led to sign in, told that there is nothing, led to the second factor, or let in as far as the role reaches."""
    if who == "nobody":
        return place.startswith(LOGIN)
    if who == "sam":
        return status == 404
    if who == "newcomer":
        return (status, place) == (302, FACTOR)
    if kind == "console":
        return status in {200, 302, 405}
    if needed(kind, method) in PERMISSIONS[STAFF[who]]:
        return status in {200, 302, 405} if method == "GET" else status in {200, 302, 403, 405, 409, 422}
    return status in {403, 404, 405}


def needed(kind, method):
    """The permission that a page of the console asks for, of both methods or of each; «nobody» holds none."""
    return kind.get(method, "") if isinstance(kind, dict) else kind


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_page_lets_in_whom_the_table_names(things, who, method):
    browser, wrong = browser_of(who), []
    for name, (kind, path) in PAGES.items():
        with undone(), same_cookies(browser):
            answer = getattr(browser, method.lower())(path.format(**things), secure=True)
        if not fits(kind, who, method, answer):
            wrong.append((name, kind, answer.status_code, answer.headers.get("Location", "")))
    assert wrong == []


@pytest.mark.parametrize("who", ["nobody", "sam", "newcomer", "reviewer", "admin", "auditor"])
def test_whoever_is_kept_out_of_the_console_changes_nothing_by_sending(things, who):
    browser = browser_of(who)
    before = trace()
    for name, (kind, path) in PAGES.items():
        if kind not in ("anybody", "own", "console"):
            for method in ("post", "put", "patch", "delete"):
                if who in STAFF and needed(kind, method.upper()) in PERMISSIONS[STAFF[who]]:
                    continue
                getattr(browser, method)(path.format(**things), secure=True)
                assert (name, method, trace() == before) == (name, method, True)


def test_reading_changes_nothing(things):
    browser = browser_of("super_admin")
    before = trace()
    for name, (kind, path) in PAGES.items():
        if kind not in ("anybody", "own"):
            browser.get(path.format(**things), secure=True)
            assert (name, trace() == before) == (name, True)
