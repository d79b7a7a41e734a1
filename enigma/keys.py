"""The one keyring of this process, from the settings."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from enigma.encryption import Keyring


@lru_cache(maxsize=1)
def keyring() -> Keyring:
    """Return the keyring of the settings."""
    return Keyring(settings.ENIGMA_FERNET_KEYS, settings.ENIGMA_BIDX_KEY)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {"ENIGMA_FERNET_KEYS", "ENIGMA_BIDX_KEY"}:
        keyring.cache_clear()


setting_changed.connect(_forget, dispatch_uid="enigma.keys.forget")
