"""Receipts are read as people hold them, and looked up in the public log."""

import json

import pytest
from django.test import Client

from admissions.changes import change
from admissions.models.applications import Application
from admissions.receipt_lookup import LONGEST, Given, look_up, read_receipt
from admissions.submission import FIELDS
from audit.chain import NO_REF
from audit.models import LogOutbox
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from enigma.errors import Malformed
from tests.factories import AMINA, applicant, cycle, led_to, submitted, taken_back

CODE, COMMITMENT = "0123456789abcdef" * 2, "f" * 64


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (CODE, Given(CODE)),
        (f"  {CODE.upper()}\n", Given(CODE)),
        ("01234567-89ab cdef 0123 4567-89abcdef", Given(CODE)),
        (json.dumps({"receipt": CODE, "commitment": COMMITMENT, "reference": "X"}), Given(CODE, COMMITMENT)),
        (json.dumps({"receipt": CODE}), Given(CODE)),
        (f"ENIGMA\n\nReceipt: {CODE}\nCommitment: {COMMITMENT}\nEntry: 7, 2026-11-28\n", Given(CODE, COMMITMENT)),
        (f"رس: {CODE}\n", Given(CODE)),
    ],
)
def test_a_receipt_is_read_as_typed_or_as_its_file(text, given):
    assert read_receipt(text) == given


@pytest.mark.parametrize(
    "text",
    [
        "",
        CODE[:-1],
        CODE + "0",
        CODE[:-1] + "g",
        "{",
        "{}",
        '{"receipt": 5}',
        json.dumps({"receipt": CODE, "commitment": "f"}),
        json.dumps({"receipt": CODE.upper()}),
        '{"receipt":' + "[" * 19_000,
        "0" * (LONGEST + 1),
        f"{CODE[:-1]}\0",
        f"{CODE}\n{'0' * 32}",
        f"{CODE}\n{COMMITMENT}\n{'0' * 64}",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(Malformed):
        read_receipt(text)


@pytest.mark.django_db
def test_what_stands_under_a_receipt_is_told_with_its_place():
    one = led_to("published", 2)
    application = Application.objects.of(one).first()
    verify_and_keep("worker")
    found = look_up(Given(application.receipt_ref.hex))
    assert [entry.kind for entry in found.entries] == ["submission", "decision"]
    assert all(entry.commitment in entry.leaf for entry in found.entries)
    assert (found.matches, found.verification.ok, found.head.size) == (None, True, found.verification.public_size)
    right = found.entries[0].commitment
    assert look_up(Given(application.receipt_ref.hex, right)).matches is True
    assert look_up(Given(application.receipt_ref.hex, COMMITMENT)).matches is False


@pytest.mark.django_db
def test_what_was_handed_in_a_moment_ago_is_not_in_the_log_yet():
    application = submitted(cycle())
    given = Given(application.receipt_ref.hex, COMMITMENT)
    assert (look_up(given).entries, look_up(given).matches) == ([], None)
    taken_back(application)
    sequence_all()
    assert [entry.kind for entry in look_up(given).entries] == ["submission", "submission.withdraw"]


@pytest.mark.django_db
def test_of_what_was_changed_the_last_version_counts_and_an_earlier_one_is_known():
    application = submitted(cycle())
    user, actor = applicant()
    receipt = application.receipt_ref.hex
    first = LogOutbox.objects.get(kind="submission").commitment
    values = {**{name: AMINA[name] for name in FIELDS}, "gpa": "3.8", "essay": "A better essay."}
    last = change(application, values, user=user, actor=actor).commitment
    sequence_all()
    found = [look_up(Given(receipt, one)) for one in (first, last, COMMITMENT)]
    assert [(one.matches, one.is_earlier) for one in found] == [(False, True), (True, False), (False, False)]
    page = Client().post("/verify/", {"receipt": json.dumps({"receipt": receipt, "commitment": first})}, secure=True)
    assert "This is an earlier version" in page.content.decode()
    assert "Application changed" in page.content.decode()


@pytest.mark.django_db
def test_milestones_and_anchors_are_no_receipts():
    one = led_to("published", 1)
    assert [look_up(Given(ref)).entries for ref in (one.ref.hex, NO_REF)] == [[], []]
