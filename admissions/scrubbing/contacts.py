"""Find anybody's e-mail addresses, web addresses and user names."""

import re
from collections.abc import Iterable, Iterator

import re2

from admissions.scrubbing.folding import Passage
from admissions.scrubbing.values import EMAIL, HANDLE, URL, Identity, Span
from admissions.scrubbing.vocabulary import KNOWN_SITES, MAIL_PROVIDERS, PLATFORMS, TOP_LEVEL_DOMAINS

_LOCAL_SIGNS = frozenset("._%+'&~=-")
_DOMAIN = re.compile(r"[^\W_](?:[\w-]{0,61}\w)?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?){1,6}")
_USER = re.compile(r"[^\W](?:[\w.-]{0,62}\w)?")
_LONGEST_LOCAL = 64

_TLD = "|".join(sorted(TOP_LEVEL_DOMAINS))
_SCHEME = r"(?:https?|ftp)://[^\s<>\"\[\]|]+|\bwww\.[^\s<>\"\[\]|]+"
_BARE = rf"\b(?:[a-z0-9-]+\.)*[a-z0-9][a-z0-9-]+\.(?:{_TLD})\b(?::[0-9]+)?(?:[/?#][^\s<>\"\[\]|]*)?"
_PAGE = r"\b[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,12}/[^\s<>\"\[\]|]*"
_WEB = re2.compile(f"{_SCHEME}|{_BARE}|{_PAGE}")
_SPELLED_OUT = re2.compile(
    r"[\pL\pN_][\pL\pN_.+-]*\s*(?:@|\(at\)|\[at\]|\{at\}|\bat\b)\s*[a-z0-9-]+"
    r"(?:\s*(?:\(dot\)|\[dot\]|\{dot\}|\bdot\b|\.)\s*[a-z0-9-]+)*\s*(?:\(dot\)|\[dot\]|\{dot\}|\bdot\b|\.)\s*"
    r"(?:com|org|net|edu|co|io|me|uk|pk|in|de|fr)\b"
)
_SPACED = re2.compile(rf"[a-z0-9_][a-z0-9_.+-]*\s?@\s?{MAIL_PROVIDERS}\.[a-z]{{2,3}}(?:\.[a-z]{{2}})?\b")
_NAMED_USER = re2.compile(
    rf"\b{PLATFORMS}(?:'s)?(?: (?:handle|user ?name|id|account|profile|name|channel|page|tag))?"
    r"\s?(?:is|was|:|=|->|-|as|@|\()\s?@?([a-z0-9_.]*[a-z][a-z0-9_.-]*(?:#[0-9]{4})?)"
)
_AFTER_ADDRESS = ".,;:!?'\")*"


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield EMAIL, URL and HANDLE spans; the identity plays no part."""
    del identity
    folded = passage.folded
    if "@" in folded:
        yield from _around_at_signs(passage)
    if " dot " in folded or "dot)" in folded or "dot]" in folded or "(at)" in folded or "[at]" in folded:
        for match in _SPELLED_OUT.finditer(folded):
            yield _span(passage, match.start(), match.end(), EMAIL)
    if "." in folded:
        yield from _web(passage)
    yield from _named_users(passage)


def _span(passage: Passage, start: int, end: int, kind: str) -> Span:
    return Span(passage.start(start), passage.end(end), kind)


def _around_at_signs(passage: Passage) -> Iterator[Span]:
    """Yield what each "@" belongs to. Looking outward from the sign is cheaper than trying every word."""
    folded = passage.folded
    at = folded.find("@")
    while at >= 0:
        local = _local_before(folded, at)
        domain = _DOMAIN.match(folded, at + 1)
        user = _USER.match(folded, at + 1)
        if local and (domain or (user and _both_have_letters(local, user[0]))):
            end = domain.end() if domain else user.end() if user else at
            yield _span(passage, at - len(local), end, EMAIL)
        elif not local and user and any(character.isalpha() for character in user[0]):
            yield _span(passage, at, user.end(), HANDLE)
        at = folded.find("@", at + 1)
    if "@ " in folded or " @" in folded:
        for match in _SPACED.finditer(folded):
            yield _span(passage, match.start(), match.end(), EMAIL)


def _local_before(folded: str, at: int) -> str:
    """Return the part of an e-mail address that ends before the "@" at `at`, or nothing."""
    start, first = at, max(0, at - _LONGEST_LOCAL)
    while start > first and (folded[start - 1].isalnum() or folded[start - 1] in _LOCAL_SIGNS):
        start -= 1
    local = folded[start:at]
    return local.lstrip(".%+'&~=-") if local[-1:].isalnum() or local[-1:] == "_" else ""


def _both_have_letters(local: str, user: str) -> bool:
    return sum(c.isalpha() for c in local) > 1 and sum(c.isalpha() for c in user) > 1


def _web(passage: Passage) -> Iterator[Span]:
    for match in _WEB.finditer(passage.folded):
        start, end = match.start(), match.end()
        while passage.folded[end - 1] in _AFTER_ADDRESS:
            end -= 1
        if passage.folded[start:end] not in KNOWN_SITES and _is_address(passage, start, end):
            yield _span(passage, start, end, URL)


def _is_address(passage: Passage, start: int, end: int) -> bool:
    """Say whether this is an address and not two sentences without a space: "I won.In June", "and/or"."""
    found = passage.folded[start:end]
    if "://" in found or found.startswith("www."):
        return True
    host = passage.original(start, end).partition("/")[0]
    domain = host.rpartition(".")[2]
    return not (domain[:1].isupper() and not domain.isupper()) and any(c.isalpha() for c in host)


def _named_users(passage: Passage) -> Iterator[Span]:
    """Yield user names that a platform announces ("Instagram: ada_l") and that look like one."""
    for match in _NAMED_USER.finditer(passage.folded):
        start, end = match.span(1)
        while end > start and passage.folded[end - 1] in ".-":
            end -= 1
        user = passage.folded[start:end]
        if len(user) > 3 and any(not character.isalpha() and character != "-" for character in user):
            yield _span(passage, start, end, HANDLE)
