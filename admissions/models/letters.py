"""Letters to people and the texts that staff wrote for them; a letter holds neither an address nor a name."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from admissions.letter_texts import LANGUAGES, VARIANTS


class LetterQuerySet(models.QuerySet["Letter"]):
    """Letters in the words of the domain."""

    def due(self) -> "LetterQuerySet":
        """Those that are to be sent now."""
        return self.filter(state=Letter.State.QUEUED, due_at__lte=Now())

    def outcomes(self) -> "LetterQuerySet":
        """Those that a publication queues, for everybody at once."""
        return self.filter(kind=Letter.Kind.OUTCOME)

    def singles(self) -> "LetterQuerySet":
        """Those that somebody waits for: each was queued by a deed about one person."""
        return self.exclude(kind=Letter.Kind.OUTCOME)


class Letter(models.Model):
    """One e-mail to one person: about their application, or to a user who has none yet."""

    # The fault of what was still to go to somebody who then had their data erased.
    ERASED = "erased"

    class Kind(models.TextChoices):
        SUBMITTED = "submitted"
        CHANGED = "changed"
        WITHDRAWN = "withdrawn"
        OUTCOME = "outcome"
        REVIEW_ANSWERED = "review_answered"
        LATE_ACCESS = "late_access"

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"
        BOUNCED = "bounced"

    application = models.ForeignKey(
        "admissions.Application", models.PROTECT, null=True, related_name="+", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", db_index=False)
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    sequence = models.PositiveSmallIntegerField(default=1, help_text="Which letter of this kind to this person it is")
    language = models.CharField(max_length=10, choices=[(one, one) for one in LANGUAGES])
    until = models.DateTimeField(null=True, help_text="The time that the letter is about: when late access ends")
    # Names the letter in its Message-ID, by which a bounce finds back to it; random, so that it leads nowhere else.
    mail_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, default=State.QUEUED, choices=State.choices)
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=80, blank=True, default="")
    bounce = models.CharField(max_length=12, blank=True, default="", help_text="Status code of RFC 3463, such as 5.1.1")
    queued_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        db_table = "letters"
        indexes = [
            models.Index(fields=["admission_cycle", "state"], name="letter_of_cycle_by_state"),
            models.Index(  # those of other cycles must not stand in the way of a single letter, nor the other way round
                fields=["id"], condition=Q(state="queued") & ~Q(kind="outcome"), name="single_letter_to_send"
            ),
            models.Index(
                fields=["admission_cycle", "id"],
                condition=Q(state="queued", kind="outcome"),
                name="outcome_letter_to_send",
            ),
            models.Index(fields=["id"], condition=Q(state__in=["failed", "bounced"]), name="letter_not_arrived"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["submitted", "changed", "withdrawn", "outcome", "review_answered", "late_access"]
                ),
                name="letter_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sent", "failed", "bounced"]), name="letter_state_is_known"
            ),
            models.CheckConstraint(condition=Q(language__in=LANGUAGES), name="letter_language_is_known"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="letter_sequence_is_positive"),
            models.CheckConstraint(  # an application or a user, and a user only where there may be no application yet
                condition=Q(application__isnull=False, user=None) & ~Q(kind="late_access")
                | Q(application=None, user__isnull=False, kind="late_access"),
                name="letter_has_one_reader",
            ),
            models.CheckConstraint(
                condition=Q(kind="late_access", until__isnull=False) | ~Q(kind="late_access") & Q(until=None),
                name="letter_until_is_for_late_access",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "bounced"], sent_at__isnull=False)
                | ~Q(state__in=["sent", "bounced"]) & Q(sent_at=None),
                name="letter_sending_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(state="bounced") & ~Q(bounce="") | ~Q(state="bounced") & Q(bounce=""),
                name="letter_bounce_has_its_code",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(fault=""), name="letter_failure_has_its_fault"),
            models.UniqueConstraint(fields=["application", "kind", "sequence"], name="one_letter_per_deed"),
            models.UniqueConstraint(
                fields=["user", "admission_cycle", "kind", "sequence"], name="one_letter_per_grant"
            ),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk} ({self.kind}): {self.state}"


class LetterTemplate(models.Model):
    """One version of a text that staff wrote in place of ours, for one cycle or for all; empty means ours again.

    Versions are never changed or deleted: the newest one counts, and who looks back finds what was sent then.
    """

    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, null=True, related_name="+")
    variant = models.CharField(max_length=20, choices=[(one, one) for one in VARIANTS])
    language = models.CharField(max_length=10, choices=[(one, one) for one in LANGUAGES])
    version = models.PositiveIntegerField()
    subject = models.CharField(max_length=150, blank=True)
    body = models.TextField(blank=True)
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "letter_templates"
        constraints = [
            models.CheckConstraint(condition=Q(variant__in=VARIANTS), name="letter_template_variant_is_known"),
            models.CheckConstraint(condition=Q(language__in=LANGUAGES), name="letter_template_language_is_known"),
            models.CheckConstraint(condition=Q(version__gte=1), name="letter_template_version_is_positive"),
            models.CheckConstraint(
                condition=Q(subject="", body="") | ~Q(subject="") & ~Q(body=""), name="letter_template_is_whole"
            ),
            models.CheckConstraint(condition=~Q(subject__regex=r"[\r\n]"), name="letter_template_subject_is_one_line"),
            models.UniqueConstraint(
                fields=["admission_cycle", "variant", "language", "version"],
                nulls_distinct=False,
                name="one_letter_template_per_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variant} in {self.language}, version {self.version}"

    @classmethod
    def newest(cls, variant: str, language: str, cycle_id: int | None) -> list["LetterTemplate"]:
        """Return the newest version for a cycle, where there is one, and then that for all cycles."""
        mine = cls.objects.filter(Q(admission_cycle=cycle_id) | Q(admission_cycle=None))
        order = F("admission_cycle").asc(nulls_last=True)
        rows = mine.filter(variant=variant, language=language).order_by(order, "-version")
        return list(rows.distinct("admission_cycle"))
