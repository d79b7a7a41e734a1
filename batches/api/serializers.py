"""What the routes of batches take and answer."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from admissions.models.cycles import AdmissionCycle
from batches.export import MODEL_LENGTH
from batches.formats import FORMATS
from batches.ingest import Imported, Issue
from batches.models import BatchRun, ResultFile
from batches.shards import SHARD_LINES
from enigma.rest.queries import Flag
from enigma.rest.serializers import StrictSerializer, Timestamp

STAGES = ("worker", "judge")
MOST_LINES = 1_000_000  # a shard's own limit of bytes ends it long before


class Order(StrictSerializer):
    """An export that is asked for."""

    cycle = serializers.CharField(max_length=50)
    stage = serializers.ChoiceField(choices=STAGES)
    format = serializers.ChoiceField(choices=sorted(FORMATS), default="plain")
    model = serializers.CharField(max_length=MODEL_LENGTH, help_text="Name of the model that will be asked")
    shard_lines = serializers.IntegerField(default=SHARD_LINES, min_value=1, max_value=MOST_LINES)
    reask = serializers.BooleanField(default=False, help_text="Ask again what went out and was never answered")


class RunsAsked(StrictSerializer):
    """Which runs a list holds."""

    cycle = serializers.CharField(max_length=50, required=False)
    stage = serializers.ChoiceField(choices=STAGES, required=False)
    state = serializers.ChoiceField(choices=BatchRun.State.choices, required=False)


class ResultsAsked(StrictSerializer):
    """Which result files a list holds."""

    cycle = serializers.CharField(max_length=50, required=False)


class Destination(StrictSerializer):
    """Whose requests an uploaded file answers."""

    typed = False  # it stands in the address, where everything is text
    cycle = serializers.CharField(max_length=50)
    dry_run = Flag(default=False, help_text="Do everything, then keep nothing")


class RunSerializer(StrictSerializer):
    """One export."""

    id = serializers.IntegerField()
    cycle = serializers.CharField(source="admission_cycle.code")
    stage = serializers.ChoiceField(choices=STAGES)
    state = serializers.ChoiceField(
        choices=BatchRun.State.choices,
        help_text="exporting: not finished yet; needs_attention: some requests have no answer that counts",
    )
    format = serializers.ChoiceField(choices=sorted(FORMATS))
    model = serializers.CharField()
    requests = serializers.IntegerField()
    created_at = Timestamp()
    exported_at = Timestamp(allow_null=True)
    manifest_sha256 = serializers.CharField(allow_blank=True, help_text="As in both logs; empty while exporting")


class ShardSerializer(StrictSerializer):
    """One file of a run."""

    name = serializers.CharField()
    lines = serializers.IntegerField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField(help_text="Where it can be downloaded")


class WholeRunSerializer(RunSerializer):
    """One export with all that its manifest says."""

    manifest = serializers.DictField(
        allow_null=True, help_text="Null while exporting; as UTF-8 with sorted keys and indent 1 it has manifest_sha256"
    )
    shards = serializers.SerializerMethodField()

    @extend_schema_field(ShardSerializer(many=True))
    def get_shards(self, run: BatchRun) -> list[dict[str, Any]]:
        """The shards, each with its address."""
        shards = run.manifest["shards"] if run.manifest else []
        return [shard | {"url": self._url(run, shard["name"])} for shard in shards]

    def _url(self, run: BatchRun, name: str) -> str:
        return reverse("api-shard", args=[run.pk, name])


class Tally(StrictSerializer):
    """What the lines of a file came to: lines = imported + unchanged + rejected."""

    lines = serializers.IntegerField()
    imported = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="Rejected lines by code")


class ResultFileSerializer(Tally):
    """One result file, as it was first taken."""

    id = serializers.IntegerField()
    cycle = serializers.CharField(source="admission_cycle.code")
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField(source="size")
    imported_at = Timestamp()
    issues = serializers.CharField(help_text="Where the lines are listed that were not taken")

    def to_representation(self, instance: ResultFile) -> Any:
        """The record, its counts beside the rest."""
        url = reverse("api-result-issues", args=[instance.pk])
        columns = {name: getattr(instance, name) for name in ("id", "admission_cycle", "sha256", "size", "imported_at")}
        return super().to_representation({**columns, **instance.counts, "issues": url})


class IssueSerializer(StrictSerializer):
    """A line that was not taken, and why; nothing of the line is quoted."""

    line = serializers.IntegerField()
    custom_id = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    field = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class ImportedSerializer(Tally):
    """What an upload came to."""

    id = serializers.IntegerField(allow_null=True, help_text="Null when nothing was kept")
    cycle = serializers.CharField()
    sha256 = serializers.CharField()
    dry_run = serializers.BooleanField()
    issues = serializers.CharField(allow_null=True, help_text="Where all lines are listed that were not taken")
    first_issues = IssueSerializer(many=True, help_text="The first of them")


def told(result: Imported, first: list[Issue], *, cycle: AdmissionCycle, dry_run: bool) -> Any:
    """Return what an upload came to; without an address for what was not kept."""
    kept = None if dry_run or result.file is None else result.file.pk
    address = reverse("api-result-issues", args=[kept]) if kept else None
    about = {"id": kept, "cycle": cycle.code, "sha256": result.sha256, "dry_run": dry_run, "issues": address}
    return ImportedSerializer({**about, **result.counts(), "first_issues": first}).data


class StatusSerializer(StrictSerializer):
    """Where a cycle stands: every count, derived at the moment of asking."""

    code = serializers.CharField()
    phase = serializers.CharField()
    phase_since = Timestamp()
    next_step = serializers.CharField(allow_null=True)
    seats = serializers.IntegerField()
    applications = serializers.IntegerField()
    statuses = serializers.DictField(child=serializers.IntegerField())
    blind_copies = serializers.IntegerField()
    exported = serializers.IntegerField()
    final_scores = serializers.DictField(child=serializers.IntegerField())
    undecided = serializers.IntegerField()
    letters = serializers.DictField(child=serializers.IntegerField())
    outcomes_are_public = serializers.BooleanField()
    selection = serializers.DictField(
        allow_null=True, help_text="What came of the selection; before publication for those who select or audit only"
    )
    requests = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    runs = serializers.DictField(child=serializers.IntegerField())
    import_issues = serializers.DictField(child=serializers.IntegerField())
