"""Second factors: codes count once, secrets lie sealed, and only a colleague takes them away."""

import base64

import pytest
from django.db import connection

from accounts import second_factor
from accounts.actors import operator
from accounts.models import AdminUser, User
from accounts.roles import Role
from admissions.rotation import rotate_keys, standing
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.encryption import UnreadableRecord, key_id
from enigma.errors import Conflict, Denied, Refused
from tests.clients import staff_client
from tests.factories import omar
from tests.racing import together
from tests.visitors import Browser, member, shown_code, staff_browser, used

pytestmark = pytest.mark.django_db

NEW = base64.urlsafe_b64encode(bytes([7]) * 32).decode()


@pytest.fixture
def user():
    """Omar, a member of staff."""
    omar()
    return User.objects.get()


@pytest.fixture
def enrolment(user):
    """What Omar was told when he enrolled."""
    return second_factor.enrol(user)


def stored():
    """The rows of the factors as text, whatever their columns."""
    with connection.cursor() as cursor:
        return str(cursor.execute("SELECT * FROM mfa_authenticator").fetchall())


def test_a_code_of_the_app_is_right_once(user, enrolment):
    code = shown_code(enrolment)
    assert (used(user, code), used(user, code)) == ("totp", None)


def test_an_older_code_than_the_last_is_refused_though_it_has_not_expired(user, enrolment):
    assert used(user, shown_code(enrolment, steps=1)) == "totp"
    assert used(user, shown_code(enrolment)) is None


def test_a_clock_may_be_half_a_minute_off_and_no_more(user, enrolment):
    assert used(user, shown_code(enrolment, steps=-3)) is None
    assert used(user, shown_code(enrolment, steps=3)) is None
    assert used(user, shown_code(enrolment, steps=-1)) == "totp"


def test_a_recovery_code_is_right_once(user, enrolment):
    first, *others = enrolment.recovery_codes
    assert len(others) == 9
    assert (used(user, first), used(user, first)) == ("recovery_codes", None)
    assert used(user, others[0]) == "recovery_codes"


@pytest.mark.parametrize("code", ["", "000000x", "١٢٣٤٥٦", "1" * 5000, "\0"])
def test_nonsense_is_wrong_and_nothing_else(user, enrolment, code):
    assert used(user, code) is None


def test_nobody_and_who_has_no_factor_are_never_right(user):
    assert (used(None, "123456"), used(user, "123456")) == (None, None)


def test_a_colleagues_code_is_not_ones_own(user, enrolment):
    omar(email="aiza@example.org")
    aiza = User.objects.get(email="aiza@example.org")
    second_factor.enrol(aiza)
    assert used(aiza, shown_code(enrolment)) is None


def test_a_code_used_by_the_pages_is_used_up_for_the_api(user, enrolment):
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    code = shown_code(enrolment)
    browser.enter_factor(code)
    assert browser.get("/console/").redirect_chain == []
    assert used(user, code) is None


def test_a_code_is_not_used_twice_by_the_pages_either(user, enrolment):
    code = shown_code(enrolment)
    used(user, code)
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    assert b"Incorrect code" in browser.enter_factor(code).content


def test_guessing_codes_by_the_pages_is_stopped_after_five(user, enrolment):
    browser = Browser()
    browser.sign_in_by_password("omar@example.org")
    for _ in range(5):
        browser.enter_factor("000000")
    assert "try again in 15 minutes" in browser.enter_factor(shown_code(enrolment)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_with_one_code_one_is_right(user, enrolment):
    code = shown_code(enrolment)
    answers = together(*[lambda: used(user, code)] * 8)
    assert sorted(map(str, answers)) == [*["None"] * 7, "totp"]


def test_nobody_is_enrolled_twice(user, enrolment):
    with pytest.raises(Conflict):
        second_factor.enrol(user)


def test_secrets_lie_sealed(user, enrolment, settings):
    text = stored()
    assert key_id(settings.ENIGMA_FERNET_KEYS[0]) in text
    assert enrolment.secret not in text
    assert not any(code in text for code in enrolment.recovery_codes)


def test_a_secret_does_not_open_with_another_key(user, enrolment, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW]
    with pytest.raises(UnreadableRecord):
        used(user, shown_code(enrolment))


def test_a_rotation_of_the_keys_seals_factors_anew(user, enrolment, settings):
    old = settings.ENIGMA_FERNET_KEYS[0]
    assert standing() == {key_id(old): 2}
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    assert (rotate_keys(actor=operator()), rotate_keys(actor=operator())) == (2, 0)
    assert standing() == {key_id(NEW): 2}
    settings.ENIGMA_FERNET_KEYS = [NEW]
    assert used(user, shown_code(enrolment)) == "totp"
    assert used(user, enrolment.recovery_codes[0]) == "recovery_codes"


def test_a_rotation_goes_on_chunk_by_chunk_and_tells_how_far(user, enrolment, settings, monkeypatch):
    monkeypatch.setattr(second_factor, "CHUNK", 1)
    settings.ENIGMA_FERNET_KEYS = [NEW, *settings.ENIGMA_FERNET_KEYS]
    told = []
    assert (second_factor.rewrap(operator(), told.append), told) == (2, [1, 2])
    sequence_all()
    entries = AuditLog.objects.filter(action="keys.rotate").values_list("entity_id", "details")
    assert list(entries) == [("mfa_authenticator", {"key": key_id(NEW), "rows": 1})] * 2


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN, Role.AUDITOR])
def test_only_who_manages_people_resets(role, user, enrolment):
    other = omar(role, email="aiza@example.org")
    with pytest.raises(Denied):
        second_factor.reset(member(), other)
    assert second_factor.has_one(user)


def test_nobody_resets_their_own():
    actor = omar(Role.SUPER_ADMIN)
    second_factor.enrol(User.objects.get())
    with pytest.raises(Refused, match="ask a colleague"):
        second_factor.reset(AdminUser.objects.get(), actor)


def test_a_reset_ends_every_session_and_is_audited():
    aiza = omar(Role.SUPER_ADMIN, email="aiza@example.org")
    browser, _ = staff_browser()
    app = staff_client(Role.ADMIN, email="third@example.org")
    second_factor.reset(member("third@example.org"), aiza)
    second_factor.reset(member(), aiza)
    assert (app.get("/api/v1/admin/auth/me").status_code, browser.get("account_home").redirect_chain[0][1]) == (
        401,
        302,
    )
    sequence_all()
    entries = AuditLog.objects.filter(action="second_factor.reset").values_list("actor_id", "entity_id", "details")
    assert list(entries) == [
        (aiza.id, str(member("third@example.org").user_id), {"removed": 0, "sessions": 1}),
        (aiza.id, str(member().user_id), {"removed": 2, "sessions": 0}),
    ]
