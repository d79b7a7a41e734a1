"""One keyring for the process, made from the settings and made anew when they change."""

from enigma.encryption import key_id
from enigma.keys import keyring

KEY = "bmV3LWtleS1udW1iZXItdHdvLTEyMzQ1Njc4OTAxMjM="


def test_there_is_one_keyring():
    assert keyring() is keyring()


def test_the_first_key_of_the_settings_encrypts(settings):
    settings.ENIGMA_FERNET_KEYS = [KEY, *settings.ENIGMA_FERNET_KEYS]
    assert keyring().primary_id == key_id(KEY)


def test_a_changed_index_key_makes_other_indexes(settings):
    before = keyring().email_index("amina@mail.example", cycle_id=1)
    settings.ENIGMA_BIDX_KEY = "another index key"
    assert keyring().email_index("amina@mail.example", cycle_id=1) != before


def test_another_setting_changes_nothing(settings):
    before = keyring()
    settings.LANGUAGE_CODE = "de"
    assert keyring() is before
