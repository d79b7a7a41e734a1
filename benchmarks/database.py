"""A database of a benchmark's own on the server of DATABASE_URL, and the environment of processes that work on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet


def environment_of(url: str, folder: Path) -> dict[str, str]:
    """Return our environment with a database, keys and mail of the benchmark's own."""
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DEBUG": "0",
        "DJANGO_SETTINGS_MODULE": "enigma.settings",
        "EMAIL_URL": f"filemail:///{folder}/letters",
        "ENIGMA_BIDX_KEY": Fernet.generate_key().decode(),
        "ENIGMA_ENV_FILE": os.devnull,
        "ENIGMA_FERNET_KEYS": Fernet.generate_key().decode(),
        "ENIGMA_JWT_KEY": Fernet.generate_key().decode() * 2,
        "SECRET_KEY": Fernet.generate_key().decode() * 2,
    }


@contextmanager
def fresh_database(name: str) -> Iterator[str]:
    """Give the URL of a fresh database on the server of DATABASE_URL."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
