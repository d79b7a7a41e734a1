"""What start-up refuses."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from enigma.checks import (
    check_configuration,
    check_second_factor,
    configuration_faults,
    refuse_bad_configuration,
    refuse_old_server,
)
from enigma.env import BASE_DIR
from enigma.samples import SAMPLE_FERNET_KEY, SAMPLE_INDEX_KEY, SAMPLE_SECRET_KEY, SAMPLE_TOKEN_KEY

SECRET = "a-secret-key-of-more-than-fifty-characters-for-the-tests"
FERNET = "b25lLWdvb2Qta2V5LW9mLXRoaXJ0eS10d28tYnl0ZXM="
OTHER = "YW5vdGhlci1rZXktb2YtdGhpcnR5LXR3by1ieXRlcy4="
INDEX = "an-index-key-of-thirty-two-characters"
TOKEN = "a-token-key-of-thirty-two-characters"
GOOD = {
    "secret_key": SECRET,
    "fernet_keys": [FERNET, OTHER],
    "index_key": INDEX,
    "token_key": TOKEN,
    "origin": "example.edu/enigma/1",
    "site": "https://admissions.example.edu",
    "debug": False,
}
ENGINE = "django.db.backends.postgresql"


def faults(**changes):
    return list(configuration_faults(**{**GOOD, "engine": ENGINE, **changes}))


def test_a_good_configuration_has_no_fault():
    assert faults() == []


@pytest.mark.parametrize("site", ["", "http://127.0.0.1:8000", "https://[::1]:8443", "https://a-b.example"])
def test_a_site_is_named_by_scheme_and_host_or_not_at_all(site):
    assert faults(site=site) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"engine": ""}, "Set DATABASE_URL"),
        ({"origin": "two words"}, "ENIGMA_ORIGIN must be"),
        ({"origin": ""}, "ENIGMA_ORIGIN must be"),
        *(
            ({"site": site}, "SITE_URL must be")
            for site in (
                "admissions.example.edu",
                "https://a.example/apply",
                "ftp://a.example",
                "https://a b",
                "https://",
            )
        ),
        ({"engine": "django.db.backends.sqlite3"}, "Set DATABASE_URL"),
        ({"secret_key": ""}, "SECRET_KEY is missing"),
        ({"secret_key": "x" * 49}, "SECRET_KEY is missing or shorter"),
        ({"fernet_keys": []}, "ENIGMA_FERNET_KEYS is missing"),
        ({"fernet_keys": [FERNET, "short"]}, "Key 2 of ENIGMA_FERNET_KEYS"),
        ({"fernet_keys": [FERNET, "nöt base64"]}, "Key 2 of ENIGMA_FERNET_KEYS"),
        ({"index_key": "x" * 31}, "ENIGMA_BIDX_KEY is missing"),
        ({"token_key": "x" * 31}, "ENIGMA_JWT_KEY is missing"),
        ({"token_key": INDEX}, "Two keys are equal"),
        ({"token_key": SAMPLE_TOKEN_KEY}, "A sample key is in use"),
        ({"fernet_keys": [FERNET, FERNET]}, "Two keys are equal"),
        ({"index_key": FERNET}, "Two keys are equal"),
        ({"secret_key": INDEX + SECRET, "index_key": INDEX + SECRET}, "Two keys are equal"),
        ({"secret_key": SAMPLE_SECRET_KEY}, "A sample key is in use"),
        ({"fernet_keys": [SAMPLE_FERNET_KEY]}, "A sample key is in use"),
        ({"index_key": SAMPLE_INDEX_KEY}, "A sample key is in use"),
    ],
)
def test_a_fault_is_named(changes, reason):
    found = faults(**changes)
    assert len(found) == 1
    assert reason in found[0]


def test_sample_keys_are_good_enough_for_debug():
    samples = {
        "secret_key": SAMPLE_SECRET_KEY,
        "fernet_keys": [SAMPLE_FERNET_KEY],
        "index_key": SAMPLE_INDEX_KEY,
        "token_key": SAMPLE_TOKEN_KEY,
    }
    assert faults(**samples, debug=True) == []


def test_the_settings_of_the_tests_are_good():
    assert check_configuration() == []
    refuse_bad_configuration()


def test_a_server_refuses_to_start(settings):
    settings.ENIGMA_BIDX_KEY = "short"
    with pytest.raises(ImproperlyConfigured, match="ENIGMA_BIDX_KEY"):
        refuse_bad_configuration()


def test_a_server_whose_static_files_were_not_collected_refuses_to_start(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    with pytest.raises(ImproperlyConfigured, match=r"run manage\.py collectstatic"):
        refuse_bad_configuration()
    (tmp_path / "staticfiles.json").write_text('{"version": "1.1", "paths": {"a.css": "a.0.css"}, "hash": "0"}')
    settings.STORAGES = {**settings.STORAGES}
    refuse_bad_configuration()


def test_an_old_postgresql_is_refused():
    with pytest.raises(ImproperlyConfigured, match="this server says 140012"):
        refuse_old_server(connection=SimpleNamespace(vendor="postgresql", pg_version=140_012))


def test_postgresql_15_is_new_enough():
    assert refuse_old_server(connection=SimpleNamespace(vendor="postgresql", pg_version=150_000)) is None


def manage(*arguments, **environment):
    """Run manage.py in an environment of its own; return exit code and both outputs."""
    bare = {"PATH": os.environ["PATH"], "ENIGMA_ENV_FILE": os.devnull, **environment}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=BASE_DIR, env=bare, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_command_without_keys_names_all_that_is_missing():
    code, _, told = manage("cycle_status", "fall-2026")
    assert code == 1
    missing = ("DATABASE_URL", "SECRET_KEY", "ENIGMA_FERNET_KEYS", "ENIGMA_BIDX_KEY", "ENIGMA_JWT_KEY")
    assert [name for name in missing if name not in told] == []


def test_the_server_entry_point_refuses_too():
    bare = {"PATH": os.environ["PATH"], "ENIGMA_ENV_FILE": os.devnull, "SECRET_KEY": SECRET}
    command = [sys.executable, "-c", "import enigma.wsgi"]
    done = subprocess.run(command, cwd=BASE_DIR, env=bare, capture_output=True, text=True, check=False)
    assert "ImproperlyConfigured: Set DATABASE_URL" in done.stderr


def test_fresh_keys_need_no_keys_and_are_good():
    code, printed, told = manage("generate_keys")
    keys = dict(line.split("=", 1) for line in printed.splitlines())
    assert (code, told) == (0, "")
    assert (
        faults(
            secret_key=keys["SECRET_KEY"],
            fernet_keys=[keys["ENIGMA_FERNET_KEYS"]],
            index_key=keys["ENIGMA_BIDX_KEY"],
            token_key=keys["ENIGMA_JWT_KEY"],
        )
        == []
    )


def test_two_sets_of_keys_have_nothing_in_common():
    first, second = (set(manage("generate_keys")[1].splitlines()) for _ in range(2))
    assert first & second == set()


def test_a_deployment_that_calls_its_data_invented_is_refused(settings):
    settings.DEMO = True
    assert [fault.id for fault in check_second_factor()] == ["enigma.E003"]


def test_a_deployment_without_second_factors_is_refused(settings):
    assert check_second_factor() == []
    settings.SECOND_FACTOR_OPTIONAL = True
    assert [fault.id for fault in run_checks(include_deployment_checks=True) if fault.id == "enigma.E002"] == [
        "enigma.E002"
    ]
    assert "enigma.E002" not in [fault.id for fault in run_checks()]
