"""Find the applicant's own postal address: whole, and in parts that lead to the door."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from admissions.scrubbing.folding import Passage, fold
from admissions.scrubbing.occurrences import Case, case, starts_sentence, whole_words
from admissions.scrubbing.values import ADDRESS, Identity, Span
from admissions.scrubbing.vocabulary import ADDRESS_WORDS, AMBIGUOUS

_TOKEN = re.compile(r"\w+")
_GAP = re.compile(r"[\s,.#:;/'\"()-]{0,4}")
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
    if not any(_tells(token) and token in passage.folded for token in address.tokens):
        return
    for run in _runs(passage.folded, _hits(passage.folded, address)):
        if _is_address(passage, address, run):
            yield Span(passage.start(run[0].start), passage.end(run[-1].end), ADDRESS)


@lru_cache(maxsize=64)
def _taken_apart(address: str) -> _Address:
    parts = [tuple(_tokens(part)) for part in re.split(r"[,\n;]", fold(address))]
    return _Address(tuple(token for part in parts for token in part), frozenset(parts) - {()})


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
        if run and (hit.index <= run[-1].index or not _GAP.fullmatch(folded[run[-1].end : hit.start])):
            yield run
            run = []
        run.append(hit)
    if run:
        yield run


def _is_address(passage: Passage, address: _Address, run: list[_Hit]) -> bool:
    """Say whether a run leads to the door: a number and a name, a postcode, or a part between commas."""
    tokens = tuple(address.tokens[hit.index] for hit in run)
    numbers = [token for token in tokens if any(character.isdigit() for character in token)]
    names = [token for token in tokens if _tells(token) and token not in numbers]
    if any(len(number) >= _SHORTEST_CODE for number in numbers) or (numbers and len(names) > 1):
        return True
    if not names or not any(_is_written_as_name(passage, hit) for hit in run):
        return False
    if numbers or len(names) > 1:
        return True
    return tokens in address.parts and not (
        tokens[0] in AMBIGUOUS and len(tokens) == 1 and starts_sentence(passage, run[0].start)
    )


def _is_written_as_name(passage: Passage, hit: _Hit) -> bool:
    return case(passage, hit.start, hit.end) is not Case.LOWER
