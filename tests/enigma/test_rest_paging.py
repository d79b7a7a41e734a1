"""Pages stay stable while rows come in."""

import base64

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.test import APIRequestFactory

from accounts.models import AttemptCounter, IdempotentRequest, ServiceToken
from enigma.rest.serializers import StrictSerializer
from tests.enigma.rest_calls import OMAR, ask, view


class Row(StrictSerializer):
    """A row."""

    id = serializers.IntegerField()


def listing(order="-pk", model=AttemptCounter):
    def get(self, request):
        return self.page(model.objects.all(), Row)

    return view(needs={"get": "cycle.view"}, get=get, page_order=order)


def add(*names):
    rows = [AttemptCounter(kind=name, key_hmac=bytes(32), window_ends_at=timezone.now(), count=1) for name in names]
    return [row.pk for row in AttemptCounter.objects.bulk_create(rows)]


def read_all(route, path="/?page_size=3", between=lambda: None):
    """Read page after page; return the ids in the order in which they came."""
    found = []
    while path:
        page = ask(route, path=path).data
        found += [row["id"] for row in page["results"]]
        path = page["next"]
        between()
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("order", ["pk", "-pk"])
def test_every_row_comes_once(count, order):
    ids = add(*map(str, range(count)))
    assert read_all(listing(order)) == (ids if order == "pk" else ids[::-1])


@pytest.mark.django_db
def test_rows_that_come_in_neither_double_nor_hide_a_row():
    ids = add(*map(str, range(8)))
    new = iter("abcdefgh")
    assert read_all(listing(), between=lambda: add(next(new))) == ids[::-1]


@pytest.mark.django_db
def test_rows_that_come_in_are_met_by_who_reads_upwards():
    ids, new = add(*map(str, range(8))), []
    names = iter(["a", "b", "c"])
    found = read_all(listing("pk"), between=lambda: new.extend(add(*[name for name in [next(names, None)] if name])))
    assert found == ids + new


@pytest.mark.django_db
def test_a_row_that_goes_takes_no_other_with_it():
    ids = add(*map(str, range(6)))
    first = ask(listing("pk"), path="/?page_size=3").data
    AttemptCounter.objects.filter(pk=ids[2]).delete()
    assert [row["id"] for row in ask(listing("pk"), path=first["next"]).data["results"]] == ids[3:]


@pytest.mark.django_db
def test_a_page_is_one_query_of_its_size(django_assert_num_queries):
    add(*map(str, range(30)))
    with django_assert_num_queries(1) as asked:
        assert len(ask(listing(), path="/?page_size=5").data["results"]) == 5
    assert "LIMIT 6" in asked[0]["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["0", "201", "-1", "1.5", "", "x", "٣", "1" * 5000])
def test_a_size_is_a_number_of_rows(size):
    answer = ask(listing(), path=f"/?page_size={size}")
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (422, "page_size")


@pytest.mark.django_db
def test_a_page_has_fifty_rows_unless_told_otherwise():
    add(*map(str, range(51)))
    assert len(ask(listing()).data["results"]) == 50
    assert len(ask(listing(), path="/?page_size=200").data["results"]) == 51


def sealed(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["x", "!!!!", "ключ", sealed("x"), sealed("1.5"), sealed(" 1"), sealed("\0"), "MQ=="]
)
@pytest.mark.parametrize("model", [AttemptCounter, ServiceToken])
def test_a_cursor_is_what_a_page_gave(cursor, model):
    answer = ask(listing(model=model), path=f"/?cursor={cursor}")
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (422, "cursor")


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["-1", "0", "9" * 18, "9" * 40])
def test_a_cursor_beyond_all_rows_finds_none_or_all(number):
    ids = add("a", "b")
    rows = ask(listing("pk"), path=f"/?cursor={sealed(number)}").data["results"]
    assert [row["id"] for row in rows] == (ids if int(number) < 1 else [])


@pytest.mark.django_db
def test_no_cursor_breaks_a_page():
    @given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
    def reads(cursor):
        request = APIRequestFactory().get("/", {"cursor": cursor})
        request._force_auth_user, request._force_auth_token = None, OMAR
        assert listing(model=IdempotentRequest).as_view()(request).status_code in {200, 422}

    reads()
