"""Find the applicant's own name: any part, order and case, with initials, respelled, in user names."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from admissions.scrubbing.folding import Passage
from admissions.scrubbing.name_edges import widened
from admissions.scrubbing.name_parts import NameParts, Part, parts_of
from admissions.scrubbing.occurrences import (
    Case,
    case,
    letters_around,
    places,
    starts_sentence,
    token_around,
    whole_words,
)
from admissions.scrubbing.spelling import is_cyrillic, sound
from admissions.scrubbing.values import NAME, Identity, Span
from admissions.scrubbing.vocabulary import (
    AMBIGUOUS,
    DATE_WORDS,
    HANDLE_AFFIXES,
    NOT_A_POSSESSOR,
    NOT_NICKNAMES,
    PARTICLES,
)

_WORD = re.compile(r"[^\W\d_]+")
# Between two parts of one name: space, comma, hyphen, an initial, a particle.
_GAP = re.compile(r"[\s,'_-]*(?:(?:[b-hj-z]|[a-z]\.|" + "|".join(sorted(PARTICLES)) + r")[\s'-]+)*|\.")
_WIDEST_GAP = 16
_STEM, _MOST_DROPPED = 5, 4


@dataclass(frozen=True, slots=True)
class _Hit:
    """A part of the name at folded offsets."""

    start: int
    end: int
    part: Part
    case: Case


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield a NAME span for every stretch of the text that is the applicant's own name."""
    if identity is None or not identity.name:
        return
    own = parts_of(identity.name)
    hits = [hit for part in own.parts if part.text in passage.folded for hit in _hits(passage, part)]
    hits += [hit for part in own.given if part.text[:_STEM] in passage.folded for hit in _shortened(passage, part)]
    if is_cyrillic(passage.signs):
        hits += _hits_in_cyrillic(passage, own)
    for run in _runs(passage.folded, hits):
        for start, end in _judged(passage, own, run):
            start, end = widened(passage, own, start, end)
            yield Span(passage.start(start), passage.end(end), NAME)
    yield from _joined(passage, own)


def _hits(passage: Passage, part: Part) -> Iterator[_Hit]:
    folded = passage.folded
    if part.text[0] >= "\u2e80" or part.doubtful:
        found: Iterable[tuple[int, int]] = whole_words(folded, part.text)
    else:
        found = _words_with_affixes(folded, part.text)
    for start, end in found:
        written = case(passage, start, end)
        yield _Hit(*token_around(folded, start, end), part, written)


def _words_with_affixes(folded: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where `text` stands as a word, as a plural ("the Okafors"), or in a user name ("okaforcodes")."""
    for start, end in places(folded, text):
        first, last = letters_around(folded, start, end)
        before, after = folded[first:start], folded[end:last]
        if (not before or (before in HANDLE_AFFIXES and len(text) > 3)) and (
            after in ("", "s") or (after in HANDLE_AFFIXES and len(text) > 3)
        ):
            yield first, last


def _shortened(passage: Passage, part: Part) -> Iterator[_Hit]:
    """Yield capitalised words that are most of a given name: "Thandi" for "Thandiwe"."""
    for start, end in places(passage.folded, part.text[:_STEM]):
        first, last = letters_around(passage.folded, start, end)
        word = passage.folded[first:last]
        dropped = len(part.text) - len(word)
        if not 0 < dropped <= _MOST_DROPPED or not part.text.startswith(word):
            continue
        written = case(passage, first, last)
        if written is not Case.LOWER and word not in AMBIGUOUS and word not in NOT_NICKNAMES:
            yield _Hit(first, last, part, written)


def _hits_in_cyrillic(passage: Passage, own: NameParts) -> Iterator[_Hit]:
    sounds = {sound(part.text): part for part in own.parts if len(part.text) > 2}
    for match in _WORD.finditer(passage.folded):
        if is_cyrillic(match.group()) and (part := sounds.get(sound(match.group()))):
            yield _Hit(*match.span(), part, case(passage, *match.span()))


def _runs(folded: str, hits: list[_Hit]) -> Iterator[list[_Hit]]:
    """Yield the hits in order, those that stand together as one list."""
    run: list[_Hit] = []
    for hit in sorted(hits, key=lambda one: (one.start, -one.end)):
        if run and hit.start < run[-1].end:
            continue
        gap = folded[run[-1].end : hit.start] if run else ""
        if run and not _stand_together(gap):
            yield run
            run = []
        if run and gap in ("-", "'"):  # "Seo-yun" is written with one capital
            hit = replace(hit, case=run[-1].case)
        run.append(hit)
    if run:
        yield run


def _stand_together(gap: str) -> bool:
    return len(gap) <= _WIDEST_GAP and gap.count("\n") < 2 and _GAP.fullmatch(gap) is not None


def _judged(passage: Passage, own: NameParts, run: list[_Hit]) -> Iterator[tuple[int, int]]:
    """Yield start and end of what in this run is the name and not a word of the language."""
    parts = {hit.part.text for hit in run}
    written = [hit for hit in run if hit.case is not Case.LOWER]
    if len(parts) > 1 and len(written) == len(run):
        accepted = run
    elif len(parts) > 1 and not written and not all(hit.part.doubtful for hit in run):
        whole = parts >= {part.text for part in own.parts}
        accepted = run if whole else [hit for hit in run if not hit.part.doubtful]
    else:
        sure = [hit for hit in run if _is_name_alone(passage, hit)]
        accepted = [*sure, *written] if sure else []
    yield from _stretches(run, frozenset(accepted))


def _stretches(run: list[_Hit], accepted: frozenset[_Hit]) -> Iterator[tuple[int, int]]:
    """Yield the accepted hits, neighbours in the run joined with what stands between them."""
    start = end = -1
    for hit in run:
        if hit not in accepted:
            if end >= 0:
                yield start, end
            start = end = -1
            continue
        start, end = (hit.start if end < 0 else start), hit.end
    if end >= 0:
        yield start, end


def _is_name_alone(passage: Passage, hit: _Hit) -> bool:
    if not hit.part.doubtful:
        return True
    if hit.case is Case.LOWER or (hit.part.calendar and _is_date(passage.folded, hit)):
        return False
    if hit.case is Case.UPPER:
        return not _in_capitals(passage, hit) or _alone_on_line(passage.folded, hit)
    return (
        not starts_sentence(passage, hit.start)
        or _alone_on_line(passage.folded, hit)
        or (passage.folded.startswith("'s", hit.end) and hit.part.text not in NOT_A_POSSESSOR)
    )


def _is_date(folded: str, hit: _Hit) -> bool:
    before = folded[max(0, hit.start - 16) : hit.start].split()
    after = folded[hit.end : hit.end + 6].lstrip(" ,.")
    last = before[-1] if before else ""
    return after[:1].isdigit() or last[:1].isdigit() or last in DATE_WORDS


def _in_capitals(passage: Passage, hit: _Hit) -> bool:
    """Say whether a word next to the hit is all capitals too, so that its capitals mean nothing."""
    before = passage.original(max(0, hit.start - 24), hit.start).split()[-1:]
    after = passage.original(hit.end, min(len(passage.folded), hit.end + 24)).split()[:1]
    return any(len(word) > 1 and word.isupper() for word in before + after)


def _alone_on_line(folded: str, hit: _Hit) -> bool:
    """Say whether the hit is a whole line, as a signature is; a text that is one word counts."""
    line_start = folded.rfind("\n", max(0, hit.start - 8), hit.start) + 1
    line_end = folded.find("\n", hit.end, hit.end + 8)
    if line_end < 0:
        line_end = min(len(folded), hit.end + 8)
    around = folded[max(line_start, hit.start - 8) : hit.start] + folded[hit.end : line_end]
    return not any(character.isalnum() for character in around)


def _joined(passage: Passage, own: NameParts) -> Iterator[Span]:
    """Yield user names and the like that run the name together: "anamaria04", "amoreira"."""
    for form in own.joined:
        if form not in passage.folded:
            continue
        for start, end in places(passage.folded, form):
            first, last = letters_around(passage.folded, start, end)
            before, after = passage.folded[first:start], passage.folded[end:last]
            if (not before or before in HANDLE_AFFIXES) and (not after or after in HANDLE_AFFIXES):
                first, last = token_around(passage.folded, first, last)
                yield Span(passage.start(first), passage.end(last), NAME)
