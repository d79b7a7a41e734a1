"""What is sealed opens for its own record and under its own key only; equal addresses meet inside a cycle."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from enigma.encryption import DataKey, Keyring, UnreadableRecord, WrappedKey, key_id

OLD, NEW, OTHER = (base64.urlsafe_b64encode(bytes([digit]) * 32).decode() for digit in (1, 2, 3))
INDEX_KEY = "index-key-of-the-tests"
DATA_KEY = base64.urlsafe_b64encode(bytes(range(32)))

# Made once, by this code; what was sealed by an older release must open for ever.
GOLDEN_TOKEN = (
    "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD9yBCOeNabDDDe1uSPLce7utciLJAzKrh1RAHNGqQtc2KDeq7ETBJGe92r21y5iqc9dA"
    "JMFPTa9o_E_N2SYZErx3xgLCKbe85hifyhkTmCUJFzY9Mh0VGxIavzFVN_20lg=="
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


def keyring(*keys: str) -> Keyring:
    return Keyring(keys or (NEW,), INDEX_KEY)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=4))
def test_what_is_sealed_opens_as_it_was(data):
    key = DataKey(DATA_KEY)
    assert key.open(key.seal(data, record="7", kind="identity"), record="7", kind="identity") == data


def test_a_token_of_an_older_release_opens():
    assert DataKey(DATA_KEY).open(GOLDEN_TOKEN, record="7", kind="identity") == {"name": "Amina"}


def test_a_token_holds_record_kind_version_and_data():
    token = DataKey(DATA_KEY).seal({"name": "Amina"}, record="7", kind="identity")
    body = json.loads(Fernet(DATA_KEY).decrypt(token))
    assert body == {"aid": "7", "t": "identity", "v": 1, "d": {"name": "Amina"}}


def test_the_same_data_is_never_sealed_to_the_same_token():
    key = DataKey(DATA_KEY)
    assert key.seal({}, record="7", kind="identity") != key.seal({}, record="7", kind="identity")


@pytest.mark.parametrize(("record", "kind"), [("8", "identity"), ("7", "texts"), ("07", "identity")])
def test_a_token_moved_to_another_record_or_column_is_refused(record, kind):
    with pytest.raises(UnreadableRecord, match=f"^the {kind} of record {record} belongs to another record$"):
        DataKey(DATA_KEY).open(GOLDEN_TOKEN, record=record, kind=kind)


def test_a_key_and_token_moved_together_are_refused():
    ring = keyring()
    key, wrapped = ring.new_key()
    token = key.seal({"name": "Amina"}, record="7", kind="identity")
    with pytest.raises(UnreadableRecord, match="belongs to another record"):
        ring.unwrap(wrapped.token).open(token, record="8", kind="identity")


@given(st.integers(0, len(GOLDEN_TOKEN) - 2))
def test_a_token_changed_anywhere_is_refused(place):
    other = "A" if GOLDEN_TOKEN[place] != "A" else "B"
    with pytest.raises(UnreadableRecord, match=r"^the identity of record 7 does not open$"):
        DataKey(DATA_KEY).open(GOLDEN_TOKEN[:place] + other + GOLDEN_TOKEN[place + 1 :], record="7", kind="identity")


@pytest.mark.parametrize(
    "body", [b"", b"Amina", b"[]", b'{"aid": "7"}', b'{"aid": "7", "t": "identity", "v": 2, "d": {}}']
)
def test_a_token_that_holds_something_else_is_refused(body):
    token = Fernet(DATA_KEY).encrypt(body).decode()
    with pytest.raises(UnreadableRecord):
        DataKey(DATA_KEY).open(token, record="7", kind="identity")


def test_a_refusal_tells_no_content():
    key = DataKey(DATA_KEY)
    token = key.seal({"name": "Amina"}, record="7", kind="identity")
    with pytest.raises(UnreadableRecord) as refusal:
        key.open(token, record="8", kind="identity")
    assert "Amina" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_data_key_is_wrapped_by_the_first_master_key():
    _, wrapped = keyring(NEW, OLD).new_key()
    assert wrapped.key_id == key_id(NEW)
    assert len(base64.urlsafe_b64decode(Fernet(NEW).decrypt(wrapped.token))) == 32


def test_two_records_never_share_a_data_key():
    ring = keyring()
    token = ring.new_key()[0].seal({}, record="7", kind="identity")
    with pytest.raises(UnreadableRecord, match="does not open"):
        ring.new_key()[0].open(token, record="7", kind="identity")


def test_a_data_key_of_an_old_master_key_opens_while_the_old_key_is_listed():
    key, wrapped = keyring(OLD).new_key()
    token = key.seal({"name": "Amina"}, record="7", kind="identity")
    assert keyring(NEW, OLD).unwrap(wrapped.token).open(token, record="7", kind="identity") == {"name": "Amina"}


@pytest.mark.parametrize("act", [Keyring.unwrap, Keyring.rewrap])
def test_a_data_key_without_its_master_key_is_refused(act):
    _, wrapped = keyring(OLD).new_key()
    with pytest.raises(UnreadableRecord, match=r"^no master key opens this data key$"):
        act(keyring(NEW, OTHER), wrapped.token)


def test_wrapping_anew_keeps_the_data_key():
    _, wrapped = keyring(OLD).new_key()
    fresh = keyring(NEW, OLD).rewrap(wrapped.token)
    assert fresh == WrappedKey(fresh.token, key_id(NEW))
    assert Fernet(NEW).decrypt(fresh.token) == Fernet(OLD).decrypt(wrapped.token)


def test_a_key_id_is_the_beginning_of_a_hash():
    assert key_id("k") == hashlib.sha256(b"enigma/kek/v1\nk").hexdigest()[:8] == "44195e65"


def test_the_index_of_an_address_is_an_hmac_of_the_folded_address():
    expected = hmac.new(INDEX_KEY.encode(), b"enigma/bidx/email/v1\n3\namina@mail.example", hashlib.sha256).digest()
    assert keyring().email_index("amina@mail.example", cycle_id=3) == expected


@pytest.mark.parametrize("spelling", ["AMINA@mail.example", " amina@Mail.Example ", "\uff41mina@mail.example"])
def test_spellings_of_one_address_meet(spelling):
    ring = keyring()
    assert ring.email_index(spelling, cycle_id=3) == ring.email_index("amina@mail.example", cycle_id=3)


def test_an_address_does_not_meet_itself_in_another_cycle_or_under_another_key():
    ring, other = keyring(), Keyring([NEW], INDEX_KEY + "!")
    address = "amina@mail.example"
    indexes = {ring.email_index(address, cycle_id=3), ring.email_index(address, cycle_id=4)}
    assert len(indexes | {other.email_index(address, cycle_id=3)}) == 3


def test_a_fingerprint_is_not_the_index_of_the_same_bytes():
    ring = keyring()
    assert ring.fingerprint(b"amina@mail.example", cycle_id=3) != ring.email_index("amina@mail.example", cycle_id=3)
    assert ring.fingerprint(b"a", cycle_id=3) != ring.fingerprint(b"a", cycle_id=4)


@given(st.text(st.characters(codec="utf-8")))
def test_a_short_secret_opens_as_it_was(text):
    sealed = keyring().seal_secret(text, kind="second factor")
    assert keyring().open_secret(sealed, kind="second factor") == text
    assert sealed.startswith(f"{key_id(NEW)}:")


@pytest.mark.parametrize("sealed", ["", "x", "gAAAA", f"{key_id(NEW)}:", f"{key_id(NEW)}:gAAAA"])
def test_what_was_never_sealed_does_not_open(sealed):
    with pytest.raises(UnreadableRecord):
        keyring().open_secret(sealed, kind="second factor")


def test_a_short_secret_opens_as_what_it_is_and_with_its_key_only():
    sealed = keyring(OLD).seal_secret("JBSWY3DP", kind="second factor")
    with pytest.raises(UnreadableRecord, match="something else"):
        keyring(OLD).open_secret(sealed, kind="tie break")
    with pytest.raises(UnreadableRecord, match="does not open"):
        keyring(OTHER).open_secret(sealed, kind="second factor")


def test_a_short_secret_is_sealed_anew_by_the_first_key():
    sealed = keyring(NEW, OLD).rewrap_secret(keyring(OLD).seal_secret("JBSWY3DP", kind="second factor"))
    assert keyring(NEW).open_secret(sealed, kind="second factor") == "JBSWY3DP"
    assert sealed.startswith(f"{key_id(NEW)}:")
