"""What a blind copy can be marked with in lists. Apps above admissions add theirs; admissions does not know them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet


class Flagged(Protocol):
    """Finds what bears a flag."""

    def __call__(self, among: Collection[UUID] | None = None) -> "QuerySet[Any]":
        """Return the ids of all blind copies with the flag, or of those ``among`` the given ones."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark: its code in addresses, its words (translated lazily), its colour, and how to find what bears it."""

    code: str
    label: Any
    tone: str
    ids: Flagged


_flags: dict[str, Flag] = {}


def add_flag(flag: Flag) -> None:
    """Offer a mark in the lists of blind copies."""
    _flags[flag.code] = flag


def flags() -> list[Flag]:
    """Return all marks that there are."""
    return list(_flags.values())


def flags_of(ids: Collection[UUID]) -> dict[UUID, list[Flag]]:
    """Return which marks these copies bear, with one query for each mark."""
    borne: dict[UUID, list[Flag]] = {}
    for flag in flags() if ids else ():
        for copy in set(flag.ids(among=ids)):
            borne.setdefault(copy, []).append(flag)
    return borne
