"""Files become lines in constant memory, and reading can stop and go on at any of them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.answers import Failure
from batches.formats import Line, lines


def cut(content, **options):
    return list(lines(io.BytesIO(content), **options))


def test_lines_end_at_line_feed_only_and_blank_ones_count():
    separators = "a\u2028b\x0bc\u0085d".encode()
    assert cut(separators + b"\r\n\n  \nlast") == [
        Line(1, 0, separators, len(separators) + 2),
        Line(4, len(separators) + 6, b"last", len(separators) + 10),
    ]


def test_a_byte_order_mark_is_taken_off_the_first_line_only():
    mark = b"\xef\xbb\xbf"
    assert [line.content for line in cut(mark + b"a\n" + mark + b"b\n")] == [b"a", mark + b"b"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_at_the_limit_is_read_and_one_byte_more_is_not(end):
    content = [line.content for line in cut(b"x" * 10 + end, limit=10)]
    longer = [line.content for line in cut(b"x" * 11 + end, limit=10)]
    assert content == [b"x" * 10]
    assert longer == [Failure("line_too_long", "longer than 10 bytes")]


def test_reading_goes_on_after_a_line_that_is_too_long():
    long = b"x" * 200_000 + b"\n"
    assert [(line.number, line.offset, line.end) for line in cut(long + b"ok\n", limit=10)] == [
        (1, 0, 200_001),
        (2, 200_001, 200_004),
    ]


class Endless(io.RawIOBase):
    """A billion bytes without a line end, never held at once; remembers the largest piece asked for."""

    left, largest = 1_000_000_000, 0

    def readline(self, size=-1):
        self.largest = max(self.largest, size)
        piece = min(size, self.left, 4_000_000)
        self.left -= piece
        return b"x" * piece


def test_a_line_of_a_billion_bytes_is_skipped_in_small_pieces():
    stream = Endless()
    assert [line.end for line in lines(stream, limit=1_000_000)] == [1_000_000_000]
    assert stream.largest == 1_000_002


@given(st.binary(), st.integers(0, 5))
def test_reading_resumes_at_any_line_as_if_it_had_not_stopped(content, done):
    whole = cut(content, limit=8)
    if done >= len(whole):
        return
    last, stream = whole[done], io.BytesIO(content)
    stream.seek(last.end)
    assert list(lines(stream, limit=8, number=last.number, offset=last.end)) == whole[done + 1 :]
