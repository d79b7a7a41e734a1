"""Read settings from the environment, from NAME_FILE files, or from an env file; nothing else reads the environment."""

import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

# Where NAME is not set, FileAwareEnv reads the file that NAME_FILE names (Docker and systemd secrets).
env = environ.FileAwareEnv()


def load_env_file() -> None:
    """Read the file named by ENIGMA_ENV_FILE, or ``.env`` beside manage.py; what the environment holds already wins."""
    path = Path(os.environ.get("ENIGMA_ENV_FILE", BASE_DIR / ".env"))
    if path.is_file():
        environ.Env.read_env(path)


def secret(name: str, *, sample: str) -> str:
    """Return the secret NAME; where it is missing a sample in DEBUG, and otherwise nothing, which start-up refuses.

    Emptiness is judged by ``enigma.checks``, not here, so that commands that need no key run without one.
    """
    value: str = env.str(name, default=sample if env.bool("DEBUG", default=False) else "")
    return value
