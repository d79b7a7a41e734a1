"""A column for sealed values: it takes only tokens, and refuses to be searched."""

from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import RawSQL

TOKEN_START = "gAAAAA"  # noqa: S105  base64 of the Fernet version byte 0x80 and of the high bytes of its 64-bit time


class SealedField(models.TextField):
    """Text that is a Fernet token; equality, ordering or containment on ciphertext mean nothing, so lookups raise."""

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow only the question whether there is a value."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be searched with {lookup_name!r}")
        return super().get_lookup(lookup_name)

    def get_prep_value(self, value: Any) -> Any:
        """Refuse to write anything that is not a token: plain text must never reach this column."""
        if value is not None and not str(value).startswith(TOKEN_START):
            raise ValueError(f"{self.name} takes a sealed token, not plain text")
        return super().get_prep_value(value)


def is_sealed(field: str, *, of: str) -> models.CheckConstraint:
    """The same rule for the database: a constraint that ``field`` holds a token."""
    return models.CheckConstraint(
        # In SQL, since a lookup on the field itself raises; both parts are names of our own.
        condition=RawSQL(f"left({field}, {len(TOKEN_START)}) = '{TOKEN_START}'", (), models.BooleanField()),  # noqa: S611
        name=f"{of}_{field}_is_sealed",
    )
