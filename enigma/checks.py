"""What start-up refuses: missing, short, equal or sample keys, and a database that is not PostgreSQL 15 or newer."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from enigma.samples import SAMPLE_MARK, SAMPLES

MIN_SERVER = 150_000
MIN_SECRET_KEY = 50  # characters, as Django's own deployment check asks
MIN_INDEX_KEY = 32
MIN_TOKEN_KEY = 32  # HMAC-SHA-256 wants a key as long as its hash (RFC 7518, 3.2)
ORIGIN = re.compile(r"[!-*,-~]+")  # what audit.chain hashes into the first entry
SITE = re.compile(r"(https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?)?")


def configuration_faults(
    *,
    secret_key: str,
    fernet_keys: list[str],
    index_key: str,
    token_key: str,
    origin: str,
    site: str,
    engine: str,
    debug: bool,
) -> Iterator[str]:
    """Yield a sentence for each fault; in DEBUG the sample keys are let through."""
    if engine != "django.db.backends.postgresql":
        yield "Set DATABASE_URL to a PostgreSQL database: no other engine is supported."
    yield from _malformed_origin(origin)
    if not SITE.fullmatch(site):
        yield "SITE_URL must be scheme and host in lower case, and no more, such as https://admissions.example.edu."
    yield from _short_keys(secret_key, fernet_keys, index_key, token_key)
    keys = [secret_key, *fernet_keys, index_key, token_key]
    if len(set(filter(None, keys))) < len(list(filter(None, keys))):
        named = "SECRET_KEY, ENIGMA_BIDX_KEY, ENIGMA_JWT_KEY and each of ENIGMA_FERNET_KEYS"
        yield f"Two keys are equal: {named} must differ."
    if not debug and any(key in SAMPLES or SAMPLE_MARK in key for key in keys):
        yield "A sample key is in use: make your own with `manage.py generate_keys`."


def _malformed_origin(origin: str) -> Iterator[str]:
    if not ORIGIN.fullmatch(origin):
        yield "ENIGMA_ORIGIN must be printable ASCII without blanks and «+», such as admissions.example.edu/enigma/1."


def _short_keys(secret_key: str, fernet_keys: list[str], index_key: str, token_key: str) -> Iterator[str]:
    if len(secret_key) < MIN_SECRET_KEY:
        yield f"SECRET_KEY is missing or shorter than {MIN_SECRET_KEY} characters (see manage.py generate_keys)."
    if not fernet_keys:
        yield "ENIGMA_FERNET_KEYS is missing (see manage.py generate_keys)."
    for number, key in enumerate(fernet_keys, start=1):
        if not _is_fernet_key(key):
            yield f"Key {number} of ENIGMA_FERNET_KEYS is not 32 bytes of URL-safe base64."
    if len(index_key) < MIN_INDEX_KEY:
        yield f"ENIGMA_BIDX_KEY is missing or shorter than {MIN_INDEX_KEY} characters (see manage.py generate_keys)."
    if len(token_key) < MIN_TOKEN_KEY:
        yield f"ENIGMA_JWT_KEY is missing or shorter than {MIN_TOKEN_KEY} characters (see manage.py generate_keys)."


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except (binascii.Error, ValueError):
        return False


def _current_faults() -> Iterator[str]:
    return configuration_faults(
        secret_key=settings.SECRET_KEY,
        fernet_keys=settings.ENIGMA_FERNET_KEYS,
        index_key=settings.ENIGMA_BIDX_KEY,
        token_key=settings.ENIGMA_JWT_KEY,
        origin=settings.ENIGMA_ORIGIN,
        site=settings.SITE_URL,
        engine=settings.DATABASES.get("default", {}).get("ENGINE", ""),
        debug=settings.DEBUG,
    )


def check_configuration(**_: Any) -> list[CheckMessage]:
    """The faults as Django system checks, so that every command that needs keys refuses to run."""
    return [Error(fault, id="enigma.E001") for fault in _current_faults()]


def check_second_factor(**_: Any) -> list[CheckMessage]:
    """For ``check --deploy``: staff without a second factor, and pages that say «Demo data», are for a demo only."""
    hint, faults = "Unset it; it is for a demo only.", []
    if settings.SECOND_FACTOR_OPTIONAL:
        told = "SECOND_FACTOR_OPTIONAL is on: staff may sign in by a password alone."
        faults.append(Error(told, hint=hint, id="enigma.E002"))
    if settings.DEMO:
        faults.append(Error("DEMO is on: every page says that its data are invented.", hint=hint, id="enigma.E003"))
    return faults


def _uncollected_files() -> Iterator[str]:
    # With a manifest every page needs it, those of errors too; without one the storage has no such list.
    if getattr(staticfiles_storage, "hashed_files", None) == {}:
        yield "Static files are not collected: run manage.py collectstatic."


def refuse_bad_configuration() -> None:
    """Raise ImproperlyConfigured with all faults; for servers, which run no system checks."""
    if faults := [*_current_faults(), *_uncollected_files()]:
        raise ImproperlyConfigured(" ".join(faults))


def refuse_old_server(*, connection: Any, **_: Any) -> None:
    """Raise ImproperlyConfigured when a fresh connection leads to a PostgreSQL older than 15."""
    if connection.vendor == "postgresql" and connection.pg_version < MIN_SERVER:
        raise ImproperlyConfigured(f"PostgreSQL 15 or newer is needed; this server says {connection.pg_version}.")
