"""The published rubric cut into headings, paragraphs and tables, so that a page can show it: what our texts use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

# A piece of a line, and whether it is code.
Piece = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Block:
    """``kind`` is heading, paragraph or table; a table has rows of cells, the first being its head."""

    kind: str
    pieces: list[Piece] = field(default_factory=list)
    rows: list[list[list[Piece]]] = field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """Return the blocks of a rubric but for its title, which a page has already."""
    return [_block(lines) for lines in _paragraphs(text) if not lines[0].startswith("# ")]


def _paragraphs(text: str) -> Iterator[list[str]]:
    for filled, lines in groupby(text.splitlines(), key=lambda line: bool(line.strip())):
        if filled:
            yield list(lines)


def _block(lines: list[str]) -> Block:
    if lines[0].startswith("#"):
        return Block("heading", _pieces(lines[0].lstrip("# ")))
    if lines[0].startswith("|"):
        rows = [line.strip("| ").split("|") for line in lines if set(line) - set("|- ")]
        return Block("table", rows=[[_pieces(cell.strip()) for cell in row] for row in rows])
    return Block("paragraph", _pieces(" ".join(lines)))


def _pieces(text: str) -> list[Piece]:
    return [(part, number % 2 == 1) for number, part in enumerate(text.split("`")) if part]
