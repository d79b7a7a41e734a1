"""Wrap every data key anew by the first of ENIGMA_FERNET_KEYS: ``manage.py rotate_keys``."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.actors import acting
from admissions.rotation import rotate_keys, standing
from enigma.encryption import UnreadableRecord
from enigma.keys import keyring
from enigma.operation import FOUND_PROBLEMS, OperatorCommand, progress


class Command(OperatorCommand):
    help = "Wrap every data key anew by the first master key; killed, it is simply run again"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows stand on which key")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, dry_run: bool, actor: str | None, **options: Any) -> None:
        """Rotate, then count by key."""
        who = acting(actor)
        who.require("keys.rotate")
        primary = keyring().primary_id
        before = standing()
        total = sum(before.values()) - before.get(primary, 0)
        rotated = 0
        if not dry_run:
            with progress("keys", total=total) as told:
                try:
                    rotated = rotate_keys(actor=who, on_progress=told)
                except UnreadableRecord:
                    unreadable = (
                        "A data key opens with none of ENIGMA_FERNET_KEYS: an old key is missing from the list."
                    )
                    raise CommandError(unreadable, returncode=FOUND_PROBLEMS) from None
        counts = standing()
        listed = ", ".join(
            f"{count} rows on {key}{' (first)' if key == primary else ''}" for key, count in counts.items()
        )
        verb = f"would rotate {total}" if dry_run else f"rotated {rotated}"
        data = {
            "dry_run": dry_run,
            "to_rotate": total,
            "rotated": rotated,
            "primary": primary,
            "standing": counts,
        }
        self.answer(f"{verb} keys: {listed or 'no rows'}", data, as_json=options["json"])
        left = sum(counts.values()) - counts.get(primary, 0)
        if left and not dry_run:
            raise CommandError(f"{left} rows do not stand on the first key: run it again.", returncode=FOUND_PROBLEMS)
