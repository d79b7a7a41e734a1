"""A POST with an Idempotency-Key is answered once."""

import pytest
from django.db import IntegrityError
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts import idempotency
from accounts.actors import Actor, nobody
from accounts.idempotency import purge
from accounts.models import IdempotentRequest, User
from accounts.roles import Role
from enigma.rest.views import ApiView
from tests.racing import together

OMAR = Actor(kind="staff", id="user:1", role=Role.ADMIN)
AIZA = Actor(kind="staff", id="user:2", role=Role.ADMIN)


class Makes(ApiView):
    """Makes a user of each request, and answers as its body says."""

    needs = {"get": "cycle.view", "post": "cycle.create"}
    throttle_classes = ()

    def get(self, request):
        return Response({"users": User.objects.count()})

    def post(self, request):
        user = User.objects.create_user(f"sam{User.objects.count()}@example.org")
        if request.data.get("fail"):
            raise IntegrityError
        headers = {"Location": f"/users/{user.pk}", "ETag": '"1"'}
        return Response({"id": user.pk}, status=request.data.get("status", 201), headers=headers)


def post(body=None, *, key="one", actor=OMAR, view=Makes, path="/makes"):
    request = APIRequestFactory().post(path, body or {}, format="json", headers={"Idempotency-Key": key})
    force_authenticate(request, token=actor)
    answer = view.as_view()(request)
    return answer.render() if hasattr(answer, "render") else answer


def told(answer):
    """Everything of an answer that a client sees."""
    return answer.status_code, dict(answer.headers), answer.content


@pytest.mark.django_db
def test_the_same_request_gets_the_same_answer_and_nothing_is_done_again():
    first, second = post({"a": 1, "b": 2}), post({"b": 2, "a": 1})
    status, headers, body = told(first)
    assert told(second) == (status, {**headers, "Idempotency-Replayed": "true"}, body)
    assert status == 201
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_another_request_with_the_same_key_is_refused():
    post({"a": 1})
    for answer in (post({"a": 2}), post({"a": 1}, path="/makes?dry_run=1")):
        assert (answer.status_code, answer.data["code"]) == (422, "idempotency_key_reused")
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_keys_belong_to_whoever_sent_them():
    assert [post(actor=OMAR).status_code, post(actor=AIZA).status_code] == [201, 201]
    assert User.objects.count() == 2


@pytest.mark.django_db
def test_strangers_have_no_keys():
    view = type("Open", (Makes,), {"needs": {"post": "public.view"}})
    assert [post(actor=nobody(), view=view).status_code for _ in range(2)] == [201, 201]
    assert not IdempotentRequest.objects.exists()


@pytest.mark.django_db
def test_a_view_may_do_without():
    view = type("Secret", (Makes,), {"idempotent": False})
    assert [post(view=view).data["id"] != post(view=view).data["id"], IdempotentRequest.objects.count()] == [True, 0]


@pytest.mark.django_db
def test_a_method_that_does_not_exist_stays_so():
    view = type("Reads", (ApiView,), {"needs": {"get": "cycle.view"}, "throttle_classes": ()})
    assert post(view=view).status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ключ", "tab\t"])
def test_a_key_is_visible_ascii(key):
    answer = post(key=key)
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (422, "idempotency_key")


@pytest.mark.django_db
def test_the_longest_key_is_taken():
    assert post(key="~" * 255).status_code == 201


@pytest.mark.django_db
def test_a_refusal_is_not_kept():
    assert [post({"status": 409}).status_code, post({"status": 409}).status_code] == [409, 409]
    assert (User.objects.count(), IdempotentRequest.objects.count()) == (2, 0)


@pytest.mark.django_db
def test_a_fault_undoes_the_deed_and_frees_the_key():
    assert post({"fail": True}).status_code == 500
    assert (User.objects.count(), IdempotentRequest.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_handler_may_commit_on_its_own():
    view = type("Steps", (Makes,), {"one_transaction": False})
    assert post({"fail": True}, view=view).status_code == 500
    assert (User.objects.count(), IdempotentRequest.objects.count()) == (1, 0)


def unfinished(age):
    """Leave what a process leaves that died while it answered, so long ago."""
    post()
    User.objects.all().delete()
    IdempotentRequest.objects.update(status=None, body=None, created_at=timezone.now() - age)


@pytest.mark.django_db
def test_while_the_first_is_answered_the_second_waits():
    unfinished(idempotency.GIVEN_UP_AFTER / 2)
    answer = post()
    assert (answer.status_code, answer.data["code"]) == (409, "idempotent_request_in_progress")
    assert (answer.headers["Retry-After"], User.objects.count()) == ("1", 0)


@pytest.mark.django_db
def test_a_request_whose_process_died_is_taken_over():
    unfinished(idempotency.GIVEN_UP_AFTER * 2)
    assert [post().status_code, post().headers["Idempotency-Replayed"], User.objects.count()] == [201, "true", 1]


@pytest.mark.django_db
def test_who_was_given_up_undoes_the_deed():
    def taken_over(view, request):
        IdempotentRequest.objects.update(created_at=timezone.now())
        return Makes.post(view, request)

    answer = post(view=type("Slow", (Makes,), {"post": taken_over}))
    assert (answer.status_code, User.objects.count()) == (409, 0)


@pytest.mark.django_db
def test_answers_are_forgotten_after_a_day():
    post(key="old")
    IdempotentRequest.objects.update(created_at=timezone.now() - idempotency.KEPT_FOR)
    post(key="new")
    assert (purge(), IdempotentRequest.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_the_same_moment_one_is_done():
    for number in range(25):
        answers = together(*[lambda key=f"key-{number}": post(key=key)] * 8)
        ids = {answer.headers["Location"] for answer in answers if answer.status_code == 201}
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert (len(ids), User.objects.count()) == (1, number + 1)
