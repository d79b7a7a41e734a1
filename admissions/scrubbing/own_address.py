"""Find the applicant's own postal address: whole, and in parts that lead to the door."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from admissions.scrubbing.folding import Passage, fold
from admissions.scrubbing.occurrences import Case, case, starts_sentence, whole_words
from admissions.scrubbing.values import ADDRESS, Identity, Span
from admissions.scrubbing.vocabulary import ADDRESS_WORDS, AMBIGUOUS

_TOKEN = re.compile(r"\w+")
_GAP = re.compile(r"[\s,.#:;/'\"()-]{0,4}")
_LONGEST_ABBREVIATION = 4
_SHORTEST_CODE = 5  # a postcode of five or more characters is found alone; shorter ones look like any number

# Words that are in every address. Each stands for the first of its line.
_SAME = (
    ("street", "st", "str"),
    ("road", "rd"),
    ("avenue", "ave", "av"),
    ("boulevard", "blvd"),
    ("lane", "ln"),
    ("drive", "dr"),
    ("square", "sq"),
    ("apartment", "apt", "flat", "unit", "suite"),
    ("number", "no", "nr", "num"),
    ("north", "n"),
    ("south", "s"),
    ("east", "e"),
    ("west", "w"),
)
_MEANING = {word: words[0] for words in _SAME for word in words}
_FORMS = {words[0]: words for words in _SAME}
_GENERIC = frozenset(_MEANING) | ADDRESS_WORDS


@dataclass(frozen=True, slots=True)
class _Address:
    """The tokens of an address in order (folded, abbreviations written out), and its parts between commas."""

    tokens: tuple[str, ...]
    parts: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Hit:
    """An address token at folded offsets; `index` is its place in the address."""

    start: int
    end: int
    index: int


def find(passage: Passage, identity: Identity | None) -> Iterable[Span]:
    """Yield an ADDRESS span wherever the text gives the own address or a telling part of it."""
    if identity is None or not identity.address:
        return
    address = _taken_apart(identity.address)
    telling = (token for token in address.tokens if _tells(token) or _has_digit(token))
    if not any(token in passage.folded for token in telling):
        return
    for run in _runs(passage.folded, _hits(passage.folded, address)):
        if _is_address(passage, address, run):
            yield Span(passage.start(run[0].start), passage.end(run[-1].end), ADDRESS)


@lru_cache(maxsize=64)
def _taken_apart(address: str) -> _Address:
    parts = [tuple(_tokens(part)) for part in re.split(r"[,\n;]", fold(address))]
    # "Leeds LS2 9JT": the town is a part without its postcode too.
    towns = {tuple(token for token in part if token.isalpha()) for part in parts[1:]}
    return _Address(tuple(token for part in parts for token in part), (frozenset(parts) | towns) - {()})


def _tokens(folded: str) -> Iterator[str]:
    for token in _TOKEN.findall(folded):
        yield _MEANING.get(token, token)


def _tells(token: str) -> bool:
    return len(token) > 2 and token not in _GENERIC


def _hits(folded: str, address: _Address) -> list[_Hit]:
    hits = [
        _Hit(start, end, index)
        for index, token in enumerate(address.tokens)
        for form in _FORMS.get(token, (token,))
        for start, end in whole_words(folded, form)
        if not folded[start - 1 : start].isdigit() and not folded[end : end + 1].isdigit()
    ]
    return sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.index))


def _runs(folded: str, hits: list[_Hit]) -> Iterator[list[_Hit]]:
    """Yield hits that follow each other in the text and in the address."""
    run: list[_Hit] = []
    for hit in hits:
        if run and hit.start < run[-1].end:
            continue
        if run and not _follows(folded, run[-1], hit):
            yield run
            run = []
        run.append(hit)
    if run:
        yield run


def _follows(folded: str, one: _Hit, two: _Hit) -> bool:
    gap = folded[one.end : two.start]
    ends_sentence = ". " in gap and one.end - one.start > _LONGEST_ABBREVIATION
    return one.index < two.index and not ends_sentence and _GAP.fullmatch(gap) is not None


def _is_address(passage: Passage, address: _Address, run: list[_Hit]) -> bool:
    """Say whether a run leads to the door: a number and a name, a postcode, or a part between commas."""
    tokens = tuple(address.tokens[hit.index] for hit in run)
    numbers = [token for token in tokens if _has_digit(token)]
    names = [token for token in tokens if _tells(token) and token not in numbers]
    if _holds_postcode(passage, numbers, run) or (numbers and len(names) > 1):
        return True
    if not names or not any(_is_written_as_name(passage, hit) for hit in run):
        return False
    if numbers or len(names) > 1:
        return True
    doubtful = len(tokens) == 1 and tokens[0] in AMBIGUOUS
    return tokens in address.parts and not (doubtful and starts_sentence(passage, run[0].start))


def _holds_postcode(passage: Passage, numbers: list[str], run: list[_Hit]) -> bool:
    """Say whether a postcode is here: a long number, or two short ones side by side ("LS2 9JT")."""
    if any(len(number) >= _SHORTEST_CODE for number in numbers):
        return True
    return any(
        two.start - one.end == 1
        and two.index - one.index == 1
        and two.end - one.start > _SHORTEST_CODE
        and _has_digit(passage.folded[one.start : one.end])
        and _has_digit(passage.folded[two.start : two.end])
        for one, two in pairwise(run)
    )


def _has_digit(token: str) -> bool:
    return any(character.isdigit() for character in token)


def _is_written_as_name(passage: Passage, hit: _Hit) -> bool:
    return case(passage, hit.start, hit.end) is not Case.LOWER
