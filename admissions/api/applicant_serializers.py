"""What applicants send and are shown, spelled for the API."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from admissions.letters import NOT_ASSESSED
from admissions.phases import Outcome, Phase
from admissions.rows import PLAIN_DECIMAL
from enigma.rest.serializers import Score, StrictSerializer, Timestamp

NUMBER = {"oneOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9]{1,20}(\\.[0-9]{1,20})?$"}]}


class AsGiven(serializers.Field[Any, Any, Any, Any]):
    """Hands a value on as it came: the rules of the cycle judge it, the same as for a row of a file."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value; a fraction becomes the decimal that was written."""
        return Decimal(repr(data)) if isinstance(data, float) else data

    def to_representation(self, value: Any) -> Any:
        """Return the value."""
        return value


@extend_schema_field({"type": "string"})
class TextGiven(AsGiven):
    """A text."""


@extend_schema_field(NUMBER)
class NumberGiven(AsGiven):
    """A number, or the same as decimal text."""


@extend_schema_field({"type": "object", "additionalProperties": NUMBER, "minProperties": 1})
class ScoresGiven(AsGiven):
    """Scores by test, each a number or the same as decimal text."""

    default_error_messages = {"not_an_object": "must be an object such as {{'SAT': 1450}}"}

    def to_internal_value(self, data: Any) -> Any:
        """Return the scores with decimals for the texts that are such."""
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return {test: self._number(score) for test, score in data.items()}

    def _number(self, score: Any) -> Any:
        is_decimal = isinstance(score, str) and PLAIN_DECIMAL.fullmatch(score)
        return Decimal(score) if is_decimal else super().to_internal_value(score)


class ApplicationBody(StrictSerializer):
    """An application; the address is that of whoever is signed in."""

    cycle = serializers.CharField(max_length=50, help_text="Code of the cycle")
    name = TextGiven()
    phone = TextGiven(required=False)
    address = TextGiven(required=False)
    gpa = NumberGiven()
    test_scores = ScoresGiven()
    essay = TextGiven()
    achievements = TextGiven(required=False)


class NoBody(StrictSerializer):
    """A request that takes no body; whatever it holds is refused."""


class CycleName(StrictSerializer):
    """A cycle by its names."""

    code = serializers.CharField()
    name = serializers.CharField()


class ReceiptAnswer(StrictSerializer):
    """What to keep of a submission."""

    reference = serializers.CharField(help_text="Names the application to you and to the office")
    receipt = serializers.CharField(help_text="Names it in the public log, 32 hexadecimal digits")
    commitment = serializers.CharField(help_text="What the public log holds of it, SHA-256 in hexadecimal")
    submitted_at = Timestamp()


class ApplicationAnswer(StrictSerializer):
    """Where an application stands."""

    reference = serializers.CharField()
    receipt = serializers.CharField(help_text="Names it in the public log, 32 hexadecimal digits")
    cycle = CycleName()
    submitted_at = Timestamp()
    status = serializers.ChoiceField(["submitted", "in_review", "decided", "withdrawn"])
    phase = serializers.ChoiceField([phase.value for phase in Phase], help_text="Where the whole cycle stands")
    phase_since = Timestamp()
    results_at = Timestamp(allow_null=True, help_text="When results are planned to be published")
    may_withdraw = serializers.BooleanField()
    result = serializers.CharField(allow_null=True, help_text="Where the result is, once it is published")


class OwnApplications(StrictSerializer):
    """Somebody's applications: at most a few."""

    results = ApplicationAnswer(many=True)


class Parts(StrictSerializer):
    """A score or a weight for each part."""

    academic = Score()
    test = Score()
    achievement = Score()
    essay = Score()


class RubricName(StrictSerializer):
    """The rubric that applications were scored by."""

    version = serializers.CharField()
    sha256 = serializers.CharField()


class Ties(StrictSerializer):
    """How equal totals were put in order."""

    criteria = serializers.ListField(child=serializers.CharField(), help_text="What counted after the total, in turn")
    seed = serializers.CharField(help_text="What the last criterion was drawn from, in hexadecimal")
    at_cutoff = serializers.IntegerField(help_text="How many hold the cut-off score")
    at_cutoff_selected = serializers.IntegerField(help_text="How many of these were selected")


class Proof(StrictSerializer):
    """Where all of it can be checked."""

    receipt = serializers.CharField(help_text="Names the application in the public log and in the published ranking")
    ranking_sha256 = serializers.CharField(help_text="SHA-256 of the ranking, as the public log holds it")
    chain = serializers.CharField(help_text="Where the public log stands")


class ResultAnswer(StrictSerializer):
    """The outcome of an application, and how it came about."""

    reference = serializers.CharField()
    cycle = CycleName()
    outcome = serializers.ChoiceField([*(outcome.value for outcome in Outcome), NOT_ASSESSED])
    message = serializers.CharField()
    total = Score(allow_null=True)
    scores = Parts(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    ranked = serializers.IntegerField(help_text="How many have a rank")
    percentile = Score(allow_null=True, help_text="Percent of the ranked with a lower total; null among fewer than 20")
    seats = serializers.IntegerField()
    cutoff = Score(allow_null=True, help_text="The lowest total that was selected")
    explanation = serializers.CharField(allow_null=True, help_text="Why the scores are what they are")
    model = serializers.CharField(allow_null=True, help_text="The model that scored; null for a person")
    weights = Parts()
    rubric = RubricName()
    ties = Ties()
    verify = Proof()
