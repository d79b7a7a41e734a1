"""The instructions for worker and judge: our own text, a file a stage and version, never changed later."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from batches.answers import Stage
from enigma.errors import Refused

FOLDER = Path(__file__).parent / "texts"
VERSIONS = tuple(sorted(path.stem.removeprefix("worker-") for path in FOLDER.glob("worker-*.txt")))
DEFAULT = "2026-1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of the instructions; ``sha256`` is the hex digest of the UTF-8 bytes of ``text``."""

    stage: Stage
    version: str
    text: str
    sha256: str


@cache
def prompt(stage: Stage, version: str = DEFAULT) -> Prompt:
    """Return the instructions for a stage; refuses a version that does not exist."""
    if version not in VERSIONS:
        raise Refused(f"there is no {stage} prompt {version!r}; there is {', '.join(VERSIONS)}")
    content = (FOLDER / f"{stage}-{version}.txt").read_bytes()
    return Prompt(stage, version, content.decode(), hashlib.sha256(content).hexdigest())


def system_text(stage: Stage, rubric_text: str, *, version: str = DEFAULT) -> str:
    """Return the system part of a request: the same bytes for every applicant, so engines can cache it."""
    return f"{prompt(stage, version).text.rstrip()}\n\n{rubric_text.strip()}\n"
