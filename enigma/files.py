"""Files that are written whole or not at all, and readable by their owner only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from enigma.errors import Malformed

STANDARD = "-"


@contextmanager
def whole_file(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open ``path`` for binary writing under the name ``path.part``; rename it when the block ends well.

    ``-`` is standard output. Refuses (Malformed) to replace a file that is there unless ``force``; on an error the
    part is removed and what was there stays.
    """
    if str(path) == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    if target.exists() and not force:
        raise Malformed(f"{target} is there already; --force replaces it.")
    if target.is_dir():
        raise Malformed(f"{target} is a folder.")
    part = target.with_name(f"{target.name}.part")
    try:
        with _open_private(part) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_private(path: Path) -> BinaryIO:
    try:
        path.unlink(missing_ok=True)  # the left-over of a killed run; its permissions are not ours to keep
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as fault:
        raise Malformed(f"{path} cannot be written: {fault.strerror}.") from None


@contextmanager
def source(path: str | Path) -> Iterator[BinaryIO]:
    """Open ``path`` for binary reading; ``-`` is standard input. Raises Malformed when it cannot be read."""
    if str(path) == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  closed below; opening and reading fail differently
    except OSError as fault:
        raise Malformed(f"{path} cannot be read: {fault.strerror}.") from None
    with stream:
        yield stream
