"""The texts of letters: plain text with a few named placeholders, checked, filled in once, and turned into HTML.

Nothing here is a template language: a value that holds a placeholder or a tag stays the text that it is.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

LANGUAGES = ("en", "ur", "ar")
RIGHT_TO_LEFT = frozenset({"ur", "ar"})
SUBJECT_MAX = 150
BODY_MAX = 10_000

_PERSON = frozenset({"name", "reference", "cycle", "link"})
# Every text that there is, and what it may name. Only a confirmation names the receipt: it stands in the public log,
# and a letter about the outcome would lead whoever reads it on the way from a person to their line there.
PLACEHOLDERS: dict[str, frozenset[str]] = {
    "submitted": _PERSON | {"receipt", "until"},
    "changed": _PERSON | {"receipt", "until"},
    "withdrawn": _PERSON | {"receipt"},
    "selected": _PERSON | {"seats"},
    "not_selected": _PERSON | {"seats"},
    "not_assessed": _PERSON,
    "review_answered": _PERSON,
    "late_access": frozenset({"cycle", "link", "until"}),
}
# Named like their texts; the letter itself is of the kind «outcome».
OUTCOMES = ("selected", "not_selected", "not_assessed")
VARIANTS = tuple(PLACEHOLDERS)

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}|[{}]")
# A path up to the mark that ends the sentence; and no longer name of a host, which would be somebody else's.
_REST_OF_LINK = r"(?:/[^\s<>\"']*[^\s<>\"'.,;:!?)\]])?/?(?![\w:@.-]*\w)"
# What turns the direction of a whole line; a name needs none of it, and each value is set apart by other means.
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, slots=True)
class LetterText:
    """What a letter says, with placeholders."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What one reader gets: a subject of one line, the plain text, and the same as HTML paragraphs."""

    subject: str
    text: str
    paragraphs: str


def direction(language: str) -> str:
    """Return ``rtl`` or ``ltr``."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def supported(*wanted: str | None) -> str:
    """Return the first of these languages that letters are written in, by the part before the hyphen; else English."""
    firsts = ((language or "").replace("_", "-").partition("-")[0].lower() for language in wanted)
    return next((first for first in firsts if first in LANGUAGES), LANGUAGES[0])


def tidied(text: LetterText) -> LetterText:
    """Return a text as it is kept: one kind of line end, nothing around it."""
    return LetterText(text.subject.strip(), "\n".join(text.body.strip().splitlines()))


def faults_of(variant: str, text: LetterText) -> Iterator[str]:
    """Yield a sentence for each fault of a text, with its line; what it quotes is the text's own."""
    for name, value, longest in (("subject", text.subject, SUBJECT_MAX), ("body", text.body, BODY_MAX)):
        if not value.strip():
            yield f"The {name} is empty."
        if len(value) > longest:
            yield f"The {name} is longer than {longest} characters."
    if len(text.subject.splitlines()) > 1:
        yield "The subject has more than one line."
    lines = [("The subject", text.subject)]
    lines += [(f"Line {number}", line) for number, line in enumerate(text.body.splitlines(), start=1)]
    for where, line in lines:
        yield from _faults_in(variant, where, line)


def _faults_in(variant: str, where: str, line: str) -> Iterator[str]:
    if any(unicodedata.category(one) == "Cc" and one not in "\t\r\n" for one in line):
        yield f"{where}: a control character stands there."
    known = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS[variant]))
    for found in _PLACEHOLDER.finditer(line):
        if found[1] is None:
            yield f"{where}: the brace {found[0]} belongs to no placeholder."
        elif found[1] not in PLACEHOLDERS[variant]:
            yield f"{where}: {{{found[1][:30]}}} is not known; this letter knows {known}."


def fill(text: LetterText, values: Mapping[str, str], *, language: str, site: str) -> Filled:
    """Put the values in, each once and as one line of text; ``site`` is the address whose links become links.

    Raises KeyError for a placeholder without a value, which a text without ``faults_of`` has not.
    """
    clean = {name: one_line(value) for name, value in values.items()}
    own = re.compile(re.escape(site) + _REST_OF_LINK) if site else None
    lines = [list(_pieces(line, clean)) for line in text.body.splitlines()]
    return Filled(
        subject=one_line(_plain(list(_pieces(text.subject, clean)), language)),
        text="\n".join(_plain(line, language) for line in lines) + "\n",
        paragraphs=_paragraphs(lines, own),
    )


def _plain(line: list[tuple[str, bool]], language: str) -> str:
    """Join a line. Plain text runs as its first letter does: words of ours say by a mark that they run to the left."""
    joined = "".join(piece for piece, _ in line)
    ours = any(one.isalpha() for piece, is_value in line if not is_value for one in piece)
    return f"\u200f{joined}" if ours and language in RIGHT_TO_LEFT else joined


def one_line(value: str) -> str:
    """Return a text without line breaks, control characters and marks that turn the direction of what follows."""
    words = " ".join(value.split()).translate(_TURNS)
    return "".join(one for one in words if unicodedata.category(one) != "Cc")


def _pieces(line: str, values: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a line, and whether each is a value; what is put in is not looked at again."""
    end = 0
    for found in _PLACEHOLDER.finditer(line):
        yield line[end : found.start()], False
        yield values[found[1]], True
        end = found.end()
    yield line[end:], False


def _paragraphs(lines: list[list[tuple[str, bool]]], own: re.Pattern[str] | None) -> str:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if any(piece.strip() for piece, _ in line):
            paragraphs[-1].append("".join(_marked_up(piece, own, is_value=value) for piece, value in line))
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n".join(f"<p>{'<br>'.join(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def _marked_up(piece: str, own: re.Pattern[str] | None, *, is_value: bool) -> str:
    """Escape a piece, make links of our own addresses, and set a value apart from the direction of what is around."""
    marked, end = "", 0
    for found in own.finditer(piece) if own else ():
        address = escape(found[0])
        marked += f'{escape(piece[end : found.start()])}<a href="{address}">{address}</a>'
        end = found.end()
    marked += escape(piece[end:])
    return f"<bdi>{marked}</bdi>" if is_value and piece else marked
