"""What goes into the scrubber and what comes out of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from admissions.scrubbing.folding import Passage

NAME, EMAIL, PHONE, ADDRESS = "NAME", "EMAIL", "PHONE", "ADDRESS"
URL, HANDLE, ID, DOB = "URL", "HANDLE", "ID", "DOB"
# Of two spans of one length the type that is earlier here wins.
TYPES = (EMAIL, URL, HANDLE, ADDRESS, PHONE, ID, DOB, NAME)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the applicant told us about themselves; a field that is not known is None."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the original text, `start` to `end` (not included) in code points, and what it is."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The text with placeholders, and the spans of the original they stand for: sorted, none overlapping."""

    text: str
    spans: tuple[Span, ...]


Finder = Callable[[Passage, Identity | None], Iterable[Span]]
