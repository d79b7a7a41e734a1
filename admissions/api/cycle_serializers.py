"""What staff send and are shown of a cycle and its steps, spelled for the API."""

from decimal import Decimal
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.roles import STEPS
from admissions import rubrics
from admissions.api.applicant_serializers import Parts
from admissions.models.cycles import AdmissionCycle
from admissions.models.runs import StepRun
from admissions.phases import Phase
from admissions.rules import JudgePolicy
from admissions.selection import PARTS
from enigma.rest.queries import Flag
from enigma.rest.serializers import Score, StrictSerializer, Timestamp

INTEGER_MAX, SMALL_MAX = 2**31 - 1, 2**15 - 1  # what the columns hold
PHASES = [phase.value for phase in Phase]


class EndOfScale(serializers.DecimalField):
    """One end of a test's scale, as decimal text without zeros at its end."""

    default_error_messages = {"type": "must be a decimal number as text"}

    def __init__(self) -> None:
        super().__init__(max_digits=12, decimal_places=4)

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("type")
        return self.to_representation(super().to_internal_value(data))

    def to_representation(self, value: Any) -> str:
        """Return the text; what a file of rules gave may be stored as a number."""
        return format(Decimal(str(value)).normalize(), "f")


class Tests(serializers.DictField):
    """The accepted tests, each with the lowest and the highest score."""

    child = serializers.ListField(child=EndOfScale(), min_length=2, max_length=2)


class Weights(StrictSerializer):
    """How much each part counts; together 1."""

    academic = Score(required=False)
    test = Score(required=False)
    achievement = Score(required=False)
    essay = Score(required=False)


class CycleRules(StrictSerializer):
    """The rules of a cycle; what is left out keeps its value, or in a new cycle has its default."""

    opens_at = Timestamp(required=False, allow_null=True)
    closes_at = Timestamp(required=False, allow_null=True)
    results_at = Timestamp(required=False, allow_null=True)
    rubric_version = serializers.ChoiceField(sorted(rubrics.VERSIONS), required=False)
    weights = Weights(required=False)
    tests = Tests(required=False, help_text='{"SAT": ["400", "1600"]}: test, lowest and highest score')
    gpa_scale = Score(required=False, help_text="The highest GPA")
    essay_max = serializers.IntegerField(required=False, min_value=1, max_value=INTEGER_MAX)
    achievements_max = serializers.IntegerField(required=False, min_value=1, max_value=INTEGER_MAX)
    judge_policy = serializers.ChoiceField([policy.value for policy in JudgePolicy], required=False)
    attempts_allowed = serializers.IntegerField(required=False, min_value=1, max_value=SMALL_MAX)
    tie_break = serializers.ListField(
        child=serializers.ChoiceField([*PARTS, "seed"]), required=False, help_text="Ends with seed"
    )
    is_demo = serializers.BooleanField(required=False, help_text="May be published on rehearsed answers")


class NewCycle(CycleRules):
    """A cycle that is to be opened."""

    code = serializers.SlugField(max_length=50)
    name = serializers.CharField(max_length=200)
    seats = serializers.IntegerField(min_value=1, max_value=INTEGER_MAX)


class CycleChange(CycleRules):
    """What is to change of a cycle that is not frozen yet."""

    name = serializers.CharField(max_length=200, required=False)
    seats = serializers.IntegerField(min_value=1, max_value=INTEGER_MAX, required=False)


class CyclesAsked(StrictSerializer):
    """Which cycles a list holds."""

    phase = serializers.ChoiceField(PHASES, required=False)
    is_demo = Flag(required=False)


class Links(StrictSerializer):
    """Where to go on from a cycle."""

    self = serializers.CharField()
    status = serializers.CharField(help_text="All figures of the cycle")
    steps = serializers.DictField(child=serializers.CharField(), help_text="Where each step is taken, by POST")


class CycleAnswer(StrictSerializer):
    """A cycle with all its rules."""

    code = serializers.CharField()
    name = serializers.CharField()
    phase = serializers.ChoiceField(PHASES)
    phase_since = Timestamp()
    next_step = serializers.ChoiceField(STEPS, allow_null=True)
    seats = serializers.IntegerField()
    opens_at = Timestamp(allow_null=True)
    closes_at = Timestamp(allow_null=True)
    results_at = Timestamp(allow_null=True)
    rubric_version = serializers.CharField()
    rubric_sha256 = serializers.SerializerMethodField()
    weights = Parts()
    tests = Tests()
    gpa_scale = Score()
    essay_max = serializers.IntegerField()
    achievements_max = serializers.IntegerField()
    judge_policy = serializers.CharField()
    attempts_allowed = serializers.IntegerField()
    tie_break = serializers.ListField(child=serializers.CharField())
    is_demo = serializers.BooleanField()
    links = serializers.SerializerMethodField()

    def get_rubric_sha256(self, cycle: AdmissionCycle) -> str:
        """The hash of the rubric, as the public log commits it."""
        return rubrics.rubric(cycle.rubric_version).sha256

    @extend_schema_field(Links)
    def get_links(self, cycle: AdmissionCycle) -> dict[str, Any]:
        """The addresses."""
        return {
            "self": reverse("api-cycle", args=[cycle.code]),
            "status": reverse("api-cycle-status", args=[cycle.code]),
            "steps": {step: reverse(f"api-step-{step}", args=[cycle.code]) for step in STEPS},
        }


class StepBody(StrictSerializer):
    """What may be said about a step."""

    reason = serializers.CharField(
        max_length=500,
        required=False,
        default="",
        allow_blank=True,
        help_text="For the audit log; name no person in it",
    )


class StepAsked(StrictSerializer):
    """How a step is to be taken."""

    dry_run = Flag(required=False, default=False, help_text="Check and do everything, then keep nothing")


class StepAnswer(StrictSerializer):
    """A step that was taken, or would be."""

    step = serializers.ChoiceField(STEPS)
    to = serializers.ChoiceField(PHASES)
    dry_run = serializers.BooleanField(help_text="Whether nothing of it was kept")
    facts = serializers.DictField(help_text="Counts and digests of the step, as in the audit log")

    def get_fields(self) -> dict[str, Any]:
        """Add the one whose name is a word of Python."""
        return {"from": serializers.ChoiceField(PHASES), **super().get_fields()}


class RunAnswer(StrictSerializer):
    """A step that runs as a job."""

    run_id = serializers.UUIDField()
    cycle = serializers.CharField(source="admission_cycle.code")
    step = serializers.ChoiceField(STEPS)
    dry_run = serializers.BooleanField()
    state = serializers.ChoiceField([state.value for state in StepRun.State])
    asked_by = serializers.CharField(source="actor_id")
    detail = serializers.CharField(help_text="Why it was refused, or the kind of fault that ended it")
    facts = serializers.DictField(
        allow_null=True,
        help_text="What it came to, from and to which phase; before publication for those who select or audit only",
    )
    created_at = Timestamp()
    started_at = Timestamp(allow_null=True)
    finished_at = Timestamp(allow_null=True)
