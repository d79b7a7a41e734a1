"""Decide what waits for a person: list it, score it, set it aside, or have it tried again (``manage.py decide``)."""

import uuid
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.actors import acting
from admissions.cycles import cycle_named
from admissions.decisions import acknowledge_failure, retry_failed, score_by_person, set_aside
from admissions.models.applications import Application
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.selection import PARTS
from enigma.errors import Malformed
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "List what waits for a person; score one of it or set it aside; or have the failed ones tried again"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code")
        parser.add_argument("id", nargs="?", help="blind id, or reference of an application that failed")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--scores", metavar=",".join(PARTS), help="four numbers from 0 to 100")
        choice.add_argument("--set-aside", action="store_true", help="take it out of the ranking")
        choice.add_argument("--retry-failed", action="store_true", help="scrub all that failed once more; takes no id")
        parser.add_argument(
            "--reason",
            default="",
            help="kept with the decision, and shown to the applicant beside --scores; name no person in it",
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--actor", metavar="E-MAIL")

    def operate(self, *, code: str, id: str | None, scores: str | None, **options: Any) -> None:
        """List, score, set aside or try again."""
        cycle = cycle_named(code)
        actor = acting(options["actor"])
        actor.require("scores.decide")
        shared = {"reason": options["reason"], "actor": actor}
        if options["retry_failed"]:
            if id is not None:
                raise Malformed("--retry-failed takes all that failed, and no id.")
            retried = retry_failed(cycle, **shared)
            summary = f"{retried} applications of {code} are tried again"
            self.answer(summary, {"code": code, "retried": retried}, as_json=options["json"])
        elif id is None:
            self._list(cycle, as_json=options["json"])
        else:
            _decide(cycle, id, scores=scores, aside=options["set_aside"], **shared)
            self.answer(f"decided {id}", {"code": code, "id": id}, as_json=options["json"])

    def _list(self, cycle: AdmissionCycle, *, as_json: bool) -> None:
        waiting = FinalScore.objects.filter(admission_cycle=cycle, status=FinalScore.Status.WAITING)
        rows = [(pk.hex, reason) for pk, reason in waiting.values_list("pk", "waiting_reason").order_by("pk")]
        failed = Application.objects.of(cycle).unacknowledged_failures()
        rows += [(ref, "no blind copy could be made of it") for ref in failed.values_list("reference", flat=True)]
        lines = "\n".join(f"{one}  {reason}" for one, reason in rows) or "nothing waits for a person"
        self.answer(lines, {"waiting": [{"id": one, "reason": reason} for one, reason in rows]}, as_json=as_json)


def _decide(cycle: AdmissionCycle, id: str, *, scores: str | None, aside: bool, **shared: Any) -> None:
    if not scores and not aside:
        raise Malformed("Say --scores or --set-aside.")
    if "-" in id and len(id) == 14:
        if scores:
            raise Malformed("An application that failed can only be set aside.")
        acknowledge_failure(cycle, id, **shared)
    elif scores:
        score_by_person(cycle, _blind_id(id), scores=_scores(scores), **shared)
    else:
        set_aside(cycle, _blind_id(id), **shared)


def _blind_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Malformed(f"{text!r} is not a blind id.") from None


def _scores(text: str) -> dict[str, Decimal]:
    try:
        values = [Decimal(part) for part in text.split(",")]
        return dict(zip(PARTS, values, strict=True))
    except (InvalidOperation, ValueError):
        raise Malformed(f"--scores takes four numbers: {','.join(PARTS)}.") from None
