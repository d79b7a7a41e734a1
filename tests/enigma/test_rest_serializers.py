"""Input is taken as the schema says, and nothing else is."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from enigma.rest.serializers import Score, StrictSerializer, Timestamp, rfc3339


class Wish(StrictSerializer):
    """One field of each kind."""

    name = serializers.CharField(max_length=5, required=False, allow_null=True)
    seats = serializers.IntegerField(required=False)
    is_demo = serializers.BooleanField(required=False)
    at = Timestamp(required=False)
    cut = Score(required=False)
    phase = serializers.ChoiceField(["1", "2"], required=False)
    id = serializers.UUIDField(required=False)
    reference = serializers.CharField(read_only=True)


class Address(Wish):
    """The same in an address."""

    typed = False


class Outer(StrictSerializer):
    """Wishes inside."""

    one = Wish()
    many = Wish(many=True, required=False)


def faults(data, kind=Wish):
    asked = kind(data=data)
    assert not asked.is_valid()
    return asked.errors


def test_good_values_are_taken():
    asked = Wish(data={"name": "Sam", "seats": 3, "is_demo": True, "at": "2026-11-22T21:15:00+01:00", "cut": "87.5"})
    assert asked.is_valid()
    at = datetime(2026, 11, 22, 20, 15, tzinfo=UTC)
    assert asked.validated_data == {"name": "Sam", "seats": 3, "is_demo": True, "at": at, "cut": Decimal("87.5")}


def test_all_faults_are_told_together():
    assert faults({"name": "Samantha", "role": "admin", "reference": "x"}) == {
        "name": ["Ensure this field has no more than 5 characters."],
        "role": ["is not a field of this request"],
        "reference": ["is not a field of this request"],
    }


def test_nested_objects_are_as_strict():
    found = faults({"one": {"nam": "Sam"}, "many": [{}, {"nam": "Sam"}]}, Outer)
    unknown = {"nam": ["is not a field of this request"]}
    assert found == {"one": unknown, "many": {1: unknown}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 7),
        ("name", True),
        ("seats", "7"),
        ("seats", True),
        ("seats", 7.0),
        ("is_demo", "yes"),
        ("is_demo", 1),
        ("at", 20261122),
        ("cut", 87.5),
        ("phase", 1),
        ("id", 7),
    ],
)
def test_a_value_of_another_type_is_refused(field, value):
    assert {name: [one.code for one in found] for name, found in faults({field: value}).items()} == {field: ["type"]}


def test_null_is_taken_only_where_it_may_stand():
    assert Wish(data={"name": None}).is_valid()
    assert faults({"seats": None}) == {"seats": ["This field may not be null."]}


def test_in_an_address_everything_is_text():
    asked = Address(data={"seats": "7", "is_demo": "1"})
    assert asked.is_valid()
    assert asked.validated_data == {"seats": 7, "is_demo": True}


@pytest.mark.parametrize("data", [[], "text", 7, None])
def test_what_is_no_object_is_refused(data):
    assert not Wish(data=data).is_valid()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-22T20:15:00", "zoneless"),
        ("2026-11-22", "invalid"),
        ("2026-13-22T20:15:00Z", "invalid"),
        ("2026-W01-1T20:15:00Z", "invalid"),
        ("2026-11-22 20:15:00Z", "invalid"),
        ("٢٠٢٦-11-22T20:15:00Z", "invalid"),
        ("0001-01-01T00:00:00+23:59", "overflow"),
        ("", "invalid"),
    ],
)
def test_a_moment_needs_its_zone_and_form(text, code):
    with pytest.raises(ValidationError) as refusal:
        Timestamp().run_validation(text)
    assert [one.code for one in refusal.value.detail] == [code]


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_read_as_it_is_written(moment):
    text = rfc3339(moment)
    assert (Timestamp().run_validation(text), Timestamp().to_representation(moment)) == (moment, text)
    assert text.endswith("Z")


@given(st.text() | st.from_regex(r"[0-9:TZ+.-]{10,30}", fullmatch=True))
def test_no_text_breaks_the_reading_of_a_moment(text):
    with contextlib.suppress(ValidationError):
        assert Timestamp().run_validation(text).tzinfo is UTC


@pytest.mark.parametrize(("value", "text"), [(Decimal("87.5"), "87.5000"), (0, "0.0000"), (Decimal(100), "100.0000")])
def test_a_score_has_four_places(value, text):
    assert Score().to_representation(value) == text


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e9", "87.50001", "1000.5", "", "x"])
def test_a_score_is_a_decimal_number(text):
    assert not Wish(data={"cut": text}).is_valid()


def test_of_very_many_faults_a_hundred_are_named():
    assert len(faults({f"field{number}": 1 for number in range(1_000)})) == 100
