"""manage.py sequence_log and verify_audit, as an operator meets them."""

import io
import json
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.models import HashChain, LogHead
from tests.audit.entries import commit, fill, sql, unguard


def run(*arguments):
    """Output, messages and exit code of a command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), end.code
    return out.getvalue(), err.getvalue(), 0


@pytest.mark.django_db
def test_sequencing_says_how_many():
    commit(1)
    assert (run("sequence_log"), HashChain.objects.count()) == (("", "1 entries sequenced.\n", 0), 1)


@pytest.mark.django_db
def test_a_wrong_origin_is_a_refusal_with_its_code(settings):
    fill(0)
    commit(1)
    settings.ENIGMA_ORIGIN = "elsewhere.example/1"
    with pytest.raises(CommandError, match="ENIGMA_ORIGIN") as refusal:
        run("sequence_log")
    assert refusal.value.returncode == 3


@pytest.mark.django_db(transaction=True)
def test_following_takes_what_comes_until_it_is_interrupted(manage):
    with manage("sequence_log", "--follow") as process:
        assert process.stderr.readline() == b"Sequencing; interrupt to stop.\n"
        with transaction.atomic():
            commit(1)
        while not HashChain.objects.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


@pytest.mark.django_db
def test_true_logs_are_told_with_sizes_and_heads():
    fill(2)
    head = LogHead.objects.get()
    out, err, code = run("verify_audit")
    assert (err, code, out.splitlines()) == (
        "",
        0,
        [
            f"log       {head.origin}",
            f"public    4 entries, head {bytes(head.chain_hash).hex()}",
            f"internal  4 entries, head {bytes(head.audit_hash).hex()}",
            "waiting   0",
            "verified: 8 entries checked",
        ],
    )


@pytest.mark.django_db
def test_a_lie_is_named_and_is_exit_code_1():
    fill(2)
    unguard()
    sql("UPDATE hash_chain SET decision_type = 'decision' WHERE chain_id = 2")
    out, _, code = run("verify_audit")
    assert (code, out.splitlines()[-2:]) == (
        1,
        ["LIES      public entry 2: decision_type differs from data_json", "NOT VERIFIED: 6 entries checked"],
    )


@pytest.mark.django_db
def test_a_program_reads_the_same_as_json():
    fill(1)
    unguard()
    sql("UPDATE audit_logs SET role = 'x' WHERE log_id = 2")
    out, _, code = run("verify_audit", "--json")
    answer, head = json.loads(out), LogHead.objects.get()
    lie = {"log": "audit", "position": 2, "reason": "role differs from body"}
    assert (code, answer) == (
        1,
        {
            "ok": False,
            "origin": head.origin,
            "public_size": 3,
            "public_head": bytes(head.chain_hash).hex(),
            "audit_size": 3,
            "audit_head": bytes(head.audit_hash).hex(),
            "pending": 0,
            "checked": 5,
            "fault": lie,
            "faults": [lie],
        },
    )
