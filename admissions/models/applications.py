"""The person's side: the application's narrow row, and the sealed identity."""

import os
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from admissions.phases import Outcome, Status
from enigma.encryption import DataKey, UnreadableRecord
from enigma.fields import SealedField, is_sealed
from enigma.keys import keyring

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle

# Crockford's base 32: no I, L, O, U, so a reference can be read out over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """Return a random reference of 60 bits, such as ``7K3M-9Q2X-4TBH``; it tells nothing about order or person."""
    number = secrets.randbits(60)
    code = "".join([_ALPHABET[number >> place & 31] for place in range(0, 60, 5)])
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def new_receipt_ref() -> uuid.UUID:
    """Return 128 random bits; their hex names the application in the public log."""
    return uuid.UUID(bytes=os.urandom(16))


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Applications in the words of the domain."""

    def of(self, cycle: "AdmissionCycle") -> "ApplicationQuerySet":
        """Those of one cycle."""
        return self.filter(admission_cycle=cycle)

    def heads(self) -> dict[str, int]:
        """Count by status, only the statuses that occur, in the order of the workflow."""
        counts = dict(self.order_by().values_list("status").annotate(count=models.Count("*")))
        return {status.value: counts[status.value] for status in Status if status.value in counts}

    def move(self, source: Status, target: Status) -> int:
        """Move everybody who stands at ``source`` to ``target``, in one statement; return how many."""
        return self.filter(status=source).update(status=target)

    def unacknowledged_failures(self) -> "ApplicationQuerySet":
        """Applications that could not be read and that no person has set aside yet."""
        return self.filter(status=Status.FAILED, set_aside_at=None)


class Application(models.Model):
    """One submission to one cycle: narrow, as every phase rewrites its status, and free of what names a person."""

    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    applicant = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reference = models.CharField(max_length=14, unique=True, default=new_reference, editable=False)
    receipt_ref = models.UUIDField(unique=True, default=new_receipt_ref, editable=False)
    # NULL and not "", so that the applications without one do not collide.
    external_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    status = models.CharField(max_length=20, default=Status.SUBMITTED, choices=[(s.value, s.value) for s in Status])
    # NULL until selection, as is the rank.
    outcome = models.CharField(  # noqa: DJ001
        max_length=20, null=True, blank=True, choices=[(o.value, o.value) for o in Outcome]
    )
    rank = models.PositiveIntegerField(null=True, blank=True)
    gpa = models.DecimalField(max_digits=7, decimal_places=4)
    test_scores = models.JSONField()
    submitted_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When the applicant last replaced it")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    set_aside_at = models.DateTimeField(null=True, blank=True)
    set_aside_by = models.CharField(max_length=80, blank=True, default="")
    set_aside_reason = models.TextField(blank=True, default="")

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        db_table = "applications"
        verbose_name, verbose_name_plural = _("intake"), _("intake")
        indexes = [
            models.Index(fields=["admission_cycle", "status"], name="application_by_status"),
            models.Index(fields=["admission_cycle", "id"], name="application_by_arrival"),
            models.Index(  # in which order the blind copies are made: a random one, which no log shows
                fields=["admission_cycle", "reference"],
                condition=Q(status="preprocessing"),
                name="application_to_scrub",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]),
                name="application_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome=None) | Q(outcome__in=[outcome.value for outcome in Outcome]),
                name="application_outcome_is_known",
            ),
            models.CheckConstraint(  # selection writes all of it, and nobody else writes any of it
                condition=Q(outcome=None, rank=None) | Q(outcome__isnull=False, rank__isnull=False),
                name="application_outcome_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["selected", "not_selected"])
                | Q(outcome__isnull=False, outcome=models.F("status")),  # a comparison with NULL refuses nothing
                name="application_outcome_matches_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(outcome__isnull=False), name="published_has_outcome"
            ),
            models.CheckConstraint(  # when, who and why: all or none
                condition=Q(set_aside_at=None, set_aside_by="", set_aside_reason="")
                | Q(set_aside_at__isnull=False) & ~Q(set_aside_by="") & ~Q(set_aside_reason=""),
                name="setting_aside_is_whole",
            ),
            models.CheckConstraint(condition=Q(gpa__gte=0), name="application_gpa_is_not_negative"),
            models.UniqueConstraint(fields=["admission_cycle", "applicant"], name="one_application_per_applicant"),
            models.UniqueConstraint(fields=["admission_cycle", "external_id"], name="one_application_per_external_id"),
        ]

    def __str__(self) -> str:
        return self.reference


class IdentityMapping(models.Model):
    """Who stands behind an application, sealed; and the only way from the person to the blind copy.

    The applicant may replace it; after the freeze, or beside a blind copy, the database refuses that.
    ``sealed_identity`` holds name, email, phone, address and the commitment salt; ``sealed_texts`` the essay and the
    achievements as they were sent, which name people too. Dropping ``wrapped_key`` makes all of it unreadable, also
    in copies of the table: erasure drops it, and with it all else but the way to the blind copy.
    """

    # The kinds of sealed value of one record, bound into the tokens.
    IDENTITY = "identity"
    TEXTS = "texts"

    application = models.OneToOneField(Application, models.PROTECT, primary_key=True, related_name="+")
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    anonymized = models.OneToOneField(
        "admissions.AnonymizedApplication", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # All NULL once the person had it erased.
    email_bidx = models.BinaryField(max_length=32, null=True)
    fingerprint = models.BinaryField(max_length=32, null=True)
    wrapped_key = SealedField(null=True)
    key_id = models.CharField(max_length=8, null=True)  # noqa: DJ001
    sealed_identity = SealedField(null=True)
    sealed_texts = SealedField(null=True)
    erased_at = models.DateTimeField(null=True, editable=False)

    # What erasure takes away.
    ERASABLE = ("email_bidx", "fingerprint", "wrapped_key", "key_id", "sealed_identity", "sealed_texts")

    class Meta:
        db_table = "identity_mapping"
        indexes = [models.Index(fields=["key_id"], name="identity_by_master_key")]
        constraints = [
            models.UniqueConstraint(fields=["admission_cycle", "email_bidx"], name="one_application_per_email"),
            is_sealed("wrapped_key", of="identity"),
            is_sealed("sealed_identity", of="identity"),
            is_sealed("sealed_texts", of="identity"),
            models.CheckConstraint(  # there, or erased: never half
                condition=Q(
                    erased_at=None,
                    email_bidx__isnull=False,
                    fingerprint__isnull=False,
                    wrapped_key__isnull=False,
                    key_id__isnull=False,
                    sealed_identity__isnull=False,
                    sealed_texts__isnull=False,
                )
                | Q(
                    erased_at__isnull=False,
                    email_bidx=None,
                    fingerprint=None,
                    wrapped_key__isnull=True,
                    key_id=None,
                    sealed_identity__isnull=True,
                    sealed_texts__isnull=True,
                ),
                name="identity_is_whole_or_erased",
            ),
        ]

    def __str__(self) -> str:
        return f"identity of application {self.pk}"

    def identity(self) -> dict[str, Any]:
        """Open name, email, phone, address and salt; raise UnreadableRecord for a damaged or moved record."""
        return self._key().open(self.sealed_identity, record=str(self.pk), kind=self.IDENTITY)

    def texts(self) -> dict[str, str]:
        """Open essay and achievements as they were sent; raise UnreadableRecord like ``identity``."""
        return self._key().open(self.sealed_texts, record=str(self.pk), kind=self.TEXTS)

    def salt(self) -> bytes:
        """Open the salt of what the public log holds of this application; raise UnreadableRecord like ``identity``."""
        return bytes.fromhex(self.identity()["salt"])

    def _key(self) -> DataKey:
        if self.erased_at is not None:
            raise UnreadableRecord(f"record {self.pk} was erased")
        return keyring().unwrap(self.wrapped_key)
