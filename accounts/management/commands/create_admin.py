"""Make a member of staff: a user with a role. The password comes from a prompt or from standard input."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts import second_factor
from accounts.actors import operator
from accounts.models import User
from accounts.roles import STAFF
from accounts.staff import create_staff
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Make a member of staff"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in STAFF])
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument("--totp", action="store_true", help="enrol an authenticator app and print its secret once")

    def operate(self, *, email: str, role: str, password_stdin: bool, totp: bool, **options: Any) -> None:
        """Check address and password, then make the staff record, with a second factor where one is asked for."""
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else self._ask()
        try:
            validate_email(email)
            validate_password(password, User(email=email))
        except ValidationError as fault:
            raise CommandError(" ".join(fault.messages), returncode=2) from None
        with transaction.atomic():
            member = create_staff(email, password, role=role, actor=operator())
            enrolled = second_factor.enrol(member.user) if totp else None
        self.stdout.write(f"made {member.role} user:{member.user_id}")
        if enrolled:
            self.stdout.write(f"address {enrolled.address}")
            self.stdout.write(f"secret {enrolled.secret}")
            self.stdout.write(f"recovery codes {' '.join(enrolled.recovery_codes)}")

    def _ask(self) -> str:
        try:
            first, again = getpass.getpass("Password: "), getpass.getpass("Once more: ")
        except EOFError:
            raise CommandError("There is nobody to ask: use --password-stdin.", returncode=2) from None
        if first != again:
            raise CommandError("The two passwords differ.", returncode=2)
        return first
