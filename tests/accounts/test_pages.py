"""Signing in by the pages, and what every page has."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import second_factor
from accounts.models import AdminUser, ApplicantSession, AttemptCounter, User
from audit.models import AuditLog
from audit.sequencer import sequence_all
from tests.clients import applicant_client
from tests.factories import omar
from tests.visitors import PASSWORD, Browser, mailed_code, member, staff_browser

pytestmark = pytest.mark.django_db

PUBLIC = ["account_request_login_code", "account_login", "account_reset_password", "account_inactive"]
OWN = ["account_home", "account_sessions", "account_set_password", "account_logout", "mfa_index", "mfa_list_webauthn"]


@pytest.fixture
def amina():
    """Amina's browser, signed in."""
    browser = Browser()
    browser.sign_in_by_code("amina@example.org")
    return browser


def who(browser):
    """Whom the browser is signed in as."""
    found = re.search(r"You are signed in as <bdi>(.*?)</bdi>", browser.get("account_home").content.decode())
    return found and found[1]


def without_tokens(response):
    """The bytes of a page, without what is random in every form."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)


def test_the_first_code_makes_an_account_that_no_password_enters(amina):
    assert who(amina) == "amina@example.org"
    user = User.objects.get()
    assert (user.email, user.has_usable_password()) == ("amina@example.org", False)
    assert list(EmailAddress.objects.values_list("user", "email", "verified", "primary")) == [
        (user.pk, "amina@example.org", True, True)
    ]


def test_the_next_code_opens_the_same_account_whatever_the_case(amina):
    again = Browser()
    again.sign_in_by_code("AMINA@Example.org")
    assert who(again) == "amina@example.org"
    assert User.objects.count() == 1


def test_the_mail_holds_a_code_and_no_link():
    Browser().ask_for_code("amina@example.org")
    letter = mail.outbox[0]
    assert (letter.to, letter.subject) == (["amina@example.org"], "Your code to sign in")
    assert mailed_code() in letter.body
    assert not re.search(r"http|testserver|127\.0\.0\.1", letter.body)


def test_unknown_unconfirmed_known_closed_and_staff_addresses_look_alike():
    """One address in five states: whoever types it in sees the same bytes, and causes the same mail."""

    def seen():
        AttemptCounter.objects.all().delete()
        pages = without_tokens(Browser().ask_for_code("sam@example.org"))
        letter = mail.outbox[-1]
        return pages, letter.subject, letter.body.replace(mailed_code(), ""), len(mail.outbox)

    first = seen()
    answers = [seen()]
    EmailAddress.objects.update(verified=True)
    answers.append(seen())
    User.objects.update(is_active=False)
    answers.append(seen())
    User.objects.update(is_active=True)
    AdminUser.objects.create(user=User.objects.get(), role="admin")
    answers.append(seen())
    assert answers == [(*first[:3], number) for number in (2, 3, 4, 5)]


def test_known_and_unknown_addresses_take_the_same_statements():
    def statements():
        with CaptureQueriesContext(connection) as caught:
            Browser().ask_for_code("sam@example.org")
        return [re.sub(r"\d+|'[^']*'", "?", query["sql"])[:60] for query in caught.captured_queries]

    unknown = statements()
    assert statements() == unknown


def test_a_wrong_code_lets_nobody_in_and_the_third_ends_the_try():
    browser = Browser()
    browser.ask_for_code("amina@example.org")
    right = mailed_code()
    for _ in range(3):
        browser.enter_code("BBBB-BBBB")
    browser.enter_code(right)
    assert who(browser) is None


def test_a_code_counts_for_ten_minutes(monkeypatch):
    browser = Browser()
    browser.ask_for_code("amina@example.org")
    later = (timezone.now() + timedelta(seconds=601)).timestamp()
    monkeypatch.setattr("allauth.account.internal.flows.code_verification.time.time", lambda: later)
    browser.enter_code(mailed_code())
    monkeypatch.undo()
    assert who(browser) is None


def test_a_code_counts_once_and_only_in_the_browser_that_asked(amina):
    code = mailed_code()
    amina.post("account_logout")
    amina.enter_code(code)
    stranger = Browser()
    stranger.enter_code(code)
    assert (who(amina), who(stranger)) == (None, None)


def test_another_code_replaces_the_first():
    browser = Browser()
    browser.ask_for_code("amina@example.org")
    first = mailed_code()
    browser.post("account_confirm_login_code", {"action": "resend"})
    browser.enter_code(first)
    assert who(browser) is None
    browser.enter_code(mailed_code())
    assert who(browser) == "amina@example.org"


def test_another_code_is_told_of_and_the_first_is_not():
    browser = Browser()
    first = browser.ask_for_code("amina@example.org").content
    again = browser.post("account_confirm_login_code", {"action": "resend"}).content
    assert [b"Another code is on its way" in page for page in (first, again)] == [False, True]


def test_the_title_of_a_page_with_a_faulty_field_says_so_first():
    browser = Browser()
    right = browser.ask_for_code("amina@example.org").content
    wrong = browser.enter_code("BBBB-BBBB").content
    assert [re.search(rb"<title>(\w+)", page)[1] for page in (right, wrong)] == [b"Enter", b"Error"]


def test_a_closed_account_is_told_so_only_after_the_code(amina):
    amina.post("account_logout")
    User.objects.update(is_active=False)
    answer = amina.sign_in_by_code("amina@example.org")
    assert b"This account is closed" in answer.content
    assert who(amina) is None


def test_closing_an_account_ends_its_session_at_once(amina):
    User.objects.update(is_active=False)
    assert who(amina) is None


@pytest.mark.parametrize("address", ["amina", "a" * 250 + "@example.org", "a\0@example.org", "", "İ@example.org"])
def test_what_is_no_address_is_refused_kindly(address):
    answer = Browser().ask_for_code(address)
    assert (answer.status_code, User.objects.count(), len(mail.outbox)) == (422, 0, 0)
    assert b"errorlist" in answer.content


def test_asking_for_codes_again_and_again_is_answered_with_a_wait(settings):
    settings.RATES = {"mail": (2, 600)}
    for _ in range(3):
        answer = Browser().ask_for_code("amina@example.org")
    assert "That was tried too often. Please try again in 10 minutes." in answer.content.decode()
    assert len(mail.outbox) == 2


def test_signing_up_is_the_same_door():
    answer = Browser().get("account_signup")
    assert answer.redirect_chain == [("/accounts/login/code/", 302)]
    assert Browser().post("account_signup", {"email": "sam@example.org"}).status_code != 500
    assert User.objects.count() == 0


def test_guessed_passwords_lock_the_pair_for_a_while_and_are_audited():
    omar()
    for _ in range(5):
        Browser().sign_in_by_password("omar@example.org", "a wrong password")
    answer = Browser().sign_in_by_password("omar@example.org")
    assert "Please try again in 15 minutes." in answer.content.decode()
    sequence_all()
    entries = AuditLog.objects.filter(action="login.failed").values_list("entity_id", "outcome", "details")
    assert list(entries) == [(str(User.objects.get().pk), "refused", {"door": "pages", "reason": "password"})] * 5


def test_guessed_second_factors_are_audited():
    omar()
    second_factor.enrol(User.objects.get())
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    browser.enter_factor("000000")
    sequence_all()
    entries = AuditLog.objects.filter(action="login.failed").values_list("entity_id", "outcome", "details")
    said = {"door": "pages", "reason": "second_factor"}
    assert list(entries) == [(str(User.objects.get().pk), "refused", said)]


def test_another_password_ends_the_sessions_of_the_api(amina):
    client = applicant_client(email="amina@example.org")
    amina.post("account_set_password", {"password1": PASSWORD, "password2": PASSWORD})
    assert client.get("/api/v1/auth/sessions").status_code == 401
    assert ApplicantSession.objects.get().revoked_reason == "password_changed"
    assert who(amina) == "amina@example.org"


def test_no_page_of_an_account_is_kept_by_a_cache():
    browser, _ = staff_browser()
    browser.post("account_reauthenticate", {"password": PASSWORD})
    for name in [*OWN, "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_add_webauthn"]:
        answer = browser.get(name, follow=False)
        assert "no-store" in answer.headers.get("Cache-Control", ""), name


def test_an_unknown_address_and_a_wrong_password_look_alike():
    omar()
    wrong = Browser().sign_in_by_password("omar@example.org", "a wrong password")
    unknown = Browser().sign_in_by_password("sam@example.org", "a wrong password")
    assert without_tokens(unknown) == without_tokens(wrong).replace(b"omar@", b"sam@")


def test_a_password_is_set_without_an_old_one_and_then_opens_the_account(amina):
    amina.post("account_set_password", {"password1": PASSWORD, "password2": PASSWORD})
    other = Browser()
    other.sign_in_by_password("amina@example.org")
    assert who(other) == "amina@example.org"


def test_a_new_password_ends_the_other_sessions(amina):
    other = Browser()
    other.sign_in_by_code("amina@example.org")
    amina.post("account_set_password", {"password1": PASSWORD, "password2": PASSWORD})
    assert (who(amina), who(other)) == ("amina@example.org", None)


def test_a_forgotten_password_is_replaced_by_a_code(amina):
    browser = Browser()
    browser.post("account_reset_password", {"email": "amina@example.org"})
    browser.post("account_confirm_password_reset_code", {"code": mailed_code()})
    done = browser.post("account_complete_password_reset", {"password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get().check_password(PASSWORD)
    assert b'<a class="button" href="/accounts/login/">' in done.content


def test_a_forgotten_password_of_an_unknown_address_looks_the_same(amina):
    known = Browser().post("account_reset_password", {"email": "amina@example.org"})
    unknown = Browser().post("account_reset_password", {"email": "sameen@example.org"})
    assert without_tokens(unknown).replace(b"sameen@", b"amina@") == without_tokens(known)
    assert mail.outbox[-1].subject == mail.outbox[-2].subject
    assert not re.search(r"http|testserver", mail.outbox[-1].body)


def test_signing_out_everywhere_ends_browsers_and_the_api(amina):
    other, app = Browser(), applicant_client(email="amina@example.org")
    other.sign_in_by_code("amina@example.org")
    amina.post("account_sessions")
    assert (who(amina), who(other)) == (None, None)
    assert app.get("/api/v1/auth/sessions").status_code == 401
    assert set(ApplicantSession.objects.values_list("revoked_reason", flat=True)) == {"logout_everywhere"}


def test_the_page_of_sessions_lists_the_apps(amina):
    assert "No app or script" in amina.get("account_sessions").content.decode()
    applicant_client(email="amina@example.org")
    assert amina.get("account_sessions").content.decode().count("<tr>") == 2


def test_signing_in_and_out_is_audited_without_the_address(amina):
    amina.post("account_logout")
    sequence_all()
    pk = str(User.objects.get().pk)
    entries = AuditLog.objects.values_list("action", "role", "entity_type", "entity_id", "details")
    assert list(entries) == [
        ("session.begin", "applicant", "user", pk, {"amr": ["code"], "door": "pages"}),
        ("session.end", "applicant", "user", pk, {"reason": "logout"}),
    ]
    assert "amina" not in "".join(AuditLog.objects.values_list("body", flat=True))


def test_staff_without_a_second_factor_need_their_mailbox_as_well():
    omar()
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    assert who(browser) is None
    browser.enter_code(mailed_code())
    assert who(browser) == "omar@example.org"
    assert member().last_login_at is not None


@pytest.mark.parametrize("name", OWN)
def test_pages_of_ones_own_lead_strangers_to_the_door(name):
    answer = Browser().get(name)
    assert answer.redirect_chain[0][0].startswith(("/accounts/login/code/", "/accounts/login/"))


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_only_who_has_a_passkey_is_offered_it_as_second_factor(kind, monkeypatch):
    omar()
    second_factor.enrol(User.objects.get())
    options = {"publicKey": {"allowCredentials": [{"id": "key"}] if kind == "webauthn" else []}}
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.begin_authentication", lambda user: options)
    page = Browser().sign_in_by_password("omar@example.org").content
    assert (b"Your second factor" in page, b"mfa_webauthn_authenticate" in page) == (True, kind == "webauthn")


def test_the_console_opens_with_our_dashboard_and_not_with_djangos():
    browser, _ = staff_browser("auditor")
    page = browser.get("/console/").content
    assert (b"Current cycles" in page, b"Recent actions" in page) == (True, False)


def test_allauths_page_for_addresses_does_not_exist(amina):
    assert amina.post("/accounts/email/", {"action_add": "", "email": "sam@example.org"}).status_code != 200 or (
        EmailAddress.objects.count() == 1
    )
    assert amina.get("account_email_verification_sent").status_code == 200


class Tags(HTMLParser):
    """Everything that a strict policy would not run: inline scripts, handlers and styles, and other servers."""

    def __init__(self):
        super().__init__()
        self.faults, self.language = [], None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang"), given.get("dir")
        inline = tag == "style" or (tag == "script" and "src" not in given and given["type"] != "application/json")
        if inline or any(name == "style" or name.startswith("on") for name in given):
            self.faults.append((tag, given))
        self.faults += [(tag, text) for text in given.values() if text and re.match(r"https?:|//", text)]


@pytest.mark.parametrize("name", [*PUBLIC, *OWN])
def test_pages_hold_nothing_that_a_strict_policy_refuses(name, amina):
    answer = (Browser() if name in PUBLIC else amina).get(name)
    tags = Tags()
    tags.feed(answer.content.decode())
    assert (answer.status_code, tags.faults, tags.language) == (200, [], ("en", "ltr"))


def everywhere(amina, staff):
    """One of every kind of page, as (name, text)."""
    for name in PUBLIC:
        yield name, Browser().get(name).content.decode()
    for name in OWN:
        yield name, amina.get(name).content.decode()
    for address in ("/console/", "/console/accounts/adminuser/", "/accounts/2fa/recovery-codes/"):
        yield address, staff.get(address).content.decode()
    for address in ("/nothing", "/api/docs/"):
        yield address, amina.get(address).content.decode()
    yield "csrf", Browser(enforce_csrf_checks=True).post("account_login").content.decode()


@pytest.mark.parametrize("optional", [False, True])
def test_every_page_says_when_the_second_factor_is_relaxed(optional, amina, settings):
    staff, _ = staff_browser("super_admin")
    settings.SECOND_FACTOR_OPTIONAL = optional
    told = {name: "without a second factor" in text for name, text in everywhere(amina, staff)}
    assert told == dict.fromkeys(told, optional)


@pytest.mark.parametrize("optional", [False, True])
def test_the_page_for_our_faults_says_so_too_and_asks_no_database(optional, settings, rf, django_assert_num_queries):
    settings.SECOND_FACTOR_OPTIONAL = optional
    with django_assert_num_queries(0):
        text = render_to_string("500.html", request=rf.get("/"))
    assert ("without a second factor" in text, "our side" in text) == (optional, True)


def test_the_page_for_a_form_without_its_proof_is_kind():
    answer = Browser(enforce_csrf_checks=True).post("account_login")
    assert (answer.status_code, b"Please send that again" in answer.content) == (403, True)


def test_a_faulty_page_answers_with_the_page_for_our_faults(settings, monkeypatch):
    settings.DEBUG = False
    browser = Browser(raise_request_exception=False)
    monkeypatch.setattr("allauth.account.views.RequestLoginCodeView.get_context_data", None)
    answer = browser.get(reverse("account_request_login_code"))
    assert (answer.status_code, b"our side" in answer.content) == (500, True)
