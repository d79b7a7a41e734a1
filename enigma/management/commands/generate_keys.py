"""Print a fresh set of keys in the form of an env file; needs no key and no database."""

import secrets
from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Print a fresh set of keys, ready for .env"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write NAME=value lines to stdout."""
        # token_urlsafe has no quote, space or dollar, which env files read in surprising ways.
        self.stdout.write(f"SECRET_KEY={secrets.token_urlsafe(48)}")
        self.stdout.write(f"ENIGMA_FERNET_KEYS={Fernet.generate_key().decode()}")
        self.stdout.write(f"ENIGMA_BIDX_KEY={secrets.token_urlsafe(32)}")
        self.stdout.write(f"ENIGMA_JWT_KEY={secrets.token_urlsafe(48)}")
