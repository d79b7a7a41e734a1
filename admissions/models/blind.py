"""The evaluation side: blind copies, merit numbers, final scores. Nothing here leads back to a person."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from enigma.fields import SealedField, is_sealed
from enigma.keys import keyring

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

SCORE = {"max_digits": 7, "decimal_places": 4}  # 0.0000 to 100.0000


def within_0_and_100(field: str, *, of: str) -> models.CheckConstraint:
    """A constraint that ``field`` is a score, or empty."""
    within = Q(**{f"{field}__gte": 0, f"{field}__lte": 100})
    return models.CheckConstraint(condition=Q(**{field: None}) | within, name=f"{of}_{field}_within_0_and_100")


@dataclass(frozen=True, slots=True)
class Texts:
    """What the evaluators read."""

    essay: str
    achievements: str


class AnonymizedQuerySet(models.QuerySet["AnonymizedApplication"]):
    """Blind copies in the words of the domain."""

    def of(self, cycle: "AdmissionCycle") -> "AnonymizedQuerySet":
        """Those of one cycle."""
        return self.filter(admission_cycle=cycle)

    def unexported(self) -> "AnonymizedQuerySet":
        """Those that no finished worker export holds."""
        return self.filter(is_exported=False)

    def undecided(self) -> "AnonymizedQuerySet":
        """Those without a final score that no person has set aside either."""
        done = FinalScore.objects.filter(anonymized=models.OuterRef("pk"), status__in=FinalScore.DECIDED)
        return self.filter(~models.Exists(done))


class AnonymizedApplication(models.Model):
    """The blind copy: a random id, merit numbers, and the scrubbed texts sealed by the cycle's key.

    It carries no time and no number that counts up. The copies are made in chunks, in the order of the applications'
    random references, and stored by their own random ids within a chunk: neighbours in the table were not
    submitted together. Whoever reads the pages of this table and of the applications can still tell from which
    submissions a chunk was made; the last one may be small.
    """

    anonymized_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    gpa = models.DecimalField(max_digits=7, decimal_places=4)
    test_scores = models.JSONField()
    sealed_texts = SealedField()
    texts_sha256 = models.BinaryField(max_length=32)
    scrubber = models.CharField(max_length=40)
    is_exported = models.BooleanField(default=False)

    objects = AnonymizedQuerySet.as_manager()

    class Meta:
        db_table = "anonymized_applications"
        verbose_name, verbose_name_plural = _("application"), _("applications")
        indexes = [
            models.Index(fields=["admission_cycle", "is_exported"], name="blind_copy_by_export"),
            models.Index(fields=["admission_cycle", "anonymized_id"], name="blind_copy_by_cycle"),
        ]
        constraints = [is_sealed("sealed_texts", of="blind_copy")]

    def __str__(self) -> str:
        return self.anonymized_id.hex


def text_reader(cycle: "AdmissionCycle") -> Callable[[uuid.UUID, str], Texts]:
    """Return a function that opens the sealed texts of this cycle's blind copies, given id and token.

    The cycle's key is unwrapped once. The function raises Refused, naming the copy, for a damaged or moved token.
    """
    key = keyring().unwrap(cycle.wrapped_key)

    def read(anonymized_id: uuid.UUID, token: str) -> Texts:
        try:
            return Texts(**key.open(token, record=anonymized_id.hex, kind="blind"))
        except UnreadableRecord:
            raise Refused(f"The blind copy {anonymized_id.hex} of {cycle.code} does not open.") from None

    return read


class DeterministicMetrics(models.Model):
    """What can be computed without judgement, 0 to 100; the two ranks are filled for the whole cycle at once."""

    anonymized = models.OneToOneField(AnonymizedApplication, models.PROTECT, primary_key=True, related_name="+")
    gpa_score = models.DecimalField(**SCORE)
    test_score = models.DecimalField(**SCORE, help_text="Mean of the tests, each normalised by its own range")
    academic_score = models.DecimalField(**SCORE, help_text="GPA and tests by the cycle's weights for the two")
    test_percentile = models.DecimalField(**SCORE, null=True, blank=True)
    percentile_rank = models.DecimalField(**SCORE, null=True, blank=True)

    class Meta:
        db_table = "deterministic_metrics"
        constraints = [
            within_0_and_100(field, of="metric")
            for field in ("gpa_score", "test_score", "academic_score", "test_percentile", "percentile_rank")
        ]

    def __str__(self) -> str:
        return f"metrics of {self.anonymized_id}"


class FinalScore(models.Model):
    """The one score that selection reads, or the fact that a person has to decide, or has set the copy aside."""

    class Status(models.TextChoices):
        SCORED = "scored"
        WAITING = "waiting", "waiting for a person"
        SET_ASIDE = "set_aside", "set aside by a person"

    DECIDED = (Status.SCORED, Status.SET_ASIDE)

    anonymized = models.OneToOneField(AnonymizedApplication, models.PROTECT, primary_key=True, related_name="+")
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices)
    academic = models.DecimalField(**SCORE, null=True, blank=True)
    test = models.DecimalField(**SCORE, null=True, blank=True)
    achievement = models.DecimalField(**SCORE, null=True, blank=True)
    essay = models.DecimalField(**SCORE, null=True, blank=True)
    total = models.DecimalField(**SCORE, null=True, blank=True)
    explanation = models.TextField(blank=True, default="")
    engine = models.CharField(max_length=200, blank=True, default="", help_text="Model that scored; empty for a person")
    evidence_sha256 = models.BinaryField(max_length=32, null=True, blank=True)
    waiting_reason = models.CharField(max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=80, blank=True, default="")
    decided_reason = models.TextField(blank=True, default="")

    class Meta:
        db_table = "final_scores"
        verbose_name, verbose_name_plural = _("score"), _("scores by rank")
        indexes = [
            models.Index(fields=["status"], name="final_score_by_status"),
            models.Index(fields=["admission_cycle", "-total", "anonymized"], name="final_score_by_rank"),
            models.Index(
                fields=["admission_cycle", "anonymized"], condition=Q(status="waiting"), name="final_score_waiting"
            ),
        ]
        constraints = [
            *(within_0_and_100(part, of="final") for part in ("academic", "test", "achievement", "essay", "total")),
            models.CheckConstraint(
                condition=Q(status__in=["scored", "waiting", "set_aside"]), name="final_score_status_is_known"
            ),
            models.CheckConstraint(  # a score has all its parts; whoever waits or is set aside has none
                condition=Q(
                    status="scored",
                    academic__isnull=False,
                    test__isnull=False,
                    achievement__isnull=False,
                    essay__isnull=False,
                    total__isnull=False,
                )
                | ~Q(status="scored") & Q(academic=None, test=None, achievement=None, essay=None, total=None),
                name="final_score_is_whole",
            ),
            models.CheckConstraint(  # when, who and why: all or none
                condition=Q(decided_at=None, decided_by="", decided_reason="")
                | Q(decided_at__isnull=False) & ~Q(decided_by="") & ~Q(decided_reason=""),
                name="final_score_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="set_aside") | Q(decided_at__isnull=False), name="setting_aside_names_who"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.anonymized_id}"
