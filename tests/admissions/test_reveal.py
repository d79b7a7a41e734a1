"""Who stands behind a blind copy is opened with a reason, after both logs know of it, once scores are fixed."""

import pytest
from django.db import connection, transaction

from accounts.actors import operator
from accounts.roles import STAFF, Role
from admissions.attestation import Mismatch, attest
from admissions.models.applications import Application, IdentityMapping
from admissions.models.unblindings import unblind_fields, unblind_salt
from admissions.phases import Phase, PhaseError
from admissions.reveal import identity_of, may_be_revealed, opened_before
from audit.chain import commitment
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
from enigma.errors import Conflict, Denied, Malformed, Refused
from tests.factories import amina, apply, cycle, damage, everything, lead, led_to, omar

pytestmark = pytest.mark.django_db

REASON = "The applicant asks by letter why no mail came."
PEOPLE = [amina(), amina(name="Wren Halloway", email="wren@example.org", phone="+44 20 7946 0958")]


@pytest.fixture
def scored():
    one = cycle()
    apply(one, PEOPLE)
    return lead(one, "scored")


def aminas():
    (copy,) = IdentityMapping.objects.filter(email_bidx=_bidx()).values_list("anonymized", flat=True)
    return copy


def _bidx():
    (mine,) = [one for one in IdentityMapping.objects.all() if one.identity()["name"] == PEOPLE[0]["name"]]
    return mine.email_bidx


def opened(copy, *, reason=REASON, opened=0, actor=None):
    return identity_of(copy, reason=reason, opened=opened, actor=actor or operator())


def test_it_says_who_it_is(scored):
    identity = opened(aminas())
    assert (identity.name, identity.email, identity.phone, identity.address) == tuple(
        PEOPLE[0][field] for field in ("name", "email", "phone", "address")
    )


def test_both_logs_know_who_opened_it_why_and_for_which_time(scored):
    copy, aiza = aminas(), omar(Role.SUPER_ADMIN)
    identity = opened(copy, actor=aiza)
    opened(copy, opened=1, actor=aiza)
    sequence_all()
    entries = AuditLog.objects.filter(action="identity.reveal").order_by("log_id")
    told = [(one.actor_id, one.entity_type, one.entity_id, one.details) for one in entries]
    details = {"reason": REASON, "cycle": "fall-2026"}
    assert told == [(aiza.id, "blind", copy.hex, {**details, "number": number}) for number in (1, 2)]
    ref = Application.objects.get(reference=identity.reference).receipt_ref.hex
    leaves = HashChain.objects.filter(decision_type="unblind", subject_ref=ref).order_by("chain_id")
    assert [leaf.data_json[11:75] for leaf in leaves] == [
        commitment(
            "unblind",
            unblind_fields(blind=copy.hex, number=number, actor=aiza.id, reason=REASON),
            salt=unblind_salt(scored, ref),
        ).hex()
        for number in (1, 2)
    ]


def test_the_logs_name_nobody(scored):
    identity = opened(aminas())
    sequence_all()
    logged = str(list(AuditLog.objects.values())) + str(list(HashChain.objects.values()))
    words = [identity.name, identity.email, identity.phone, identity.address, identity.reference]
    assert [word for word in words if word in logged] == []


def test_what_is_written_down_is_committed_before_anything_is_opened(scored, monkeypatch):
    seen = []

    def opening(self):
        seen.append((LogOutbox.objects.filter(kind__in=["identity.reveal", "unblind"]).count(), len(_open_blocks())))
        return {"name": "", "email": "", "phone": None, "address": None}

    outside = len(_open_blocks())
    copy = aminas()
    monkeypatch.setattr(IdentityMapping, "identity", opening)
    assert opened(copy).phone == ""
    assert seen == [(2, outside)]


def _open_blocks():
    return connection.atomic_blocks


def test_it_cannot_be_part_of_something_that_may_be_rolled_back(scored):
    copy = aminas()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        opened(copy)


def test_nobody_else_is_opened_by_the_way(scored):
    opened(aminas())
    assert LogOutbox.objects.filter(kind="unblind").count() == 1


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501, "ask omar@example.org"])
def test_it_takes_a_reason_that_names_no_address(scored, reason):
    copy, before = aminas(), everything()
    with pytest.raises(Refused):
        opened(copy, reason=reason)
    assert everything() == before


@pytest.mark.parametrize("role", [role for role in STAFF if role != Role.SUPER_ADMIN])
def test_only_a_super_admin_may(scored, role):
    copy, actor = aminas(), omar(role)
    with pytest.raises(Denied, match=r"does not include identity\.view"):
        opened(copy, actor=actor)
    assert not LogOutbox.objects.filter(kind="identity.reveal").exists()


def test_before_the_scores_are_fixed_nobody_is_revealed():
    one = led_to("processing")
    copy = IdentityMapping.objects.values_list("anonymized", flat=True).first()
    with pytest.raises(PhaseError, match="fall-2026 is in processing"):
        opened(copy)
    assert (may_be_revealed(one), opened_before(copy)) == (False, 0)


def test_from_then_on_it_may():
    late = [Phase.SCORED, Phase.SELECTION, Phase.PUBLISHED, Phase.COMPLETED]
    assert [phase for phase in Phase if may_be_revealed(cycle_in(phase))] == late


def cycle_in(phase):
    return type("Cycle", (), {"phase": phase.value})()


def test_who_was_told_of_fewer_openings_asks_again(scored):
    copy = aminas()
    opened(copy)
    with pytest.raises(Conflict, match="opened meanwhile"):
        opened(copy)
    sequence_all()
    assert opened_before(copy) == 1
    assert opened(copy, opened=1).name == PEOPLE[0]["name"]


def test_a_copy_that_nobody_is_behind_is_refused(scored):
    with pytest.raises(Malformed, match="Nobody stands behind"):
        opened(scored.ref)


def test_a_record_that_does_not_open_leaves_its_entries(scored):
    copy = aminas()
    damage(Application.objects.get(pk=IdentityMapping.objects.get(anonymized=copy).pk))
    with pytest.raises(Refused, match="does not open"):
        opened(copy)
    assert LogOutbox.objects.filter(kind__in=["identity.reveal", "unblind"]).count() == 2


# -- held against the log ----------------------------------------------


def test_records_verify_after_it(scored):
    copy = aminas()
    opened(copy)
    opened(copy, opened=1)
    sequence_all()
    assert attest(scored, actor=operator()).mismatches == []


@pytest.mark.parametrize("change", ["entity_id = repeat('0', 32)", 'details = \'{"cycle": "fall-2026"}\''])
def test_an_entry_that_was_changed_is_seen(scored, change):
    identity = opened(aminas())
    sequence_all()
    by_force(f"UPDATE audit_logs SET {change} WHERE action = 'identity.reveal'")
    ref = Application.objects.get(reference=identity.reference).receipt_ref.hex
    found = {(one.kind, one.ref) for one in attest(scored, actor=operator()).mismatches}
    assert found == ({("unblind", ref), ("unblind", "-")} if "entity" in change else {("unblind", ref)})


@pytest.mark.parametrize(
    "table", ["audit_logs WHERE action = 'identity.reveal'", "hash_chain WHERE decision_type = 'unblind'"]
)
def test_an_entry_that_is_gone_from_either_log_is_seen(scored, table):
    identity = opened(aminas())
    sequence_all()
    by_force(f"DELETE FROM {table}")
    ref = Application.objects.get(reference=identity.reference).receipt_ref.hex
    reason = "what the audit log tells of opening this identity is not what the public log committed to"
    assert attest(scored, actor=operator()).mismatches == [Mismatch("unblind", ref, reason)]


def by_force(statement):
    with connection.cursor() as cursor:
        for table in ("audit_logs", "hash_chain"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        cursor.execute(statement)
