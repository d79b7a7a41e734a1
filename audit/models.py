"""The tables of both logs and of their verifications. Rows are text without foreign keys, so they outlive all else."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Concat, Length, Now
from django.db.models.lookups import Exact, IsNull, Regex
from django.utils.translation import gettext_lazy as _

from audit.chain import ANCHOR, KINDS

# One expression without counted repeats: PostgreSQL needs a quarter of the time of three `{32}`.
_PUBLIC_ROW = (
    Q(Exact(Length("cycle_ref"), 32))
    & Q(Exact(Length("subject_ref"), 32))
    & Q(Exact(Length("commitment"), 64))
    & Q(Regex(Concat("cycle_ref", "subject_ref", "commitment"), "^[0-9a-f]*$"))
)


class Log(models.TextChoices):
    """The two logs an outbox row can be meant for."""

    PUBLIC = "public"
    AUDIT = "audit"


class LogOutbox(models.Model):
    """What a deed wants logged, committed with the deed itself; the sequencer takes it from here."""

    outbox_id = models.BigAutoField(primary_key=True)
    log = models.TextField(choices=Log)
    kind = models.TextField()
    cycle_ref = models.TextField(default="", db_default="")
    subject_ref = models.TextField(default="", db_default="")
    commitment = models.TextField(default="", db_default="")
    body = models.TextField(
        default="", db_default="", help_text="EJ1 of an internal entry, but for its number and time"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "log_outbox"
        verbose_name = _("waiting log entry")
        verbose_name_plural = _("waiting log entries")
        constraints = [
            # A row that the sequencer could not take would hold up everything behind it.
            models.CheckConstraint(
                condition=Q(_PUBLIC_ROW, log=Log.PUBLIC, kind__in=sorted(KINDS - {ANCHOR}), body="")
                | Q(log=Log.AUDIT, cycle_ref="", subject_ref="", commitment="", body__startswith="{"),
                name="outbox_row_is_whole",
            )
        ]

    def __str__(self) -> str:
        return f"{self.log} {self.kind} ({self.outbox_id})"


class HashChain(models.Model):
    """One entry of the public log: a salted commitment without personal data, publishable byte for byte."""

    chain_id = models.BigIntegerField(primary_key=True, help_text="position from 0, without gaps")
    decision_type = models.TextField(help_text="copy of the leaf's kind")
    subject_ref = models.TextField(help_text="copy of the leaf's ref")
    timestamp = models.DateTimeField(help_text="copy of the leaf's ts")
    data_json = models.TextField(help_text="the exact bytes of the leaf")
    leaf_hash = models.BinaryField(max_length=32)
    previous_hash = models.BinaryField(max_length=32)
    data_hash = models.BinaryField(max_length=32, help_text="chain value after this entry")

    class Meta:
        db_table = "hash_chain"
        verbose_name = _("public log entry")
        verbose_name_plural = _("public log entries")
        ordering = ["chain_id"]
        indexes = [models.Index(fields=["subject_ref"], name="hash_chain_subject_ref")]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.decision_type}"


class AuditLog(models.Model):
    """One entry of the internal log: who did what to what. All columns before `body` are copies of it."""

    log_id = models.BigIntegerField(primary_key=True, help_text="position from 0, without gaps")
    timestamp = models.DateTimeField()
    actor_type = models.TextField()
    actor_id = models.TextField()
    role = models.TextField()
    session_id = models.TextField()
    action = models.TextField()
    entity_type = models.TextField()
    entity_id = models.TextField()
    outcome = models.TextField()
    request_id = models.TextField()
    details = models.JSONField()
    body = models.TextField(help_text="the exact EJ1 bytes of the entry")
    previous_hash = models.BinaryField(max_length=32)
    current_hash = models.BinaryField(max_length=32, help_text="chain value after this entry")

    class Meta:
        db_table = "audit_logs"
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log entries")
        ordering = ["log_id"]
        indexes = [
            # Each ends with the position, in the order of which the log is read, and read on.
            models.Index(fields=["timestamp", "log_id"], name="audit_logs_by_time"),
            models.Index(fields=["entity_type", "entity_id", "log_id"], name="audit_logs_by_entity"),
            models.Index(fields=["action", "log_id"], name="audit_logs_by_action"),
            models.Index(fields=["actor_id", "log_id"], name="audit_logs_by_actor"),
            models.Index(fields=["outcome", "log_id"], condition=~Q(outcome="ok"), name="audit_logs_not_ok"),
        ]

    def __str__(self) -> str:
        return f"{self.log_id} {self.action}"


class LogHead(models.Model):
    """The one row that says which log this is and how far both chains have come; it may only grow."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    origin = models.TextField(help_text="name of the log, hashed into its first entry")
    size = models.BigIntegerField()
    chain_hash = models.BinaryField(max_length=32)
    audit_size = models.BigIntegerField()
    audit_hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "log_head"
        verbose_name = _("log head")
        verbose_name_plural = _("log head")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="log_head_is_one_row")]

    def __str__(self) -> str:
        return f"{self.origin}: {self.size} public, {self.audit_size} internal entries"


# What a verification has found once it is done; "head" is where a log ended then, to be compared with what was kept.
_FOUND = ("origin", "public_size", "public_head", "audit_size", "audit_head", "pending", "checked", "ok")


class Verification(models.Model):
    """One verification of both logs, and what it found; a finished one stays as it is."""

    class State(models.TextChoices):
        """How far it has come; a failed one ended without saying anything about the logs."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    verification_id = models.BigAutoField(primary_key=True)
    state = models.TextField(choices=State)
    asked_by = models.TextField(help_text="id of the actor, a code")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    ok = models.BooleanField(null=True)
    fault = models.TextField(default="", help_text="the first lie; empty where there is none")
    origin = models.TextField(null=True)  # noqa: DJ001  nothing is known before the end, and that is not ""
    public_size = models.BigIntegerField(null=True)
    public_head = models.TextField(null=True)  # noqa: DJ001
    audit_size = models.BigIntegerField(null=True)
    audit_head = models.TextField(null=True)  # noqa: DJ001
    pending = models.BigIntegerField(null=True, help_text="committed, but not yet in a log")
    checked = models.BigIntegerField(null=True, help_text="entries of both logs up to the first that lies")

    class Meta:
        db_table = "verifications"
        ordering = ["verification_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="queued", started_at=None, finished_at=None)
                | Q(state="running", started_at__isnull=False, finished_at=None)
                | Q(state="failed", finished_at__isnull=False)
                | Q(state="done", started_at__isnull=False, finished_at__isnull=False),
                name="verification_times_fit_its_state",
            ),
            models.CheckConstraint(
                condition=Q(state="done", **{f"{name}__isnull": False for name in _FOUND})
                | ~Q(state="done") & Q(fault="", **dict.fromkeys(_FOUND)),
                name="verification_says_all_or_nothing",
            ),
            models.CheckConstraint(
                condition=Q(ok=None) | Q(ok=True, fault="") | Q(ok=False) & ~Q(fault=""),
                name="verification_names_its_fault",
            ),
            # Whoever asks while one is under way is shown that one.
            models.UniqueConstraint(
                IsNull(F("finished_at"), True), condition=Q(finished_at=None), name="one_verification_under_way"
            ),
        ]
        indexes = [models.Index(fields=["-finished_at"], condition=Q(state="done"), name="verifications_done")]

    def __str__(self) -> str:
        return f"verification {self.verification_id}: {self.state}"
