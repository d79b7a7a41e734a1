"""Recomputes both logs from their bytes; exits with 1 and the first lie when one does not hold."""

import argparse
import os
import sys
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.verification import Verdict, verify
from audit.verifications import keep
from enigma.operation import FOUND_PROBLEMS, OperatorCommand


class Command(OperatorCommand):
    help = "Verify the audit log and the public chain from their bytes."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--json for programs."""
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def operate(self, **options: Any) -> None:
        """Print sizes, heads and lies; keep the verdict, where this database may be written to."""
        started = timezone.now()
        verdict = verify()
        try:
            with transaction.atomic():
                keep(verdict, asked_by=f"uid:{os.getuid()}", started=started)
        except DatabaseError:
            self.say("The verdict could not be kept in this database.")
        self.answer(_as_text(verdict), _as_json(verdict), as_json=options["json"])
        if not verdict.ok:
            sys.exit(FOUND_PROBLEMS)


def _as_text(verdict: Verdict) -> str:
    lines = [
        f"log       {verdict.origin}",
        f"public    {verdict.public_size} entries, head {verdict.public_head}",
        f"internal  {verdict.audit_size} entries, head {verdict.audit_head}",
        f"waiting   {verdict.pending}",
        *(f"LIES      {fault}" for fault in verdict.faults),
        f"{'verified' if verdict.ok else 'NOT VERIFIED'}: {verdict.checked} entries checked",
    ]
    return "\n".join(lines)


def _as_json(verdict: Verdict) -> dict[str, Any]:
    faults = [{"log": fault.log, "position": fault.position, "reason": fault.reason} for fault in verdict.faults]
    return {
        "ok": verdict.ok,
        "origin": verdict.origin,
        "public_size": verdict.public_size,
        "public_head": verdict.public_head,
        "audit_size": verdict.audit_size,
        "audit_head": verdict.audit_head,
        "pending": verdict.pending,
        "checked": verdict.checked,
        "fault": faults[0] if faults else None,
        "faults": faults,
    }
