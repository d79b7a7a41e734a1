"""What the routes of accounts take and answer."""

from typing import Any

from rest_framework import serializers

from accounts.roles import STAFF, VERBS
from accounts.service_tokens import CODE
from enigma.rest.serializers import StrictSerializer, Timestamp

CODE_LENGTH = 40  # of a code that somebody types; ours are shorter


class CodeRequest(StrictSerializer):
    """Asks for a code."""

    email = serializers.EmailField(max_length=254)


class ChallengeSerializer(StrictSerializer):
    """Names the code that was sent."""

    challenge = serializers.CharField(help_text="Send it back together with the code.")
    expires_in = serializers.IntegerField(help_text="seconds")


class CodeExchange(StrictSerializer):
    """Exchanges a code for tokens."""

    challenge = serializers.RegexField(r"^[a-z0-9]{1,64}$")
    code = serializers.CharField(max_length=CODE_LENGTH)
    second_factor = serializers.CharField(
        max_length=CODE_LENGTH,
        required=False,
        allow_blank=True,
        default="",
        help_text="Who has enrolled a second factor sends a code of it too.",
    )


class Login(StrictSerializer):
    """Signs in a member of staff."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False)
    code = serializers.CharField(
        max_length=CODE_LENGTH,
        required=False,
        allow_blank=True,
        default="",
        help_text="From the authenticator app, or a recovery code.",
    )


class RefreshRequest(StrictSerializer):
    """Exchanges a refresh token."""

    refresh = serializers.CharField(max_length=2_000)


class TokensSerializer(StrictSerializer):
    """An access token, and the refresh token that gets the next one, once."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")


class SessionSerializer(StrictSerializer):
    """A live session of one's own."""

    session_id = serializers.UUIDField()
    is_current = serializers.SerializerMethodField()
    created_at = Timestamp()
    last_seen_at = Timestamp()
    idle_expires_at = Timestamp(help_text="It ends then unless it is used.")
    absolute_expires_at = Timestamp(help_text="It ends then in any case.")

    def get_is_current(self, row: Any) -> bool:
        """Tell whether this is the session that asks."""
        return bool(str(row.pk) == self.context["request"].auth.session_id)


class MeSerializer(StrictSerializer):
    """Who is signed in."""

    person_id = serializers.IntegerField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(STAFF)
    permissions = serializers.ListField(child=serializers.CharField())
    session_id = serializers.UUIDField()


class PersonSerializer(StrictSerializer):
    """A colleague."""

    person_id = serializers.IntegerField(source="user_id")
    email = serializers.EmailField(source="user.email")
    role = serializers.CharField()
    is_active = serializers.BooleanField()
    last_login_at = Timestamp(allow_null=True)
    created_at = Timestamp()


class PersonChange(StrictSerializer):
    """What can be changed of a colleague; what is left out stays."""

    role = serializers.ChoiceField(STAFF, required=False)
    is_active = serializers.BooleanField(required=False)


class TokenRequest(StrictSerializer):
    """Asks for a machine's token."""

    name = serializers.CharField(max_length=80, help_text="To know it by in the list.")
    verb = serializers.ChoiceField(sorted(VERBS))
    cycle = serializers.RegexField(CODE, help_text="Code of the cycle.")
    expires_at = Timestamp(help_text="Within 90 days.")


class ServiceTokenSerializer(StrictSerializer):
    """A machine's token as it is listed."""

    token_id = serializers.UUIDField()
    name = serializers.CharField()
    verb = serializers.CharField()
    cycle = serializers.CharField(source="cycle_code")
    made_by = serializers.IntegerField(source="made_by.user_id", help_text="person_id")
    created_at = Timestamp()
    expires_at = Timestamp()
    last_used_at = Timestamp(allow_null=True)
    revoked_at = Timestamp(allow_null=True)


class NewTokenSerializer(ServiceTokenSerializer):
    """The same with the token itself, this once."""

    token = serializers.CharField()
