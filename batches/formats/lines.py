"""Cut a file into lines, in constant memory, whatever the bytes are."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from batches.answers import Failure

LIMIT = 2 * 1024 * 1024
_BLOCK = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line that is not blank: its number from 1, where it starts, what it holds, where the next starts."""

    number: int
    offset: int
    content: bytes | Failure
    end: int


def lines(stream: BinaryIO, *, limit: int = LIMIT, number: int = 0, offset: int = 0) -> Iterator[Line]:
    """Yield the lines of a binary stream without their line ends; blank lines are counted, not yielded.

    A line ends at LF and nowhere else: other separators may stand inside JSON text. A CR before it and a byte
    order mark at the start of the file are taken off. A line over ``limit`` bytes becomes a Failure. To
    resume, seek the stream to the ``end`` of the last line done and pass that line's ``number`` and ``end``.
    """
    while raw := stream.readline(limit + 2):
        start, number, offset = offset, number + 1, offset + len(raw)
        if len(raw.rstrip(b"\r\n")) > limit:
            offset += _skip_line(stream) if not raw.endswith(b"\n") else 0
            yield Line(number, start, Failure("line_too_long", f"longer than {limit} bytes"), offset)
            continue
        content = raw.removesuffix(b"\n").removesuffix(b"\r")
        if start == 0:
            content = content.removeprefix(_BYTE_ORDER_MARK)
        if content.strip():
            yield Line(number, start, content, offset)


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, a block at a time; return how many bytes that was."""
    skipped = 0
    while block := stream.readline(_BLOCK):
        skipped += len(block)
        if block.endswith(b"\n"):
            break
    return skipped
