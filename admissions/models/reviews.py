"""Requests of applicants that a person look at their result again, and the answers; sealed, as both name people."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from admissions.models.applications import Application
from enigma.encryption import DataKey, UnreadableRecord, WrappedKey
from enigma.fields import SealedField, is_sealed
from enigma.keys import keyring


class ReviewRequest(models.Model):
    """One request of one applicant, and what a person answered. It changes nothing of the application or its outcome.

    It has a data key of its own: somebody whose record does not open can still ask, and erasure drops this key too.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        ANSWERED = "answered"

    class Decision(models.TextChoices):
        """What the person who looked at it came to."""

        UPHELD = "upheld", "the result stands"
        TO_CORRECT = "to_correct", "the office will correct it"

    # The kinds of sealed value of one record, bound into the tokens.
    REQUEST = "review request"
    ANSWER = "review answer"

    application = models.OneToOneField(Application, models.PROTECT, primary_key=True, related_name="+")
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, default=State.ASKED, choices=State.choices)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    # All NULL once the person had it erased.
    wrapped_key = SealedField(null=True, editable=False)
    key_id = models.CharField(max_length=8, null=True, editable=False)  # noqa: DJ001
    sealed_request = SealedField(null=True, editable=False)
    sealed_answer = SealedField(null=True, editable=False)
    decision = models.CharField(max_length=10, blank=True, default="", choices=Decision.choices)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=80, blank=True, default="")

    # What erasure takes away.
    ERASABLE = ("wrapped_key", "key_id", "sealed_request", "sealed_answer")

    class Meta:
        db_table = "review_requests"
        indexes = [models.Index(fields=["state", "asked_at"], name="review_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=["", "upheld", "to_correct"]), name="review_decision_is_known"
            ),
            models.CheckConstraint(  # what, when and who: all or none
                condition=Q(state="asked", decision="", answered_at=None, answered_by="", sealed_answer__isnull=True)
                | Q(state="answered", answered_at__isnull=False) & ~Q(decision="") & ~Q(answered_by=""),
                name="review_answer_is_whole",
            ),
            models.CheckConstraint(  # there, or erased: never half
                condition=Q(wrapped_key__isnull=False, key_id__isnull=False, sealed_request__isnull=False)
                & (Q(state="asked") | Q(sealed_answer__isnull=False))
                | Q(
                    wrapped_key__isnull=True,
                    key_id=None,
                    sealed_request__isnull=True,
                    sealed_answer__isnull=True,
                ),
                name="review_is_whole_or_erased",
            ),
            is_sealed("wrapped_key", of="review"),
            is_sealed("sealed_request", of="review"),
            is_sealed("sealed_answer", of="review"),
        ]

    def __str__(self) -> str:
        return f"review of application {self.application_id}: {self.state}"

    @classmethod
    def asked(cls, application: Application, text: str) -> "ReviewRequest":
        """Make, without storing it, the request of an application, its text sealed under a new key."""
        key, wrapped = keyring().new_key()
        made = cls(application=application, admission_cycle=application.admission_cycle)
        made._wrap(wrapped)
        made.sealed_request = key.seal({"text": text}, record=str(application.pk), kind=cls.REQUEST)  # type: ignore[assignment]
        return made

    def answer_with(self, text: str, decision: str, *, by: str) -> None:
        """Put the answer in; the caller stores it."""
        self.sealed_answer = self._key().seal({"text": text}, record=str(self.pk), kind=self.ANSWER)  # type: ignore[assignment]
        self.state, self.decision = self.State.ANSWERED, decision
        self.answered_at, self.answered_by = timezone.now(), by

    @property
    def is_erased(self) -> bool:
        """Whether the person had the texts erased."""
        return self.wrapped_key is None

    def text(self) -> str:
        """Open what was asked; raise UnreadableRecord when it was erased or damaged."""
        return self._open(self.sealed_request, self.REQUEST)

    def answer(self) -> str:
        """Open what was answered; raise UnreadableRecord when there is no answer, or it was erased or damaged."""
        return self._open(self.sealed_answer, self.ANSWER)

    def _open(self, token: Any, kind: str) -> str:
        if token is None:
            raise UnreadableRecord(f"there is no {kind} of record {self.pk}")
        text: str = self._key().open(token, record=str(self.pk), kind=kind)["text"]
        return text

    def _key(self) -> DataKey:
        if self.is_erased:
            raise UnreadableRecord(f"the review of record {self.pk} was erased")
        return keyring().unwrap(self.wrapped_key)

    def _wrap(self, wrapped: WrappedKey) -> None:
        self.wrapped_key, self.key_id = wrapped.token, wrapped.key_id  # type: ignore[assignment]
