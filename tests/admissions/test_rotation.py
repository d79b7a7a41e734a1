"""A new master key: every data key is wrapped anew, what is sealed stays as it was, and a kill costs one chunk."""

import base64
import json

import pytest
from django.db import connection

from accounts.actors import operator
from accounts.roles import Role
from admissions import rotation
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.rotation import rotate_keys, standing
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.encryption import UnreadableRecord, key_id
from enigma.errors import Denied
from tests.factories import applicants, apply, cycle, lead, omar, run, tables
from tests.racing import another_session, sessions_of_others, together, until

pytestmark = pytest.mark.django_db
racing = pytest.mark.django_db(transaction=True)

NEW, THIRD = (base64.urlsafe_b64encode(bytes([digit]) * 32).decode() for digit in (7, 8))
SEALED = (
    "SELECT application_id, sealed_identity, sealed_texts, email_bidx, fingerprint FROM identity_mapping ORDER BY 1"
)


@pytest.fixture
def old(settings):
    """The master key that everything stands on at first."""
    return settings.ENIGMA_FERNET_KEYS[0]


@pytest.fixture
def one(old):
    """A cycle of five applicants, scrubbed."""
    one = cycle()
    apply(one, applicants(5))
    return lead(one, to="batch_prep")


def sealed():
    with connection.cursor() as cursor:
        return cursor.execute(SEALED).fetchall()


def names():
    return [mapping.identity()["name"] for mapping in IdentityMapping.objects.order_by("pk")]


def test_after_a_rotation_every_row_stands_on_the_first_key(one, old, settings):
    assert standing() == {key_id(old): 6}
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    assert rotate_keys(actor=operator()) == 6
    assert standing() == {key_id(NEW): 6}


def test_a_rotation_leaves_what_is_sealed_and_everything_opens_without_the_old_key(one, old, settings):
    before, secret = sealed(), one.tie_secret()
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    rotate_keys(actor=operator())
    settings.ENIGMA_FERNET_KEYS = [NEW]
    assert sealed() == before
    assert names() == [row["name"] for row in applicants(5)]
    assert AdmissionCycle.objects.get().tie_secret() == secret


def test_a_rotated_cycle_goes_on_to_its_end(one, old, settings, mailoutbox):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    rotate_keys(actor=operator())
    settings.ENIGMA_FERNET_KEYS = [NEW]
    lead(AdmissionCycle.objects.get(), to="completed")
    assert AdmissionCycle.objects.get().phase == "completed"


def test_a_second_rotation_finds_nothing_to_do(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    rotate_keys(actor=operator())
    before = tables("identity_mapping", "admission_cycles", "log_outbox")
    assert rotate_keys(actor=operator()) == 0
    assert tables("identity_mapping", "admission_cycles", "log_outbox") == before


def test_a_rotation_is_audited_by_table_and_key_id(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    rotate_keys(actor=operator())
    sequence_all()
    entries = AuditLog.objects.filter(action="keys.rotate").values_list("entity_id", "details")
    assert list(entries) == [
        ("admission_cycles", {"key": key_id(NEW), "rows": 1}),
        ("identity_mapping", {"key": key_id(NEW), "rows": 5}),
    ]


def test_an_interrupted_rotation_is_finished_by_the_next(one, old, settings, monkeypatch):
    class Killed(BaseException):
        pass

    def die(done):
        if done == 3:
            raise Killed

    monkeypatch.setattr(rotation, "CHUNK", 2)
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    with pytest.raises(Killed):
        rotate_keys(actor=operator(), on_progress=die)
    assert standing() == {key_id(NEW): 3, key_id(old): 3}
    assert names() == [row["name"] for row in applicants(5)]  # between two keys everything still opens
    assert rotate_keys(actor=operator()) == 3
    assert standing() == {key_id(NEW): 6}


def test_rows_of_three_keys_end_on_the_first(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    apply(cycle("second"), applicants(2))
    settings.ENIGMA_FERNET_KEYS = [THIRD, NEW, old]
    assert standing() == dict(sorted({key_id(NEW): 3, key_id(old): 6}.items()))
    assert rotate_keys(actor=operator()) == 9
    assert standing() == {key_id(THIRD): 9}


def test_without_an_old_key_nothing_is_half_done(one, old, settings):
    before = tables("identity_mapping", "admission_cycles", "log_outbox")
    settings.ENIGMA_FERNET_KEYS = [NEW]
    code, out, err = run("rotate_keys")
    assert (code, out) == (1, "")
    assert err == "A data key opens with none of ENIGMA_FERNET_KEYS: an old key is missing from the list.\n"
    assert tables("identity_mapping", "admission_cycles", "log_outbox") == before


def test_an_old_key_that_is_missing_for_some_rows_undoes_their_chunk_alone(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    apply(cycle("second"), applicants(2))
    settings.ENIGMA_FERNET_KEYS = [THIRD, old]
    with pytest.raises(UnreadableRecord, match="no master key opens this data key"):
        rotate_keys(actor=operator())
    assert standing() == dict(sorted({key_id(NEW): 3, key_id(old): 6}.items()))


def test_a_dry_run_only_counts(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    before = tables("identity_mapping", "admission_cycles", "log_outbox")
    assert run("rotate_keys", "--dry-run") == (0, f"would rotate 6 keys: 6 rows on {key_id(old)}\n", "")
    assert tables("identity_mapping", "admission_cycles", "log_outbox") == before


def test_the_command_ends_by_saying_how_many_rows_stand_on_which_key(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    assert run("rotate_keys") == (0, f"rotated 6 keys: 6 rows on {key_id(NEW)} (first)\n", "")


def test_the_command_says_so_in_json(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    told = {"primary": key_id(NEW), "to_rotate": 6, "dry_run": False, "rotated": 6, "standing": {key_id(NEW): 6}}
    code, out, _ = run("rotate_keys", "--json")
    assert (code, json.loads(out)) == (0, told)


def test_an_empty_database_has_nothing_to_rotate():
    assert run("rotate_keys") == (0, "rotated 0 keys: no rows\n", "")


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN, Role.AUDITOR])
def test_only_a_super_admin_rotates(one, old, settings, role):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    with pytest.raises(Denied, match=rf"^The role {role} does not include keys\.rotate\.$"):
        rotate_keys(actor=omar(role))
    assert standing() == {key_id(old): 6}


@racing
def test_two_rotations_at_once_share_the_rows(one, old, settings, monkeypatch):
    monkeypatch.setattr(rotation, "CHUNK", 2)
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    first, second = together(lambda: rotate_keys(actor=operator()), lambda: rotate_keys(actor=operator()))
    assert first + second == 6
    assert standing() == {key_id(NEW): 6}
    assert names() == [row["name"] for row in applicants(5)]


@racing
def test_a_row_that_somebody_holds_is_left_and_told(one, old, settings):
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    with another_session() as other, other.transaction():
        other.execute("SELECT 1 FROM identity_mapping ORDER BY application_id LIMIT 1 FOR UPDATE")
        code, out, err = run("rotate_keys")
    assert (code, err) == (1, "1 rows do not stand on the first key: run it again.\n")
    assert out.startswith("rotated 5 keys: ")
    assert run("rotate_keys")[0] == 0


def test_each_table_is_walked_once_and_what_lies_behind_is_not_looked_at_again(one, old, settings, monkeypatch):
    def undo_the_first(done):
        if done == 3:  # the cycle and the first two applicants
            IdentityMapping.objects.filter(pk=first.pk).update(wrapped_key=first.wrapped_key, key_id=first.key_id)

    monkeypatch.setattr(rotation, "CHUNK", 2)
    first = IdentityMapping.objects.order_by("pk").first()
    settings.ENIGMA_FERNET_KEYS = [NEW, old]
    assert rotate_keys(actor=operator(), on_progress=undo_the_first) == 6
    assert standing() == dict(sorted({key_id(NEW): 5, key_id(old): 1}.items()))


@racing
def test_a_killed_rotation_is_run_again(manage, old, settings):
    apply(cycle(), applicants(4000))
    keys = {"DJANGO_SETTINGS_MODULE": "enigma.settings", "ENIGMA_FERNET_KEYS": f"{NEW},{old}"}
    killed = manage("rotate_keys", env=keys)
    until(lambda: standing().get(key_id(NEW), 0) > 1)
    killed.kill()
    killed.communicate()
    until(lambda: not sessions_of_others())
    assert standing()[key_id(NEW)] in {1001, 2001, 3001}
    again = manage("rotate_keys", env=keys)
    assert again.communicate()[0].endswith(f": 4001 rows on {key_id(NEW)} (first)\n".encode())
    settings.ENIGMA_FERNET_KEYS = [NEW]
    assert names() == [row["name"] for row in applicants(4000)]
