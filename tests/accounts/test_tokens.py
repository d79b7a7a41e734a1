"""Only what we signed ourselves, whole and in time, is a token; everything else is refused by one plain error."""

import base64
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as searching
from hypothesis import strategies as st

from accounts import tokens
from accounts.tokens import Audience, BadToken, Claims
from tests.clients import api, staff_client

GOOD = {
    "iss": settings.ENIGMA_ORIGIN,
    "aud": "staff",
    "sub": "user:7",
    "sid": str(uuid.UUID(int=7)),
    "gen": 0,
    "jti": "1",
    "iat": int(time.time()),
    "exp": int(time.time())
    + 86_400,  # a day: what is refused is to be refused for another reason, however long tests run
    "auth_time": int(time.time()),
    "amr": ["pwd", "otp"],
    "token_type": "access",
}
ME = "/api/v1/admin/auth/me"


def signed(key=settings.ENIGMA_JWT_KEY, algorithm="HS256", headers=None, **changes):
    said = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers=headers)


def test_what_was_written_is_read():
    moment = datetime.fromtimestamp(int(time.time()), UTC)
    claims = Claims(
        audience=Audience.APPLICANT,
        subject="user:7",
        session_id=uuid.uuid4(),
        generation=3,
        auth_time=moment,
        expires_at=moment + timedelta(minutes=10),
        amr=("otp",),
    )
    assert tokens.read(tokens.write(claims, "access")) == claims


def test_a_token_names_exactly_these_claims_and_no_role():
    now = datetime.now(UTC)
    claims = Claims(Audience.STAFF, "user:7", uuid.uuid4(), 0, now, now + timedelta(minutes=5))
    said = jwt.decode(tokens.write(claims, "access"), options={"verify_signature": False})
    assert set(said) == set(GOOD)


def test_two_tokens_of_one_moment_differ():
    now = datetime.now(UTC)
    claims = Claims(Audience.STAFF, "user:7", uuid.uuid4(), 0, now, now + timedelta(minutes=5))
    assert tokens.write(claims, "refresh") != tokens.write(claims, "refresh")


def test_the_pattern_of_the_forgeries_is_itself_good():
    assert tokens.read(signed()).session_id == uuid.UUID(int=7)


FORGED = {
    "another key": {"key": "somebody-else's-key-" * 3},
    "another algorithm": {"algorithm": "HS512", "key": settings.ENIGMA_JWT_KEY * 2},
    "another algorithm, same key": {"algorithm": "HS384", "key": settings.ENIGMA_JWT_KEY},
    "another issuer": {"iss": "elsewhere"},
    "another audience": {"aud": "public"},
    "a list of audiences": {"aud": ["staff", "applicant"]},
    "a refresh token": {"token_type": "refresh"},
    "expired": {"exp": int(time.time()) - tokens.LEEWAY_SECONDS - 1},
    "from the future": {"iat": int(time.time()) + 3600},
    "not a session": {"sid": "7"},
    "a generation of text": {"gen": "0"},
    "a generation of truth": {"gen": True},
    "methods of text": {"amr": "pwd"},
    "a moment beyond time": {"auth_time": 10**17},
    "an end beyond time": {"exp": 10**17},
    **{f"no {name}": {name: None} for name in GOOD},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED.keys())
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forged_token_is_refused(changes):
    with pytest.raises(BadToken):
        tokens.read(signed(**changes))


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "None", "typ": "JWT"}, {"alg": "RS256"}, {"alg": ["HS256"]}, {}, [], "x", {"alg": None}],
)
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_a_token_without_our_signature_is_refused(header, signature):
    with pytest.raises(BadToken):
        tokens.read(f"{part(header)}.{part(GOOD)}.{signature}")


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\u00e9.b.c", "x" * 9_000, f"{part(1)}.{'[' * 1400}.x"])
def test_what_is_no_token_at_all_is_refused(text):
    with pytest.raises(BadToken):
        tokens.read(text)


@searching(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), put=st.text("AZaz09-_.=", max_size=3), drop=st.integers(0, 3))
def test_a_token_with_any_letter_changed_is_refused(at, put, drop):
    whole = signed()
    at %= len(whole)
    changed = whole[:at] + put + whole[at + drop :]
    if changed == whole:
        return
    with pytest.raises(BadToken):
        assert tokens.read(changed) is None


@searching(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(GOOD)),
    value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists),
)
def test_a_signed_token_with_any_value_in_it_is_read_or_refused(name, value):
    try:
        claims = tokens.read(jwt.encode({**GOOD, name: value}, settings.ENIGMA_JWT_KEY, algorithm="HS256"))
    except (BadToken, TypeError):  # TypeError: jwt itself does not write such a one
        return
    assert isinstance(claims, Claims)


def test_another_spelling_of_the_same_bytes_is_refused():
    whole = signed()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = whole[:-1] + letters[letters.index(whole[-1]) ^ 1]
    for text in (twin, whole + "=", whole[:-1] + "\n" + whole[-1]):
        with pytest.raises(BadToken):
            tokens.read(text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer  x", "Basic b21hcjp4", "x", "Bearer a.b.c", "bearer \u00ff", "Bearer " + "x" * 9_000],
)
def test_a_header_that_is_no_token_is_answered_401(header):
    answer = api().get(ME, headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="enigma"')


@pytest.mark.django_db
def test_a_forged_token_that_names_a_live_session_is_answered_401():
    omar = staff_client()
    assert omar.get(ME).status_code == 200
    forged = signed(key="somebody-else's-key-" * 3, sid=omar.actor.session_id, sub=omar.actor.id)
    assert omar.bearing(forged).get(ME).status_code == 401
