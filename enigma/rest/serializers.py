"""Serializers that refuse what they do not know, and the fields that the API spells in one way only."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})?")
# So many are named: a body of two megabytes that holds nothing else would take seconds, and come back sixfold.
FAULTS_MAX = 100


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that names the fields of the input that it does not take, instead of dropping them.

    ``typed`` is False for parameters of a query, where a number is a text too.
    """

    typed: ClassVar[bool] = True

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values; raise ValidationError with every fault of every field."""
        faults = self._misfits(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as fault:
            raise serializers.ValidationError({**fault.detail, **faults}) from None
        if faults:
            raise serializers.ValidationError(faults)
        return values

    def _misfits(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        """What DRF would let pass: unknown fields, and values of another type than the schema says."""
        taken = {name: field for name, field in self.fields.items() if not field.read_only}
        faults: dict[str, list[ErrorDetail]] = {}
        for name, value in data.items():
            if len(faults) == FAULTS_MAX:
                break
            if name not in taken:
                faults[name] = [ErrorDetail("is not a field of this request", "unknown_field")]
            elif self.typed and value is not None and (told := _mistyped(taken[name], value)):
                faults[name] = [ErrorDetail(f"must be {told}", "type")]
        return faults

    def create(self, validated_data: Any) -> Any:
        """Deeds write, not serializers."""
        raise NotImplementedError

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Deeds write, not serializers."""
        raise NotImplementedError


class Timestamp(serializers.DateTimeField):
    """A moment as RFC 3339 in UTC: ``2026-11-22T20:15:00Z``; without an offset it is refused."""

    default_error_messages = {"zoneless": "needs a time zone, such as the Z in 2026-11-22T20:15:00Z"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=None, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        """Return the moment in UTC; raise ValidationError."""
        try:
            readable = isinstance(value, str) and RFC3339.fullmatch(value)
            moment = parse_datetime(value.upper()) if readable else None
            if moment is None:
                raise self._fault("invalid", format="2026-11-22T20:15:00Z")
            if moment.tzinfo is None:
                raise self._fault("zoneless")
            return moment.astimezone(UTC)
        except OverflowError:
            raise self._fault("overflow") from None
        except ValueError:
            raise self._fault("invalid", format="2026-11-22T20:15:00Z") from None

    def _fault(self, code: str, **words: str) -> serializers.ValidationError:
        return serializers.ValidationError(self.error_messages[code].format(**words), code=code)

    def to_representation(self, value: Any) -> str | None:
        """Return RFC 3339 text."""
        return value if value is None or isinstance(value, str) else rfc3339(value)


class Score(serializers.DecimalField):
    """A score or a weight as decimal text with four places: ``"87.5000"``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=7, decimal_places=4, **kwargs)

    def to_representation(self, value: Any) -> str:
        """Return decimal text."""
        return f"{Decimal(value):.4f}"


# What the schema calls a field, and what JSON must therefore hold; DRF would take 7 for "7", and "yes" for true.
JSON_TYPES: tuple[tuple[type[serializers.Field], type, str], ...] = (
    (serializers.BooleanField, bool, "true or false"),
    (serializers.IntegerField, int, "an integer"),
    (serializers.CharField, str, "a text"),
    (serializers.DateTimeField, str, "a text"),
    (serializers.UUIDField, str, "a text"),
    (serializers.ChoiceField, str, "a text"),
    (Score, str, "a decimal number as text"),
)


def _mistyped(field: serializers.Field[Any, Any, Any, Any], value: Any) -> str:
    """Say what the value should be, where it is something else."""
    for kind, type_, told in JSON_TYPES:
        if isinstance(field, kind):
            return "" if isinstance(value, type_) and not (type_ is int and isinstance(value, bool)) else told
    return ""


def rfc3339(at: datetime) -> str:
    """Return a moment as RFC 3339 text in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
