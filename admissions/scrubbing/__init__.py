"""Take the person out of a text: typed placeholders for what names them, everything else as it was."""

from admissions.scrubbing import (
    contacts,
    introductions,
    own_address,
    own_contacts,
    own_name,
    papers,
    phones,
    placeholders,
)
from admissions.scrubbing.folding import Passage
from admissions.scrubbing.values import Finder, Identity, Scrubbed, Span

__all__ = ["VERSION", "Identity", "Scrubbed", "Span", "scrub"]

VERSION = "1"  # raise it whenever any text could come out differently

FINDERS: tuple[Finder, ...] = (
    own_name.find,
    own_contacts.find,
    own_address.find,
    introductions.find,
    contacts.find,
    phones.find,
    papers.find,
)


def scrub(text: str, identity: Identity | None) -> Scrubbed:
    """Return `text` without its author and without ways to reach anybody; never raises on any string.

    The finders look again at what they left until they find nothing more, so that scrubbing a scrubbed
    text changes nothing. Each round replaces at least one character for good, and two rounds are usual.
    """
    left = text
    spans: list[Span] = []
    while found := _find(left, identity):
        spans = placeholders.combine(spans, found)
        left = placeholders.write(left, found)
    return Scrubbed(left, tuple(spans))


def _find(text: str, identity: Identity | None) -> list[Span]:
    passage = Passage(text)
    return placeholders.settle(text, [span for finder in FINDERS for span in finder(passage, identity)])
