"""The cycle: its rules, sealed at the freeze, and the eight steps that lead it through nine phases."""

import hashlib
import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.actors import Actor
from accounts.roles import STEPS
from admissions import rubrics, selection
from admissions.models import outcomes
from admissions.models.applications import Application
from admissions.models.checks import broken_rules, demand, demand_late
from admissions.models.digests import scrub_facts
from admissions.models.ranking import rank_applications, rank_metrics
from admissions.models.workflow import Facts, moves
from admissions.phases import Phase, Status
from admissions.queue import defer_letters, defer_preprocessing
from admissions.rules import JudgePolicy, default_tests, default_tie_break
from audit.log import commit
from audit.models import LogHead
from audit.verifications import verify_and_keep
from enigma.errors import Refused
from enigma.fields import SealedField, is_sealed
from enigma.keys import keyring


class AdmissionCycle(models.Model):
    """One round of admissions. Its steps are methods, each guarded by the phase; its rules are sealed by ``freeze``."""

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    ref = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="Names the cycle in the public log"
    )
    phase = models.CharField(
        max_length=20,
        default=Phase.SUBMISSION,
        editable=False,
        choices=[(phase.value, phase.value) for phase in Phase],
    )
    phase_since = models.DateTimeField(default=timezone.now, editable=False)
    seats = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    results_at = models.DateTimeField(null=True, blank=True)
    rubric_version = models.CharField(max_length=20, default=rubrics.DEFAULT)
    weight_academic = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal("0.30"))
    weight_test = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal("0.25"))
    weight_achievement = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal("0.25"))
    weight_essay = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal("0.20"))
    tests = models.JSONField(default=default_tests, help_text='{"SAT": [400, 1600]}: test and its range')
    gpa_scale = models.DecimalField(max_digits=7, decimal_places=4, default=Decimal("4.0"))
    essay_max = models.PositiveIntegerField(default=20_000, help_text="Longest essay, in characters")
    achievements_max = models.PositiveIntegerField(default=10_000, help_text="Longest list, in characters")
    judge_policy = models.CharField(
        max_length=10, default=JudgePolicy.EVERY, choices=[(p.value, p.value) for p in JudgePolicy]
    )
    attempts_allowed = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1)])
    tie_break = models.JSONField(default=default_tie_break)
    is_demo = models.BooleanField(default=False, help_text="May be published on rehearsed answers")
    tie_secret_sha256 = models.BinaryField(max_length=32, editable=False)
    tie_seed = models.BinaryField(max_length=32, null=True, editable=False)
    log_salt = models.BinaryField(max_length=32, editable=False)
    wrapped_key = SealedField(editable=False)
    key_id = models.CharField(max_length=8, editable=False)
    sealed_tie_secret = SealedField(editable=False)

    # What changes after the freeze: the steps' own columns, and the wrapping of the key on rotation.
    changed_by_steps = ("phase", "phase_since", "tie_seed")
    changed_by_rotation = ("wrapped_key", "key_id")
    # Who takes the running step; set by the step's decorator.
    actor: Actor

    class Meta:
        db_table = "admission_cycles"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(phase__in=[p.value for p in Phase]), name="cycle_phase_is_known"),
            models.CheckConstraint(condition=Q(seats__gte=1), name="cycle_has_seats"),
            models.CheckConstraint(condition=Q(attempts_allowed__gte=1), name="cycle_allows_an_attempt"),
            models.CheckConstraint(condition=Q(gpa_scale__gt=0), name="cycle_gpa_scale_is_positive"),
            models.CheckConstraint(
                condition=Q(judge_policy__in=[p.value for p in JudgePolicy]),
                name="cycle_judge_policy_is_known",
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(closes_at__gt=F("opens_at")),
                name="cycle_closes_after_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(
                    weight_academic=1 - F("weight_test") - F("weight_achievement") - F("weight_essay"),
                    weight_academic__gte=0,
                    weight_test__gte=0,
                    weight_achievement__gte=0,
                    weight_essay__gte=0,
                ),
                name="cycle_weights_sum_to_one",
            ),
            models.CheckConstraint(  # the seed is drawn by the freeze, not before and not later
                condition=Q(phase="submission", tie_seed=None) | ~Q(phase="submission") & Q(tie_seed__isnull=False),
                name="cycle_seed_comes_with_the_freeze",
            ),
            is_sealed("wrapped_key", of="cycle"),
            is_sealed("sealed_tie_secret", of="cycle"),
        ]

    def __str__(self) -> str:
        return self.code

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Check the rules, and refuse to change them once sealed; a new cycle draws its key and its secret."""
        if self._state.adding:
            self._draw_secrets()
        fields = set(kwargs.get("update_fields") or ())
        if not fields or not fields <= self._free():
            self._refuse_broken_seal()
            self._refuse_bad_rules()
        super().save(*args, **kwargs)

    @property
    def weights(self) -> dict[str, Decimal]:
        """Weight by score part; they sum to 1."""
        return {part: getattr(self, f"weight_{part}") for part in selection.PARTS}

    def rules(self) -> dict[str, Any]:
        """All that is sealed at the freeze and may be published, as JSON values; decimals as strings."""
        return {
            "achievements_max": self.achievements_max,
            "attempts_allowed": self.attempts_allowed,
            "closes_at": _rfc3339(self.closes_at),
            "essay_max": self.essay_max,
            "gpa_scale": format(self.gpa_scale.normalize(), "f"),
            "is_demo": self.is_demo,
            "judge_policy": str(self.judge_policy),
            "opens_at": _rfc3339(self.opens_at),
            "results_at": _rfc3339(self.results_at),
            "rubric_sha256": rubrics.rubric(self.rubric_version).sha256,
            "rubric_version": self.rubric_version,
            "seats": self.seats,
            "tests": {name: [str(end) for end in ends] for name, ends in sorted(self.tests.items())},
            "tie_break": list(self.tie_break),
            "weights": {part: f"{weight:.4f}" for part, weight in self.weights.items()},
        }

    def _refuse_bad_rules(self) -> None:
        if fault := broken_rules(self):
            raise Refused(fault)

    def _refuse_broken_seal(self) -> None:
        stored = type(self).objects.filter(pk=self.pk).exclude(phase=Phase.SUBMISSION).values().first() or {}
        changed = [name for name in stored.keys() - self._free() if getattr(self, name) != stored[name]]
        if changed:
            raise Refused(f"{self.code} is sealed since the freeze: {', '.join(sorted(changed))} cannot change.")

    @classmethod
    def _free(cls) -> set[str]:
        return {*cls.changed_by_steps, *cls.changed_by_rotation}

    def _draw_secrets(self) -> None:
        key, wrapped = keyring().new_key()
        secret = os.urandom(32)
        self.wrapped_key, self.key_id = wrapped.token, wrapped.key_id  # type: ignore[assignment]
        self.sealed_tie_secret = key.seal({"secret": secret.hex()}, record=self.ref.hex, kind="tie")  # type: ignore[assignment]
        self.tie_secret_sha256 = hashlib.sha256(secret).digest()
        self.log_salt = os.urandom(32)

    def tie_secret(self) -> bytes:
        """Open the secret that was committed when the cycle was made."""
        key = keyring().unwrap(self.wrapped_key)
        return bytes.fromhex(key.open(self.sealed_tie_secret, record=self.ref.hex, kind="tie")["secret"])

    def commit(self, kind: str, **fields: Any) -> None:
        """Commit a milestone of this cycle to the public log."""
        commit(kind, cycle_ref=self.ref.hex, subject_ref=self.ref.hex, salt=bytes(self.log_salt), fields=fields)

    @moves(Phase.SUBMISSION, Phase.FROZEN)
    def freeze(self) -> Facts:
        """Close intake, seal the rules and draw the seed of the tie-break."""
        demand("freeze", self)
        demand_late("freeze", self)
        moved = Application.objects.of(self).move(Status.SUBMITTED, Status.FINALIZED)
        head = LogHead.objects.first()
        log_head = bytes(head.chain_hash) if head else bytes(32)
        self.tie_seed = selection.seed(self.tie_secret(), log_head=log_head)
        facts = {
            "applications": moved,
            "log_head": log_head.hex(),
            "tie_secret_sha256": bytes(self.tie_secret_sha256).hex(),
        }
        self.commit("freeze", rules=self.rules(), **facts)
        return facts

    @moves(Phase.FROZEN, Phase.PREPROCESSING)
    def start_preprocessing(self) -> Facts:
        """Hand every application to the jobs that scrub and measure."""
        moved = Application.objects.of(self).move(Status.FINALIZED, Status.PREPROCESSING)
        return {"applications": moved, "jobs": defer_preprocessing(self, moved)}

    @moves(Phase.PREPROCESSING, Phase.BATCH_PREP)
    def start_batch_prep(self) -> Facts:
        """Rank the metrics and commit a digest of the blind copies, once every application has its own."""
        demand("start_batch_prep", self)
        ranked, facts = rank_metrics(self), scrub_facts(self)
        demand_late("start_batch_prep", self, facts)
        self.commit("scrub", **facts)
        return {**facts, "ranked": ranked}

    @moves(Phase.BATCH_PREP, Phase.PROCESSING)
    def start_processing(self) -> Facts:
        """Start the evaluation, once every blind copy is in an export."""
        demand("start_processing", self)
        return {"applications": Application.objects.of(self).move(Status.BATCH_READY, Status.PROCESSING)}

    @moves(Phase.PROCESSING, Phase.SCORED)
    def mark_scored(self) -> Facts:
        """Accept the scores and commit a digest of them, once every blind copy has one or was set aside."""
        demand("mark_scored", self)
        facts = outcomes.close_scoring(self)
        self.commit("score", **facts)
        return facts

    @moves(Phase.SCORED, Phase.SELECTION)
    def perform_selection(self) -> Facts:
        """Give the seats to the best, and log criteria, cut-off, counts and a digest of the ranked input."""
        demand("perform_selection", self)
        demand_late("perform_selection", self)
        by = {"actor_type": self.actor.kind, "actor_id": self.actor.id}
        logged = SelectionLog.objects.create(admission_cycle=self, **by, **rank_applications(self)).facts()
        self.commit("selection", **logged)
        return logged

    @moves(Phase.SELECTION, Phase.PUBLISHED)
    def publish_results(self) -> Facts:
        """Lift the embargo: commit every decision to the public log and queue a letter to everybody."""
        demand("publish_results", self)
        demand_late("publish_results", self)
        facts = outcomes.publish(self)
        self.commit("publish", **facts)
        defer_letters(self)
        return facts

    @moves(Phase.PUBLISHED, Phase.COMPLETED)
    def complete(self) -> Facts:
        """Close the cycle, if the audit log still tells one unbroken story."""
        demand("complete", self)
        verdict = verify_and_keep(self.actor.id)
        demand_late("complete", self, verdict)
        self.commit("complete", entries=verdict.public_size)
        return {"public_entries": verdict.public_size, "audit_entries": verdict.audit_size}

    def selection(self) -> "SelectionLog":
        """Return the run of selection that gave the outcomes."""
        return SelectionLog.objects.get(admission_cycle=self)

    def selection_or_none(self) -> "SelectionLog | None":
        """Return the run of selection, or None where there is none: not yet, or not any more."""
        return SelectionLog.objects.filter(admission_cycle=self).first()

    def next_step(self) -> str | None:
        """Name the step that leads on from here, or None at the end."""
        return next((name for name in STEPS if getattr(type(self), name).source == self.phase), None)


class SelectionLog(models.Model):
    """One run of selection: enough to recompute it from the published ranking."""

    admission_cycle = models.ForeignKey(AdmissionCycle, models.PROTECT, related_name="+")
    criteria = models.JSONField()
    cutoff = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    selected = models.PositiveIntegerField()
    not_selected = models.PositiveIntegerField()
    excluded = models.PositiveIntegerField(help_text="Set aside or withdrawn")
    tied_at_cutoff = models.PositiveIntegerField(help_text="How many hold the cut-off score")
    tied_and_selected = models.PositiveIntegerField()
    ranking_sha256 = models.CharField(max_length=64)
    actor_type = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "selection_logs"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["admission_cycle"], name="one_selection_per_cycle"),
            models.CheckConstraint(
                condition=Q(tied_and_selected__lte=F("tied_at_cutoff")), name="selection_ties_are_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"selection of {self.admission_cycle_id}: {self.selected} selected"

    def facts(self) -> Facts:
        """What the «selection» leaf holds, as JSON values: all but who ran it and when."""
        return {
            "criteria": self.criteria,
            "cutoff": f"{self.cutoff:.4f}" if self.cutoff is not None else None,
            "selected": self.selected,
            "not_selected": self.not_selected,
            "excluded": self.excluded,
            "tied_at_cutoff": self.tied_at_cutoff,
            "tied_and_selected": self.tied_and_selected,
            "ranking_sha256": self.ranking_sha256,
        }


def _rfc3339(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
