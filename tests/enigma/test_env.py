"""Where settings come from."""

import os
import subprocess
import sys

import pytest

from enigma.env import BASE_DIR

SHOW = "from enigma import settings; print({})"


def setting(expression, tmp_path, *, env_file="", **environment):
    """Load the settings in a process of their own and print one of them."""
    path = tmp_path / "env"
    path.write_text(env_file)
    bare = {"PATH": os.environ["PATH"], "ENIGMA_ENV_FILE": str(path), **environment}
    command = [sys.executable, "-c", SHOW.format(f"settings.{expression}")]
    return subprocess.run(command, cwd=BASE_DIR, env=bare, capture_output=True, text=True, check=True).stdout.strip()


def test_debug_is_off_unless_asked_for(tmp_path):
    assert setting("DEBUG", tmp_path) == "False"
    assert setting("DEBUG", tmp_path, DEBUG="1") == "True"


def test_the_env_file_is_read(tmp_path):
    assert setting("ENIGMA_BIDX_KEY", tmp_path, env_file="ENIGMA_BIDX_KEY=from-the-file\n") == "from-the-file"


def test_the_environment_wins_over_the_env_file(tmp_path):
    told = setting("SECRET_KEY", tmp_path, env_file="SECRET_KEY=file\n", SECRET_KEY="environment")
    assert told == "environment"


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path):
    (tmp_path / "secret").write_text("from-a-secret-file\n")
    told = setting("ENIGMA_BIDX_KEY", tmp_path, ENIGMA_BIDX_KEY_FILE=str(tmp_path / "secret"))
    assert told == "from-a-secret-file"


def test_several_master_keys_are_separated_by_commas(tmp_path):
    assert setting("ENIGMA_FERNET_KEYS", tmp_path, ENIGMA_FERNET_KEYS="first, second,") == "['first', 'second']"


def test_the_old_name_of_the_master_key_is_still_read(tmp_path):
    assert setting("ENIGMA_FERNET_KEYS", tmp_path, ENCRYPTION_KEY="old") == "['old']"


def test_a_proxy_that_ends_tls_is_trusted_only_on_request(tmp_path):
    header = "__dict__.get('SECURE_PROXY_SSL_HEADER')"
    assert setting(header, tmp_path) == "None"
    assert setting(header, tmp_path, BEHIND_TLS_PROXY="1") == "('HTTP_X_FORWARDED_PROTO', 'https')"


def test_cookies_stay_secure_behind_a_proxy_that_redirects_itself(tmp_path):
    assert setting("SESSION_COOKIE_SECURE", tmp_path, SECURE_SSL_REDIRECT="0") == "True"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECURE_SSL_REDIRECT", "True"),
        ("SESSION_COOKIE_SECURE", "True"),
        ("CSRF_COOKIE_SECURE", "True"),
        ("SECURE_HSTS_SECONDS", "31536000"),
        ("ALLOWED_HOSTS", "[]"),
        ("DATABASES", "{}"),
    ],
)
def test_nothing_set_means_closed(tmp_path, name, value):
    assert setting(name, tmp_path) == value


def test_values_travel_apart_from_the_sql(tmp_path):
    told = setting("DATABASES['default']['OPTIONS']['server_side_binding']", tmp_path, DATABASE_URL="postgres://u@h/d")
    assert told == "True"
