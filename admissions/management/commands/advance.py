"""Take one step of a cycle: ``manage.py advance fall-2026 freeze``."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from accounts.actors import acting
from accounts.roles import STEPS
from admissions.cycles import cycle_named
from admissions.letters import LettersLeft, queued, send_letters
from admissions.models.cycles import AdmissionCycle
from admissions.preprocessing import preprocess_chunk, remaining
from audit.sequencer import sequence_all
from enigma.operation import FOUND_PROBLEMS, OperatorCommand, progress


class Command(OperatorCommand):
    help = "Take one step of a cycle"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("step", choices=STEPS)
        parser.add_argument("--actor", metavar="E-MAIL", help="the member of staff who takes the step")
        parser.add_argument("--reason", default="", help="goes into the audit log; name no person in it")
        parser.add_argument("--wait", action="store_true", help="do the work of the step here, without a worker")
        parser.add_argument("--dry-run", action="store_true", help="check and do everything, then keep nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true")

    def operate(self, *, code: str, step: str, actor: str | None, dry_run: bool, **options: Any) -> None:
        """Ask, take the step, bring the log up to date, and do the waiting work if told to."""
        cycle, who = cycle_named(code), acting(actor)
        if not dry_run:
            self.agree(f"{step} takes {code} on from {cycle.phase} and cannot be undone. Go on?", yes=options["yes"])
            sequence_all()
        facts = getattr(cycle, step)(actor=who, reason=options["reason"], dry_run=dry_run)
        if not dry_run:
            sequence_all()
            facts |= self._work(cycle, step) if options["wait"] else {}
        verb = "would lead" if dry_run else "led"
        summary = f"{step} {verb} {code} from {facts['from']} to {facts['to']}: {_told(facts)}"
        self.answer(summary, {"code": code, "step": step, "dry_run": dry_run, **facts}, as_json=options["json"])
        if unsent := facts.get("letters_failed", 0) + facts.get("letters_queued", 0):
            raise CommandError(f"{unsent} letters were not sent; see cycle_status.", returncode=FOUND_PROBLEMS)

    def _work(self, cycle: AdmissionCycle, step: str) -> dict[str, Any]:
        """Do what the step left to the workers, in this process; workers that run take their share."""
        if step == "start_preprocessing":
            return {"scrubbed": _drain("scrubbing", remaining(cycle), lambda: preprocess_chunk(cycle))}
        if step == "publish_results":
            try:
                return _send(cycle)
            except LettersLeft as why:  # the step is taken; the letters wait for a worker with a mail server
                self.say(str(why))
        return {}


def _told(facts: dict[str, Any]) -> str:
    shown = {
        name: value for name, value in facts.items() if isinstance(value, int | str) and name not in {"from", "to"}
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _send(cycle: AdmissionCycle) -> dict[str, int]:
    done = 0

    def each() -> None:
        nonlocal done
        done += 1
        told(done)

    with progress("letters", total=queued(cycle)) as told:
        return {f"letters_{state}": count for state, count in send_letters(cycle, each=each).items()}


def _drain(label: str, total: int, chunk: Callable[[], int]) -> int:
    done = 0
    with progress(label, total=total) as told:
        while taken := chunk():
            done += taken
            told(done)
    return done
