"""What the log's routes take and show."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from audit.finding import first_at
from audit.models import AuditLog
from enigma.rest.serializers import StrictSerializer, Timestamp


class Hex(serializers.CharField):
    """Bytes as lower-case hexadecimal digits."""

    def to_representation(self, value: Any) -> str:
        """Return the digits; a text is digits already."""
        return value if isinstance(value, str) else bytes(value).hex()


class LastVerification(StrictSerializer):
    """What the last full verification said of the public log."""

    finished_at = Timestamp()
    ok = serializers.BooleanField(help_text="Whether both logs and the anchors between them held")
    length = serializers.IntegerField()
    head = Hex()


class Chain(StrictSerializer):
    """Where the public log stands."""

    origin = serializers.CharField(help_text="Name of the log, hashed into its first entry")
    length = serializers.IntegerField(help_text="Entries in the public log")
    head = Hex(help_text="Chain value after the last entry")
    pending = serializers.IntegerField(help_text="Commitments that wait to be chained; at most 10000 are counted")
    last_verification = LastVerification(allow_null=True)


class VerificationSerializer(StrictSerializer):
    """A verification of both logs; what it found is null until it is done."""

    verification_id = serializers.IntegerField()
    state = serializers.ChoiceField(["queued", "running", "done", "failed"])
    asked_by = serializers.CharField()
    asked_at = Timestamp()
    started_at = Timestamp(allow_null=True)
    finished_at = Timestamp(allow_null=True)
    ok = serializers.BooleanField(allow_null=True)
    fault = serializers.CharField(help_text="The first lie; empty where there is none")
    origin = serializers.CharField(allow_null=True)
    public_size = serializers.IntegerField(allow_null=True)
    public_head = Hex(allow_null=True)
    audit_size = serializers.IntegerField(allow_null=True)
    audit_head = Hex(allow_null=True)
    pending = serializers.IntegerField(allow_null=True)
    checked = serializers.IntegerField(allow_null=True)


class EntrySerializer(StrictSerializer):
    """One entry of the internal log."""

    log_id = serializers.IntegerField()
    timestamp = Timestamp()
    actor_type = serializers.CharField()
    actor_id = serializers.CharField()
    role = serializers.CharField()
    session_id = serializers.CharField()
    action = serializers.CharField()
    entity_type = serializers.CharField()
    entity_id = serializers.CharField()
    outcome = serializers.CharField()
    details = serializers.DictField()
    current_hash = Hex(help_text="Chain value after this entry")


class EntryQuery(StrictSerializer):
    """Which entries of the internal log."""

    action = serializers.CharField(required=False, max_length=80)
    actor_id = serializers.CharField(required=False, max_length=80)
    entity_type = serializers.CharField(required=False, max_length=80)
    entity_id = serializers.CharField(required=False, max_length=80, help_text="Needs entity_type beside it")
    outcome = serializers.CharField(required=False, max_length=80)
    since = Timestamp(required=False, help_text="Entries of this moment and later")
    until = Timestamp(required=False, help_text="Entries before this moment")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An entity is named by both: ids of different types may be equal."""
        if "entity_id" in attrs and "entity_type" not in attrs:
            raise serializers.ValidationError({"entity_type": ["is needed beside entity_id"]}, code="required")
        return attrs


COLUMNS = {"action", "actor_id", "entity_type", "entity_id", "outcome"}


def entries(wanted: dict[str, Any]) -> QuerySet[AuditLog]:
    """Return the entries that a validated query names."""
    found = AuditLog.objects.filter(**{name: value for name, value in wanted.items() if name in COLUMNS})
    if "since" in wanted:
        found = found.filter(log_id__gte=first_at(wanted["since"]))
    if "until" in wanted:
        found = found.filter(log_id__lt=first_at(wanted["until"]))
    return found
