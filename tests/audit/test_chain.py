"""The bytes of commitments, leaves and chains, against vectors and a second implementation."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import chain
from enigma.errors import Malformed
from tests.audit import independent
from tests.audit.test_canonical import VALUES

FOLDER = Path(__file__).parent / "vectors"
COMMITMENTS = json.loads((FOLDER / "commitments.json").read_text())
CHAIN = json.loads((FOLDER / "chain.json").read_text())
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


def committed(case):
    return chain.commitment(case["kind"], case["fields"], salt=bytes.fromhex(case["salt"])).hex()


@pytest.mark.parametrize("case", COMMITMENTS, ids=lambda case: case["desc"])
def test_a_commitment_has_the_bytes_of_the_vector(case):
    if case["wantErr"]:
        with pytest.raises(Malformed):
            committed(case)
    else:
        assert committed(case) == case["commit"]


@given(st.binary(min_size=32, max_size=32), st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_commitment_is_the_one_of_the_second_implementation(salt, fields):
    assert chain.commitment("decision", fields, salt=salt) == independent.commit("decision", salt, fields)


def test_a_field_can_be_opened_alone():
    salt = bytes(range(32))
    digest = chain.field_digest("gpa_e4", 38000, salt=salt)
    own_salt = chain.field_salt("gpa_e4", salt=salt)
    assert digest == independent.h("enigma/field/v1\ngpa_e4\n", own_salt, b"38000")


def test_every_byte_of_a_salt_counts():
    salts = [bytes(32)] + [bytes(position) + b"\x01" + bytes(31 - position) for position in range(32)]
    assert len({chain.commitment("score", {"a": 1}, salt=salt) for salt in salts}) == 33


def test_leaves_chain_as_in_the_vector():
    value = chain.chain_genesis(CHAIN["origin"])
    for case in CHAIN["leaves"]:
        parts = {name: case[name] for name in ("seq", "kind", "cycle", "ref", "commit", "ts")}
        text = chain.leaf(**parts)
        value = chain.chain_step(value, chain.leaf_hash(text.encode()))
        found = (text, chain.leaf_hash(text.encode()).hex(), value.hex())
        assert found == (case["leaf"], case["leaf_hash"], case["data_hash"])


def test_bodies_chain_as_in_the_vector():
    value = chain.audit_genesis(CHAIN["origin"])
    for case in CHAIN["bodies"]:
        body = chain.audit_body(case["entry"], log_id=case["log_id"], timestamp=case["timestamp"])
        value = chain.audit_step(value, body)
        assert (body.decode(), value.hex()) == (case["body"], case["current_hash"])


def test_both_logs_begin_with_their_origin():
    origin = CHAIN["origin"]
    found = (chain.chain_genesis(origin).hex(), chain.audit_genesis(origin).hex())
    assert found == (CHAIN["chain_genesis"], CHAIN["audit_genesis"])


@pytest.mark.parametrize("case", CHAIN["bad_origins"], ids=lambda case: case["desc"])
def test_an_origin_that_no_note_could_carry_is_refused(case):
    with pytest.raises(Malformed):
        chain.chain_genesis(case["origin"])


def test_an_anchor_hides_nothing():
    anchor = CHAIN["anchor"]
    found = chain.anchor_commitment(audit_size=anchor["audit_size"], audit_hash=bytes.fromhex(anchor["audit_hash"]))
    assert found.hex() == anchor["commit"]


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC), "2026-01-02T03:04:05.999Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=5))), "2026-01-01T22:00:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_moment_is_cut_to_milliseconds_and_written_in_utc(at, text):
    assert chain.moment(at) == text


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n", "٠" * 32])
def test_a_reference_is_32_lower_case_digits(text):
    assert not chain.is_ref(text)


def test_every_kind_of_entry_is_in_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    assert [kind for kind in sorted(chain.KINDS) if f"`{kind}`" not in text] == []
