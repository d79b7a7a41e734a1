"""What is asked of the engines, and what they answered: runs, requests, evaluations, judgements, and bad lines."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from admissions.models.blind import SCORE, AnonymizedApplication, within_0_and_100
from admissions.models.cycles import AdmissionCycle
from batches.formats.base import MOST_TOKENS


class BatchRun(models.Model):
    """One export: which requests went out in which files, under which prompt and rubric, and how far it has come."""

    class State(models.TextChoices):
        EXPORTING = "exporting"
        EXPORTED = "exported"
        NEEDS_ATTENTION = "needs_attention"
        IMPORTED = "imported"

    admission_cycle = models.ForeignKey(AdmissionCycle, models.PROTECT, related_name="+")
    stage = models.CharField(max_length=10)
    format = models.CharField(max_length=20)
    model = models.CharField(max_length=200)
    shard_lines = models.PositiveIntegerField()
    prompt_version = models.CharField(max_length=20)
    state = models.CharField(max_length=20, default=State.EXPORTING, choices=State.choices)
    requests = models.PositiveIntegerField()
    manifest = models.JSONField(null=True, blank=True)
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    exported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "batch_runs"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(stage__in=["worker", "judge"]), name="run_stage_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=["exporting", "exported", "needs_attention", "imported"]),
                name="run_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="exporting", exported_at=None, manifest=None, manifest_sha256="")
                | ~Q(state="exporting") & Q(exported_at__isnull=False, manifest__isnull=False) & ~Q(manifest_sha256=""),
                name="run_export_is_whole",
            ),
            models.UniqueConstraint(  # an unfinished export is finished first, never doubled
                fields=["admission_cycle", "stage"],
                condition=Q(state="exporting"),
                name="one_export_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.stage} {self.format}"


class EvaluationRequest(models.Model):
    """One question to an engine. ``custom_id`` is random and the only key by which an answer is joined."""

    class State(models.TextChoices):
        WANTED = "wanted"  # in no export yet
        ASKED = "asked"  # claimed by a run
        ANSWERED = "answered"
        FAILED = "failed"  # answered by something that is no answer; another request may follow

    custom_id = models.CharField(max_length=64)
    admission_cycle = models.ForeignKey(AdmissionCycle, models.PROTECT, related_name="+", db_index=False)
    anonymized = models.ForeignKey(AnonymizedApplication, models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(BatchRun, models.PROTECT, null=True, related_name="+")
    judged = models.ForeignKey("batches.WorkerResult", models.PROTECT, null=True, related_name="+", db_index=False)
    stage = models.CharField(max_length=10)
    attempt = models.PositiveSmallIntegerField()
    sample = models.PositiveSmallIntegerField(default=0, help_text="Counts the repeats of one attempt")
    most_tokens = models.PositiveIntegerField(
        default=MOST_TOKENS, help_text="Cap of the answer, where an engine takes one"
    )
    state = models.CharField(max_length=10, default=State.WANTED, choices=State.choices)
    failure = models.CharField(max_length=30, blank=True, default="")

    class Meta:
        db_table = "evaluation_requests"
        # No index holds the state: an answer then rewrites the row in place and leaves all indexes alone.
        indexes = [models.Index(fields=["admission_cycle", "stage"], name="request_by_stage")]
        constraints = [
            # As a constraint, since a unique column of text would get a second index, for LIKE.
            models.UniqueConstraint(fields=["custom_id"], name="one_request_per_custom_id"),
            models.UniqueConstraint(
                fields=["anonymized", "stage", "attempt", "sample"], name="one_request_per_attempt_and_sample"
            ),
            # The column says how long; a bound in the expression makes PostgreSQL forty times slower at it.
            models.CheckConstraint(condition=Q(custom_id__regex="^[A-Za-z0-9_-]+$"), name="request_id_is_opaque"),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="request_attempt_counts_from_one"),
            models.CheckConstraint(
                condition=Q(stage="worker", judged=None) | Q(stage="judge", judged__isnull=False),
                name="judge_request_names_its_evaluation",
            ),
            models.CheckConstraint(
                condition=Q(state="wanted", run=None) | Q(state__in=["asked", "answered", "failed"], run__isnull=False),
                name="request_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="failed") & ~Q(failure="") | ~Q(state="failed") & Q(failure=""),
                name="request_failure_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.custom_id


class Answer(models.Model):
    """What worker and judge results share: which line of which file answered, and the hash of its bytes."""

    request = models.OneToOneField(EvaluationRequest, models.PROTECT, primary_key=True, related_name="+")
    model = models.CharField(max_length=200)
    line_sha256 = models.BinaryField(max_length=32)
    file_sha256 = models.CharField(max_length=64)
    file_line = models.PositiveIntegerField()
    imported_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class WorkerResult(Answer):
    """One accepted evaluation; ``total`` is our own sum, ``claimed_total`` what the engine said, kept as evidence."""

    anonymized = models.ForeignKey(AnonymizedApplication, models.PROTECT, related_name="+", db_index=False)
    attempt = models.PositiveSmallIntegerField()
    academic = models.DecimalField(**SCORE)
    test = models.DecimalField(**SCORE)
    achievement = models.DecimalField(**SCORE)
    essay = models.DecimalField(**SCORE)
    total = models.DecimalField(**SCORE)
    claimed_total = models.DecimalField(**SCORE, null=True, blank=True)
    explanation = models.TextField()
    reasoning = models.TextField()
    rubric_adherence = models.TextField()
    strengths = models.JSONField()
    areas_for_improvement = models.JSONField()

    class Meta:
        db_table = "worker_results"
        indexes = [  # whose evaluation was not accepted at once
            models.Index(fields=["anonymized"], condition=Q(attempt=2), name="evaluation_repeated")
        ]
        constraints = [
            *(within_0_and_100(part, of="worker") for part in ("academic", "test", "achievement", "essay", "total")),
            within_0_and_100("claimed_total", of="worker"),
            models.UniqueConstraint(fields=["anonymized", "attempt"], name="one_evaluation_per_attempt"),
        ]

    def __str__(self) -> str:
        return f"evaluation {self.pk}"


class JudgeResult(Answer):
    """One judgement of one evaluation."""

    worker_result = models.OneToOneField(WorkerResult, models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10)
    bias_detected = models.BooleanField()
    quality_score = models.DecimalField(**SCORE)
    feedback = models.TextField(blank=True)
    reasoning = models.TextField()

    class Meta:
        db_table = "judge_results"
        indexes = [models.Index(fields=["worker_result"], condition=Q(bias_detected=True), name="judgement_with_bias")]
        constraints = [
            within_0_and_100("quality_score", of="judge"),
            models.CheckConstraint(condition=Q(decision__in=["approved", "rejected"]), name="judge_decision_is_known"),
            models.CheckConstraint(
                condition=~Q(decision="approved") | Q(bias_detected=False), name="no_approval_with_bias"
            ),
            models.CheckConstraint(condition=~Q(decision="rejected") | ~Q(feedback=""), name="rejection_has_feedback"),
        ]

    def __str__(self) -> str:
        return f"judgement {self.pk}: {self.decision}"


class ResultFile(models.Model):
    """One result file, known by the hash of its bytes, and what its lines came to."""

    sha256 = models.CharField(max_length=64)
    admission_cycle = models.ForeignKey(AdmissionCycle, models.PROTECT, related_name="+")
    size = models.BigIntegerField()
    counts = models.JSONField()
    imported_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "result_files"
        constraints = [models.UniqueConstraint(fields=["sha256", "admission_cycle"], name="one_row_per_result_file")]

    def __str__(self) -> str:
        return f"results {self.sha256[:12]}"


class ImportIssue(models.Model):
    """One line that was not taken, and why; ``detail`` never quotes the line."""

    file = models.ForeignKey(ResultFile, models.CASCADE, related_name="issues", db_index=False)
    line = models.PositiveIntegerField()
    custom_id = models.CharField(max_length=64, blank=True, default="")
    code = models.CharField(max_length=30)
    field = models.CharField(max_length=60, blank=True, default="")
    detail = models.TextField()
    line_sha256 = models.BinaryField(max_length=32)

    class Meta:
        db_table = "import_issues"
        constraints = [models.UniqueConstraint(fields=["file", "line"], name="one_issue_per_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.code}"
