"""Hold the stored records of a cycle against the public log: every commitment is recomputed from what is stored."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.actors import Actor
from admissions.commitments import erasure_fields, erasure_salt, submission_fields, withdrawal_fields
from admissions.milestones import milestone_faults
from admissions.models.applications import IdentityMapping
from admissions.models.blind import text_reader
from admissions.models.cycles import AdmissionCycle
from admissions.models.faults import ranking_faults
from admissions.models.leaves import leaves, waiting
from admissions.models.outcomes import decisions, may_see_result
from admissions.models.unblindings import KIND, unblind_faults
from admissions.phases import Phase, Status, has_reached
from audit.chain import commitment
from audit.models import HashChain
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from enigma.keys import keyring

CHUNK = 2_000
UNREADABLE = "the record does not open"
CHANGED = "the record is not what the log committed to"

_SUBMISSIONS = """
    SELECT application.id, replace(application.receipt_ref::text, '-', ''), application.gpa, application.test_scores,
           identity.wrapped_key, identity.sealed_identity, identity.sealed_texts
      FROM applications AS application
      JOIN identity_mapping AS identity ON identity.application_id = application.id
     WHERE application.admission_cycle_id = %s
     ORDER BY application.receipt_ref
"""
_BLIND = """
    SELECT coalesce(replace(application.receipt_ref::text, '-', ''), '-'), blind.anonymized_id,
           blind.sealed_texts, encode(blind.texts_sha256, 'hex')
      FROM anonymized_applications AS blind
      LEFT JOIN identity_mapping AS identity ON identity.anonymized_id = blind.anonymized_id
      LEFT JOIN applications AS application ON application.id = identity.application_id
     WHERE blind.admission_cycle_id = %s
     ORDER BY application.receipt_ref
"""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A record that is not what the log committed to; ``ref`` names it in the log, and nobody in person."""

    kind: str
    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Attested:
    """How many records were compared, every one that differs, and how many of the submissions were erased."""

    submissions: int
    blind_copies: int
    decisions: int
    mismatches: list[Mismatch]
    erased: int = 0


def attest(cycle: AdmissionCycle, *, actor: Actor) -> Attested:
    """Recompute every commitment of a cycle from the stored records; raise Refused while entries wait for the log.

    Submissions, withdrawals, opened identities and erasures are compared always; milestones, blind copies, the ranking
    and decisions from the phase on in which they were committed. What does not open, or is gone, is a mismatch and ends
    nothing; what its owner had erased must have its leaf of that, and is then held to be in the log without being
    compared.
    """
    actor.require("audit.verify")
    if waiting(cycle):
        raise Refused(f"Entries of {cycle.code} are not in the log yet: run a worker or sequence_log.")
    with transaction.atomic():
        cycle = AdmissionCycle.objects.get(pk=cycle.pk)  # what is stored, whatever the caller holds
        submissions, wrong = _compare(cycle, "submission", _submissions(cycle))
        wrong += _compare(cycle, "submission.withdraw", _withdrawals(cycle))[1]
        erased, wrong_erasures = _compare(cycle, "erasure", _erasures(cycle))
        wrong += wrong_erasures
        copies, wrong_texts = _compare_texts(cycle)
        wrong += [*_milestones(cycle), *wrong_texts, *_ranking(cycle)]
        wrong += [Mismatch(KIND, ref, reason) for ref, reason in unblind_faults(cycle)]
        decided = 0
        if may_see_result(cycle):
            decided, wrong_decisions = _compare_decisions(cycle)
            wrong += wrong_decisions
    return Attested(submissions, copies, decided, wrong, erased)


# -- one by one ----------------------------------------------


def _submissions(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    keys = keyring()
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SUBMISSIONS, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            for pk, ref, gpa, tests, wrapped, *sealed in rows:
                try:
                    if wrapped is None:
                        raise UnreadableRecord("erased")
                    key = keys.unwrap(wrapped)
                    person = key.open(sealed[0], record=str(pk), kind=IdentityMapping.IDENTITY)
                    texts = key.open(sealed[1], record=str(pk), kind=IdentityMapping.TEXTS)
                except UnreadableRecord:
                    yield ref, UNREADABLE
                    continue
                yield ref, _submission(person, texts, gpa, tests)


def _withdrawals(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    gone = IdentityMapping.objects.filter(admission_cycle=cycle, application__status=Status.WITHDRAWN)
    in_order = gone.select_related("application").defer("sealed_texts").order_by("application__receipt_ref")
    for identity in in_order.iterator(CHUNK):
        ref = identity.application.receipt_ref.hex
        try:
            yield ref, commitment("submission.withdraw", withdrawal_fields(), salt=identity.salt()).hex()
        except UnreadableRecord:
            yield ref, UNREADABLE


def _erasures(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    log_salt = bytes(cycle.log_salt)
    gone = IdentityMapping.objects.filter(admission_cycle=cycle, erased_at__isnull=False)
    refs = gone.order_by("application__receipt_ref").values_list("application__receipt_ref", flat=True)
    for ref in refs.iterator(CHUNK):
        yield ref.hex, commitment("erasure", erasure_fields(), salt=erasure_salt(log_salt, ref.hex)).hex()


def _submission(person: dict[str, Any], texts: dict[str, Any], gpa: Decimal, tests: str) -> str:
    """Return the commitment; "", which no leaf holds, for merit that is no number and so was never submitted."""
    try:
        # A plain cursor hands JSON over as text; numbers keep their digits.
        scores = json.loads(tests, parse_float=Decimal)
        fields = submission_fields(person, texts, gpa=gpa, test_scores=scores)
    except (AttributeError, InvalidOperation, OverflowError, ValueError):
        return ""
    return commitment("submission", fields, salt=bytes.fromhex(person["salt"])).hex()


def _compare_decisions(cycle: AdmissionCycle) -> tuple[int, list[Mismatch]]:
    selection = cycle.selection_or_none()
    if selection is None or not (selection.cutoff is None or selection.cutoff.is_finite()):
        return 0, [Mismatch("decision", "-", "none can be recomputed without the run of selection")]
    try:
        return _compare(cycle, "decision", _decisions(cycle))
    except Refused as fault:  # the rubric that the rules name is not there
        return 0, [Mismatch("decision", "-", str(fault))]


def _decisions(cycle: AdmissionCycle) -> Iterator[tuple[str, str]]:
    unreadable: list[str] = []
    for ref, salt, fields in decisions(cycle, on_unreadable=unreadable.append):
        yield ref, commitment("decision", fields, salt=salt).hex()
    yield from ((ref, UNREADABLE) for ref in unreadable)


def _compare(cycle: AdmissionCycle, kind: str, recomputed: Iterable[tuple[str, str]]) -> tuple[int, list[Mismatch]]:
    rows, count = iter(recomputed), 0
    wrong: list[Mismatch] = []
    while chunk := dict(islice(rows, CHUNK)):
        count += len(chunk)
        logged: dict[str, list[str]] = {}
        found = HashChain.objects.filter(decision_type=kind, subject_ref__in=list(chunk)).order_by("chain_id")
        for ref, leaf in found.values_list("subject_ref", "data_json"):
            logged.setdefault(ref, []).append(leaf[11:75])
        _leave_out_erased(cycle, kind, chunk, logged)
        wrong += [
            Mismatch(kind, ref, why) for ref, value in chunk.items() if (why := _why(kind, value, logged.get(ref, [])))
        ]
    in_log = leaves(cycle, kind)
    if in_log > count:
        wrong.append(Mismatch(kind, "-", f"the log holds {in_log} of them, but only {count} records are there"))
    return count, wrong


def _leave_out_erased(cycle: AdmissionCycle, kind: str, chunk: dict[str, str], logged: dict[str, list[str]]) -> None:
    """Take from a chunk what cannot be compared any more: erased, and in the log. The erasure has a leaf of its own."""
    unread = [ref for ref, value in chunk.items() if value == UNREADABLE and _is_as_often(kind, logged.get(ref, []))]
    if unread:
        gone = IdentityMapping.objects.filter(admission_cycle=cycle, erased_at__isnull=False)
        for ref in gone.filter(application__receipt_ref__in=unread).values_list("application__receipt_ref", flat=True):
            del chunk[ref.hex]


def _is_as_often(kind: str, logged: list[str]) -> bool:
    """Whether the log holds a record as often as it may: once, but a submission again with each change of it."""
    return len(logged) == 1 or (len(logged) > 1 and kind == "submission")


def _why(kind: str, recomputed: str, logged: list[str]) -> str:
    """Say why a record is not what its leaf commits to; of a submission, which may change, the last one counts."""
    if recomputed == UNREADABLE:
        return UNREADABLE
    if not _is_as_often(kind, logged):
        return f"the log holds {len(logged)} entries for it instead of one"
    return "" if logged[-1] == recomputed else CHANGED


# -- the cycle as a whole ----------------------------------------------


def _milestones(cycle: AdmissionCycle) -> Iterator[Mismatch]:
    for kind, reason in milestone_faults(cycle):
        yield Mismatch(kind, cycle.ref.hex, reason)


def _ranking(cycle: AdmissionCycle) -> Iterator[Mismatch]:
    if has_reached(cycle.phase, Phase.SELECTION):
        for reason in ranking_faults(cycle):
            yield Mismatch("ranking", cycle.ref.hex, reason)


def _compare_texts(cycle: AdmissionCycle) -> tuple[int, list[Mismatch]]:
    """Hold the digest of each blind copy, which the «scrub» leaf commits to, against the text that it seals."""
    if not has_reached(cycle.phase, Phase.BATCH_PREP):
        return 0, []
    try:
        read = text_reader(cycle)
    except UnreadableRecord:
        return 0, [Mismatch("scrub", cycle.ref.hex, "the key of the blind copies does not open")]
    count, wrong = 0, []
    with connection.chunked_cursor() as cursor:
        cursor.execute(_BLIND, [cycle.pk])
        while rows := cursor.fetchmany(CHUNK):
            count += len(rows)
            for ref, anonymized_id, token, digest in rows:
                try:
                    texts = read(anonymized_id, token)
                except (UnreadableRecord, Refused):
                    wrong.append(Mismatch("scrub", ref, "the blind copy does not open"))
                    continue
                if hashlib.sha256(f"{texts.essay}\0{texts.achievements}".encode()).hexdigest() != digest:
                    wrong.append(Mismatch("scrub", ref, "the blind copy holds another text than its digest says"))
    return count, wrong
