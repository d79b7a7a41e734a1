"""Hold the stored records of a cycle against the public log: every commitment is recomputed from what is stored."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.commitments import submission_fields
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import decisions, may_see_result
from audit.chain import commitment
from audit.models import HashChain, LogOutbox
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from enigma.keys import keyring

CHUNK = 2_000

_SUBMISSIONS = """
    SELECT application.id, replace(application.receipt_ref::text, '-', ''), application.gpa, application.test_scores,
           identity.wrapped_key, identity.sealed_identity, identity.sealed_texts
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
     WHERE application.admission_cycle_id = %s
     ORDER BY application.receipt_ref
"""
# The cycle stands at character 87 of a leaf (docs/audit.md).
_LEAVES = "SELECT count(*) FROM hash_chain WHERE decision_type = %s AND substr(data_json, 87, 32) = %s"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A record that is not what the log committed to; ``ref`` names it in the log, and nobody in person."""

    kind: str
    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Attested:
    """How many records were compared, and every one that differs."""

    submissions: int
    decisions: int
    mismatches: list[Mismatch]


def attest(cycle: AdmissionCycle, *, actor: Actor) -> Attested:
    """Recompute every commitment of a cycle from the stored records; raise Refused while entries wait for the log."""
    actor.require("audit.verify")
    if LogOutbox.objects.filter(cycle_ref=cycle.ref.hex).exists():
        raise Refused(f"Entries of {cycle.code} are not in the log yet: run a worker or sequence_log.")
    with transaction.atomic():
        submissions, wrong = _compare(cycle, "submission", _submissions(cycle))
        decided, wrong_too = 0, list[Mismatch]()
        if may_see_result(cycle):
            decided, wrong_too = _compare(cycle, "decision", _decisions(cycle))
    return Attested(submissions, decided, [*wrong, *wrong_too])


def _submissions(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    keys = keyring()
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SUBMISSIONS, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            for pk, ref, gpa, tests, wrapped, *sealed in rows:
                try:
                    key = keys.unwrap(wrapped)
                    person = key.open(sealed[0], record=str(pk), kind=IdentityMapping.IDENTITY)
                    texts = key.open(sealed[1], record=str(pk), kind=IdentityMapping.TEXTS)
                except UnreadableRecord:
                    yield ref, "unreadable"
                    continue
                fields = submission_fields(person, texts, gpa=gpa, test_scores=_scores(tests))
                yield ref, commitment("submission", fields, salt=bytes.fromhex(person["salt"])).hex()


def _decisions(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    for ref, salt, fields in decisions(cycle):
        yield ref, commitment("decision", fields, salt=salt).hex()


def _compare(cycle: AdmissionCycle, kind: str, recomputed: Iterable[tuple[str, str]]) -> tuple[int, list[Mismatch]]:
    rows, count = iter(recomputed), 0
    wrong: list[Mismatch] = []
    while chunk := dict(islice(rows, CHUNK)):
        count += len(chunk)
        logged: dict[str, list[str]] = {}
        leaves = HashChain.objects.filter(decision_type=kind, subject_ref__in=list(chunk)).order_by("chain_id")
        for ref, leaf in leaves.values_list("subject_ref", "data_json"):
            logged.setdefault(ref, []).append(leaf[11:75])
        wrong += [Mismatch(kind, ref, why) for ref, value in chunk.items() if (why := _why(value, logged.get(ref, [])))]
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES, [kind, cycle.ref.hex])
        leaves_in_log = cursor.fetchone()[0]
    if leaves_in_log > count:
        wrong.append(Mismatch(kind, "-", f"the log holds {leaves_in_log} of them, but only {count} records are there"))
    return count, wrong


def _why(recomputed: str, logged: list[str]) -> str:
    if recomputed == "unreadable":
        return "the record does not open"
    if len(logged) != 1:
        return f"the log holds {len(logged)} entries for it instead of one"
    return "" if logged[0] == recomputed else "the record is not what the log committed to"


def _scores(tests: Any) -> dict[str, Any]:
    # A plain cursor hands JSON over as text; numbers keep their digits.
    scores: dict[str, Any] = json.loads(tests, parse_float=Decimal)
    return scores
