"""What anybody is told about the cycles, spelled for the API."""

from rest_framework import serializers

from admissions.api.applicant_serializers import Parts
from admissions.phases import Phase
from admissions.rules import JudgePolicy
from enigma.rest.serializers import Score, StrictSerializer, Timestamp


class RubricText(StrictSerializer):
    """The rubric that applications are scored by."""

    version = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the text in UTF-8, in hexadecimal")
    text = serializers.CharField()


class CycleInfo(StrictSerializer):
    """A cycle that takes applications, now or soon, with the rules that it goes by."""

    code = serializers.CharField()
    name = serializers.CharField()
    is_demo = serializers.BooleanField(help_text="A rehearsal with invented people; nobody is admitted by it")
    state = serializers.ChoiceField(["open", "coming"])
    opens_at = Timestamp(allow_null=True)
    closes_at = Timestamp(allow_null=True)
    results_at = Timestamp(allow_null=True)
    seats = serializers.IntegerField()
    tests = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2),
        help_text="Accepted tests with their lowest and highest score, as decimal text",
    )
    gpa_scale = serializers.CharField(help_text="The highest GPA, as decimal text")
    essay_max = serializers.IntegerField(help_text="In characters")
    achievements_max = serializers.IntegerField(help_text="In characters")
    weights = Parts()
    rubric = RubricText()
    judge_policy = serializers.ChoiceField([policy.value for policy in JudgePolicy])
    attempts_allowed = serializers.IntegerField(
        help_text="How often an evaluation may be made anew when it is rejected"
    )
    tie_break = serializers.ListField(child=serializers.CharField())


class HowToApply(StrictSerializer):
    """The way from zero to an application."""

    steps = serializers.ListField(child=serializers.CharField())
    code = serializers.CharField(help_text="POST your e-mail address here")
    token = serializers.CharField(help_text="POST the code that you were sent here")
    applications = serializers.CharField(help_text="POST your application here")


class Info(StrictSerializer):
    """Where one can apply, and how."""

    cycles = CycleInfo(many=True)
    how_to_apply = HowToApply()


class Results(StrictSerializer):
    """What came of a published cycle as a whole."""

    seats = serializers.IntegerField()
    selected = serializers.IntegerField(allow_null=True)
    not_selected = serializers.IntegerField(allow_null=True)
    cutoff = Score(allow_null=True, help_text="The lowest total that was selected")
    withheld = serializers.CharField(allow_null=True, help_text="Why there are no figures")


class CycleStatus(StrictSerializer):
    """Where a cycle stands."""

    code = serializers.CharField()
    name = serializers.CharField()
    is_demo = serializers.BooleanField()
    phase = serializers.ChoiceField([phase.value for phase in Phase])
    phase_since = Timestamp()
    results_at = Timestamp(allow_null=True)
    results = Results(allow_null=True, help_text="null before publication")


class StatusAnswer(StrictSerializer):
    """Where all cycles stand, newest first."""

    cycles = CycleStatus(many=True)
