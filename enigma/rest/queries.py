"""Reads the parameters of an address as strictly as a body (none unknown, twice or half right), and Prefer."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from enigma.rest.serializers import StrictSerializer

PAGES = {"cursor", "page_size"}  # what ApiView.page reads
ASYNC = "respond-async"
FLAGS = {"1": True, "true": True, "0": False, "false": False}


@extend_schema_field(bool)
class Flag(serializers.Field[Any, Any, Any, Any]):
    """A parameter that is on or off: ``?dry_run=1`` or ``?dry_run=true``."""

    default_error_messages = {"invalid": "must be 1, 0, true or false"}

    def to_internal_value(self, data: Any) -> bool:
        """Return whether it is on."""
        if data not in FLAGS:
            self.fail("invalid")
        return FLAGS[data]

    def to_representation(self, value: Any) -> Any:
        """Return the value."""
        return value


def asked(request: Request, kind: type[StrictSerializer]) -> dict[str, Any]:
    """Return the validated parameters, without those of pages; raise ValidationError by name."""
    given = {name: values for name, values in request.query_params.lists() if name not in PAGES}
    if twice := {name: ["stands twice"] for name, values in given.items() if len(values) > 1}:
        raise serializers.ValidationError(twice)
    query = kind(data={name: value for name, [value] in given.items()})
    query.is_valid(raise_exception=True)
    values: dict[str, Any] = query.validated_data
    return values


def prefers_async(header: str) -> bool:
    """Whether a Prefer header (RFC 7240) asks for an answer before the work is done."""
    return ASYNC in {preference.partition(";")[0].strip().lower() for preference in header.split(",")}
