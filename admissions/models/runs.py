"""Steps that run as a job: who asked for which, how far it is, and what came of it."""

import uuid
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.roles import STEPS


class StepRunQuerySet(models.QuerySet["StepRun"]):
    """Runs in the words of the domain."""

    def unfinished(self) -> "StepRunQuerySet":
        """Those that wait or run."""
        return self.filter(state__in=StepRun.UNFINISHED)


class StepRun(models.Model):
    """One step of a cycle as a job; it is finished in the transaction of the step itself, so no kill parts the two."""

    class State(StrEnum):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)

    run_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+")
    step = models.CharField(max_length=30, choices=[(step, step) for step in STEPS])
    dry_run = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True, default="")
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=80)
    session_id = models.CharField(max_length=80, blank=True, default="")
    state = models.CharField(
        max_length=10, choices=[(state.value, state.value) for state in State], default=State.QUEUED
    )
    detail = models.TextField(blank=True, default="", help_text="Why it was refused, or what kind of fault it met")
    facts = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = StepRunQuerySet.as_manager()

    class Meta:
        db_table = "step_runs"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(step__in=STEPS), name="step_run_step_is_known"),
            models.CheckConstraint(  # which also says what states there are
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(state__in=["done", "refused", "failed"], finished_at__isnull=False),
                name="step_run_ends_when_finished",
            ),
            models.CheckConstraint(  # facts are what a step that was taken has to tell
                condition=Q(state="done", facts__isnull=False) | ~Q(state="done") & Q(facts__isnull=True),
                name="step_run_facts_come_with_done",
            ),
            models.UniqueConstraint(
                fields=["admission_cycle"],
                condition=Q(state__in=["queued", "running"]),
                name="one_unfinished_run_per_cycle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.admission_cycle_id}: {self.state}"

    def to(self, state: str, **fields: Any) -> None:
        """Move on to a state, and note the time of it."""
        time = "started_at" if state == self.State.RUNNING else "finished_at"
        for name, value in {"state": state, time: timezone.now(), **fields}.items():
            setattr(self, name, value)
        self.save(update_fields=["state", time, *fields])
