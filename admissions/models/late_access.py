"""Late access: staff let one person hand in or change after the closing time, while the cycle is not frozen."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle


class LateAccessQuerySet(models.QuerySet["LateAccess"]):
    """Grants in the words of the domain."""

    def open_at(self, now: datetime) -> "LateAccessQuerySet":
        """Those that neither somebody nor the clock has ended."""
        return self.filter(ended_at=None, until__gt=now)

    def of(self, cycle: "AdmissionCycle", user_id: int) -> "LateAccessQuerySet":
        """Those of one person in one cycle."""
        return self.filter(admission_cycle=cycle, user_id=user_id)


class LateAccess(models.Model):
    """One grant; who has let whom in until when, and why. The reason is not sealed: it must name nobody's troubles."""

    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    until = models.DateTimeField()
    reason = models.CharField(max_length=500)
    granted_by = models.CharField(max_length=80)
    granted_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, help_text="When it first let an application or a change in")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=80, blank=True, default="")

    objects = LateAccessQuerySet.as_manager()

    class Meta:
        db_table = "late_access"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["admission_cycle", "user"], condition=Q(ended_at=None), name="one_late_access_per_person"
            ),
            models.CheckConstraint(condition=Q(until__gt=F("granted_at")), name="late_access_lasts"),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(granted_by=""), name="late_access_says_who_and_why"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | Q(ended_at__isnull=False) & ~Q(ended_by=""),
                name="late_access_ending_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"late access of user:{self.user_id} to cycle {self.admission_cycle_id}"
