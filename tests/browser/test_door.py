"""The door, the side door, and one's own account, as everybody may meet them: read, sent with faults, by keyboard."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from accounts import second_factor
from accounts.models import User
from tests.browser.harness import assert_sound, weight
from tests.browser.modes import MODES, PLAIN, Mode
from tests.browser.people import DOOR, SIDE_DOOR
from tests.clients import applicant_client
from tests.factories import omar
from tests.visitors import PASSWORD, shown_code

PUBLIC = {
    "door": DOOR,
    "side-door": SIDE_DOOR,
    "password-reset": "/accounts/password/reset/",
    "password-reset-done": "/accounts/password/reset/done/",
    "inactive": "/accounts/inactive/",
    "not-found": "/no/such/page",
}
OWN = {
    "home": "/accounts/",
    "sessions": "/accounts/sessions/",
    "set-password": "/accounts/password/set/",
    "sign-out": "/accounts/logout/",
    "factors": "/accounts/2fa/",
    "passkeys": "/accounts/2fa/webauthn/",
    "add-passkey": "/accounts/2fa/webauthn/add/",
    "set-up-app": "/accounts/2fa/totp/activate/",
}
GUARDED = {
    "change-password": "/accounts/password/change/",
    "factors-set-up": "/accounts/2fa/",
    "remove-app": "/accounts/2fa/totp/deactivate/",
    "recovery-codes": "/accounts/2fa/recovery-codes/",
    "new-recovery-codes": "/accounts/2fa/recovery-codes/generate/",
}
FAULTS = {"forbidden": "403.html", "unproved-form": "403_csrf.html", "too-often": "429.html", "our-fault": "500.html"}

pytestmark = pytest.mark.timeout(300)


def told(template, mode):
    """The text of a page about a fault, in the language of a mode."""
    with translation.override(mode.language):
        return render_to_string(template, request=RequestFactory().get("/fault"))


def answering(text):
    """What stands in for the server, which has no page that fails when asked to."""
    return lambda route: route.fulfill(body=text, content_type="text/html")


def send(page):
    """Send the main form of a page."""
    page.click("main form button[type=submit]")


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_pages_for_everybody_are_sound(stranger, mode):
    for name, path in PUBLIC.items():
        assert_sound(stranger.page(path, mode), name, mode, visitor=stranger)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_pages_about_faults_are_sound(stranger, mode):
    for name, template in FAULTS.items():
        page = stranger.page(DOOR, mode)
        page.route("**/fault", answering(told(template, mode)))
        page.goto("/fault")
        assert_sound(page, name, mode, visitor=stranger)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_faulty_forms_are_sound_and_say_so_first_in_their_title(person, mode):
    amina = person("amina@example.org")
    page = amina.page(DOOR, mode)
    for path, name, fields in (
        (DOOR, "door-faulty", {"#id_email": "amina@example"}),
        (SIDE_DOOR, "side-door-faulty", {"#id_login": "amina@example.org", "#id_password": "wrong"}),
    ):
        right = amina.page(path, mode).title()
        for field, value in fields.items():
            page.fill(field, value)
        send(page)
        assert page.title().endswith(right)
        assert page.title() != right
        assert_sound(page, name, mode, visitor=amina)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_way_in_by_code_is_sound(person, mode):
    amina = person("amina@example.org")
    page = amina.page(DOOR, mode)
    page.fill("#id_email", amina.mailbox)
    send(page)
    assert_sound(page, "code", mode, visitor=amina)
    right = amina.mailed_code()
    page.fill("#id_code", "BBBB-BBBB")
    send(page)
    assert_sound(page, "code-wrong", mode, visitor=amina)
    page.fill("#id_code", right)
    send(page)
    assert page.inner_text("main bdi") == amina.mailbox
    applicant_client(email=amina.mailbox)
    for name, path in OWN.items():
        assert_sound(amina.page(path, mode), name, mode, visitor=amina)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_way_in_by_both_factors_is_sound(person, mode):
    boss = person("omar@example.org")
    omar(email=boss.mailbox)
    enrolment = second_factor.enrol(User.objects.get())
    page = boss.page(f"{SIDE_DOOR}?next=/accounts/", mode)
    page.fill("#id_login", boss.mailbox)
    page.fill("#id_password", PASSWORD)
    send(page)
    assert_sound(page, "second-factor", mode, visitor=boss)
    page.fill("#id_code", "000000")
    send(page)
    assert_sound(page, "second-factor-wrong", mode, visitor=boss)
    page.fill("#id_code", shown_code(enrolment))
    send(page)
    assert page.inner_text("main bdi") == boss.mailbox
    for name, path in GUARDED.items():
        assert_sound(boss.page(path, mode), name, mode, visitor=boss)


def test_a_reader_signs_in_by_keyboard_alone_and_sees_where_they_are(person):
    amina = person("amina@example.org")
    page = amina.page(DOOR)
    page.keyboard.press("Tab")
    assert focused(page) == ("a", "Skip to the content", True)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page)[0] == "input"
    page.keyboard.type(amina.mailbox)
    page.keyboard.press("Tab")
    assert focused(page) == ("button", "Send me a code", True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/confirm/")
    page.focus("main")
    page.keyboard.press("Tab")
    page.keyboard.type(amina.mailed_code())
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/")
    assert page.inner_text("main bdi") == amina.mailbox


def focused(page):
    """What has the focus: its tag, its text, and whether a line around it shows so."""
    return tuple(
        page.evaluate("""() => {
            const one = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(one);
            return [one.localName, one.innerText.trim(), outlineStyle === "solid" && parseInt(outlineWidth) > 1];
        }""")
    )


def test_a_passkey_is_added_named_and_opens_the_door(person):
    amina = person("amina@example.org")
    page = amina.sign_in_by_code()
    phone(page)
    page.goto(OWN["add-passkey"])
    page.fill("#id_name", "my phone")
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    page.get_by_role("status").wait_for()
    page.goto(OWN["passkeys"])
    assert_sound(page, "passkeys-one", visitor=amina)
    assert "my phone" in page.inner_text("main h2")
    page.goto(OWN["sign-out"])
    send(page)
    page.goto(SIDE_DOOR)
    page.click("#passkey_login")
    page.wait_for_url("**/accounts/")
    assert page.inner_text("main bdi") == amina.mailbox


def phone(page):
    """Put a phone beside the browser that holds passkeys and always knows its owner."""
    authenticator = page.context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize("mode", [PLAIN, Mode(width=320, scripts=False)], ids=str)
def test_the_switch_of_languages_turns_the_page_and_stays(stranger, mode):
    page = stranger.page(SIDE_DOOR, mode)
    page.get_by_role("button", name="اردو").click()
    assert (page.url.endswith(SIDE_DOOR), page.get_attribute("html", "lang"), page.get_attribute("html", "dir")) == (
        True,
        "ur",
        "rtl",
    )
    assert stranger.page(DOOR, mode).get_attribute("html", "lang") == "ur"


def test_the_letters_of_urdu_and_arabic_are_those_of_their_readers(stranger):
    families = {}
    for language in ("ur", "ar", "en"):
        page = stranger.page(DOOR, Mode(language=language))
        families[language] = re.findall(
            r"Urdu letters|Naskh", page.evaluate("() => getComputedStyle(document.body).fontFamily")
        )
    assert families == {"ur": ["Urdu letters", "Naskh"], "ar": ["Naskh"], "en": ["Naskh"]}


def test_the_door_weighs_little(stranger):
    assert weight(stranger, DOOR) < 12_000
