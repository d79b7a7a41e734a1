"""A machine's token: for one verb in one cycle until a date, shown once, and gone with who made it."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import operator
from accounts.models import AdminUser, ServiceToken, User
from accounts.roles import Role
from accounts.service_tokens import make_token
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Denied, Malformed
from tests.clients import applicant_client, service_client, staff_client
from tests.factories import omar

pytestmark = pytest.mark.django_db

TOKENS, HEALTH = "/api/v1/admin/service-tokens", "/api/v1/admin/auth/me"


def asked(**changes):
    until = (timezone.now() + timedelta(days=30)).isoformat()
    return {"name": "evaluation", "verb": "batches.export", "cycle": "fall-2026", "expires_at": until, **changes}


def lets_in(client):
    """403: it is somebody, who may not do this; 401: it is nobody."""
    return client.get(HEALTH).status_code == 403


def test_a_token_is_shown_once_and_kept_as_a_hash():
    client = staff_client()
    made = client.post(TOKENS, asked())
    token = made.json()["token"]
    assert made.status_code == 201
    assert token not in client.get(TOKENS).content.decode()
    with connection.cursor() as cursor:
        assert token not in str(cursor.execute("SELECT t::text FROM service_tokens t").fetchall())


def test_the_list_names_who_made_it_and_when_it_was_used():
    client = staff_client()
    made = client.post(TOKENS, asked()).json()
    machine = service_client().bearing(made["token"])
    assert lets_in(machine)
    row = next(one for one in client.get(TOKENS).json()["results"] if one["token_id"] == made["token_id"])
    assert (row["made_by"], row["last_used_at"] is None) == (int(client.actor.id.removeprefix("user:")), False)


ENDS = {
    "revoked": lambda: ServiceToken.objects.update(revoked_at=timezone.now()),
    "expired": lambda: ServiceToken.objects.update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now()
    ),
    "its maker is out": lambda: AdminUser.objects.update(is_active=False),
    "its maker's account is out": lambda: User.objects.update(is_active=False),
    "its maker may not": lambda: AdminUser.objects.update(role=Role.REVIEWER),
    "another one": lambda: ServiceToken.objects.update(token_sha256=bytes(32)),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_token_that_is_over_is_401_on_the_next_request(end):
    machine = service_client()
    assert lets_in(machine)
    end()
    assert machine.get(HEALTH).status_code == 401


def test_a_token_is_revoked_for_good():
    client, machine = staff_client(), service_client()
    row, moments = ServiceToken.objects.get(), set()
    for _ in range(2):
        assert client.delete(f"{TOKENS}/{row.pk}").status_code == 204
        moments.add(ServiceToken.objects.get().revoked_at)
    sequence_all()
    assert (len(moments), AuditLog.objects.filter(action="token.revoke").count()) == (1, 1)
    assert machine.get(HEALTH).status_code == 401
    assert client.delete(f"{TOKENS}/{uuid.uuid4()}").status_code == 404


def test_a_token_reaches_its_verb_in_its_cycle_and_nothing_else():
    actor = service_client("batches.export", "fall-2026").actor
    actor.require("batches.export", cycle="fall-2026")
    for verb, cycle in (("batches.export", "spring-2027"), ("batches.import", "fall-2026"), ("public.view", "")):
        with pytest.raises(Denied):
            actor.require(verb, cycle=cycle)


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"verb": "cycle.freeze"}, ["/verb"]),
        ({"cycle": "../etc"}, ["/cycle"]),
        ({"cycle": "fall 2026"}, ["/cycle"]),
        ({"name": ""}, ["/name"]),
        ({"expires_at": "2026-12-01T00:00:00"}, ["/expires_at"]),
        ({"scope": "all"}, ["/scope"]),
    ],
)
def test_what_cannot_be_a_token_is_refused_by_field(changes, pointers):
    answer = staff_client().post(TOKENS, asked(**changes))
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (422, pointers)


@pytest.mark.parametrize("days", [-1, 0, 91])
def test_a_token_ends_in_time(days):
    answer = staff_client().post(TOKENS, asked(expires_at=(timezone.now() + timedelta(days=days)).isoformat()))
    assert answer.status_code == 422


@pytest.mark.parametrize("verb", ["cycle.freeze", "public.view", ""])
def test_the_deed_itself_holds_to_the_verbs(verb):
    with pytest.raises(Malformed):
        make_token("x", verb=verb, cycle="c", expires_at=timezone.now() + timedelta(days=1), actor=omar())


def test_only_staff_answer_for_a_token():
    until = timezone.now() + timedelta(days=1)
    with pytest.raises(Denied):
        make_token("x", verb="batches.export", cycle="c", expires_at=until, actor=operator())


def test_who_may_not_manage_tokens_neither_lists_nor_makes_them():
    clients = [staff_client(Role.REVIEWER), applicant_client(), service_client()]
    assert [one.get(TOKENS).status_code for one in clients] == [403] * 3
    assert [one.post(TOKENS, asked()).status_code for one in clients] == [403] * 3
