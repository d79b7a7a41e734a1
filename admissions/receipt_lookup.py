"""Look a receipt up in the public log: what stands there under it, where and since when, and whether it matches."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from audit.models import HashChain, LogHead, Verification
from audit.verifications import latest
from enigma.errors import Malformed

# What the log holds of applications; the milestones of a cycle and the anchors have no receipts.
KINDS = ("submission", "submission.withdraw", "decision", "unblind", "erasure")
_RECEIPT = re.compile(r"[0-9a-f]{32}")
_COMMITMENT = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"\b[0-9a-f]+\b")
LONGEST = 20_000  # characters; a receipt as JSON has a few hundred


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody holds: the code of their receipt and, where they have the whole of it, the commitment."""

    receipt: str
    commitment: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the public log under a receipt."""

    position: int
    kind: str
    at: datetime
    commitment: str
    leaf: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the log says; ``matches`` is None where no commitment was given to compare.

    Of an application that was changed the last entry counts; ``is_earlier`` says that one before it was given.
    """

    given: Given
    entries: list[Entry]
    matches: bool | None
    is_earlier: bool
    head: LogHead | None
    verification: Verification | None


def read_receipt(text: str) -> Given:
    """Read a receipt as typed or pasted, or either of its files; raise Malformed for anything else."""
    text = text.strip()
    if len(text) > LONGEST:
        raise Malformed(gettext("This is too long for a receipt."))
    if text.startswith("{"):
        return _from_json(text)
    code = re.sub(r"[\s-]", "", text).lower()
    if _RECEIPT.fullmatch(code):
        return Given(code)
    return _from_text(text)


def look_up(given: Given) -> Lookup:
    """Find all entries under a receipt, in the order of the log, by its index."""
    found = HashChain.objects.filter(subject_ref=given.receipt, decision_type__in=KINDS).order_by("chain_id")
    entries = [_entry(one) for one in found]
    handed_in = [one.commitment for one in entries if one.kind == "submission"]
    matches = handed_in[-1] == given.commitment if given.commitment and handed_in else None
    is_earlier = matches is False and given.commitment in handed_in
    return Lookup(given, entries, matches, is_earlier, LogHead.objects.first(), latest())


def _from_text(text: str) -> Given:
    """Read the file for people, in whichever language it is: one word in it is a receipt, one may be a commitment."""
    words = set(_WORD.findall(text))
    receipts, commitments = ([one for one in words if form.fullmatch(one)] for form in (_RECEIPT, _COMMITMENT))
    if len(receipts) != 1 or len(commitments) > 1:
        raise Malformed(gettext("A receipt has 32 characters, each a digit or one of the letters a to f."))
    return Given(receipts[0], commitments[0] if commitments else None)


def _from_json(text: str) -> Given:
    try:
        held: Any = json.loads(text)
        receipt, commitment = held["receipt"], held.get("commitment")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed(gettext("This is not the JSON of a receipt.")) from None
    if not _is(_RECEIPT, receipt) or not (commitment is None or _is(_COMMITMENT, commitment)):
        raise Malformed(gettext("This is not the JSON of a receipt."))
    return Given(receipt, commitment)


def _is(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _entry(row: HashChain) -> Entry:
    # The commitment stands at character 12 of a leaf (docs/audit.md, «Exact bytes»).
    return Entry(row.chain_id, row.decision_type, row.timestamp, row.data_json[11:75], row.data_json)
