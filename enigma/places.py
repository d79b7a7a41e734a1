"""Where embedded databases live: one that stays for each checkout, or one that is thrown away."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enigma.cluster import DURABLE, LONGEST_SOCKET, Server
from enigma.env import BASE_DIR
from enigma.errors import Conflict

TEMPORARY = Path("/var/tmp")  # noqa: S108  outlives a reboot; folders below it are ours by owner and mode
STALE_AFTER = 60  # seconds before a throwaway folder without a user counts as left behind
# Nothing here survives a power cut, and nothing here is meant to.
FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_senders": "0",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}


def default_folder() -> Path:
    """Return the folder of this checkout's database: ``.data/postgres`` in it, if a server can live there."""
    inside = BASE_DIR / ".data" / "postgres"
    if os.geteuid() and len(os.fsencode(inside / "data" / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
        return inside
    checkout = hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:12]
    return TEMPORARY / f"enigma-{os.geteuid()}-{checkout}"


@contextmanager
def throwaway_server(*, durable: bool = False) -> Iterator[Server]:
    """Give a running server that forgets everything at the end, and clear up after killed launchers.

    Until then a ``durable`` one writes as safely, and so as slowly, as one that is there to stay.
    """
    prefix = f"enigma-{os.geteuid()}-throwaway-"
    for left in TEMPORARY.glob(f"{prefix}*"):
        _clear_throwaway(left)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=TEMPORARY))
    try:
        server = Server(folder, settings=DURABLE if durable else {**DURABLE, **FORGETFUL})
        with server.running():
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_throwaway(folder: Path) -> None:
    """Remove a throwaway folder, unless it is in use or so young that it may not be locked yet."""
    try:
        if folder.lstat().st_uid != os.geteuid() or time.time() - folder.lstat().st_mtime < STALE_AFTER:
            return
        Server(folder, settings=DURABLE).remove()
    except (Conflict, FileNotFoundError):  # in use, or another launcher was faster
        return


@contextmanager
def lasting_server(folder: Path) -> Iterator[Server]:
    """Give the running server of ``folder``, made there on first use."""
    server = Server(folder, settings=DURABLE)
    with server.running():
        yield server
