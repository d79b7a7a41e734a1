"""An application that is being written: sealed like an identity, and gone once it is handed in or the cycle frozen."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from admissions.models.applications import Application
from enigma.encryption import DataKey
from enigma.fields import SealedField, is_sealed
from enigma.keys import keyring

if TYPE_CHECKING:
    from admissions.models.cycles import AdmissionCycle


class ApplicationDraft(models.Model):
    """What one person has typed for one cycle, as it was typed.

    ``edits`` says of each section that was saved which version it is in, when, by which tab and how (``auto`` while
    typing, ``full`` by a button): so two open tabs never overwrite each other unseen.
    """

    VALUES = "draft"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    admission_cycle = models.ForeignKey("admissions.AdmissionCycle", models.PROTECT, related_name="+", db_index=False)
    # Of a change: the application that it is to replace.
    application = models.ForeignKey(Application, models.CASCADE, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=0, help_text="Counted up by every save of any section")
    edits = models.JSONField(default=dict)
    wrapped_key = SealedField()
    key_id = models.CharField(max_length=8)
    sealed_values = SealedField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "application_drafts"
        indexes = [models.Index(fields=["key_id"], name="draft_by_master_key")]
        constraints = [
            models.UniqueConstraint(fields=["admission_cycle", "user"], name="one_draft_per_person"),
            is_sealed("wrapped_key", of="draft"),
            is_sealed("sealed_values", of="draft"),
        ]

    def __str__(self) -> str:
        return f"draft of user:{self.user_id} in cycle {self.admission_cycle_id}"

    @classmethod
    def begun(cls, cycle: "AdmissionCycle", user_id: int, values: dict[str, str], **more: Any) -> "ApplicationDraft":
        """Return a draft with a key of its own; it is not stored yet."""
        key, wrapped = keyring().new_key()
        draft = cls(admission_cycle=cycle, user_id=user_id, wrapped_key=wrapped.token, key_id=wrapped.key_id, **more)
        draft.sealed_values = draft._sealed(key, values)  # type: ignore[assignment]
        return draft

    def values(self) -> dict[str, str]:
        """Open what was typed, by box; raise UnreadableRecord for a damaged or moved record."""
        return keyring().unwrap(self.wrapped_key).open(self.sealed_values, record=self._record(), kind=self.VALUES)

    def seal(self, values: dict[str, str]) -> None:
        """Put other values in, under the same key."""
        self.sealed_values = self._sealed(keyring().unwrap(self.wrapped_key), values)  # type: ignore[assignment]

    def _sealed(self, key: DataKey, values: dict[str, str]) -> str:
        return key.seal(values, record=self._record(), kind=self.VALUES)

    def _record(self) -> str:
        # Whose it is and for what, so that a row that was moved to somebody else does not open.
        return f"{self.user_id}/{self.admission_cycle_id}"
