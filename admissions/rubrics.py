"""The rubrics by which applications are scored: our own text, one file a version, never changed once used."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from enigma.errors import Refused

FOLDER = Path(__file__).parent / "rubric_texts"
VERSIONS = tuple(sorted(path.stem for path in FOLDER.glob("*.md")))
DEFAULT = "2026-1"


@dataclass(frozen=True, slots=True)
class Rubric:
    """One version of the rubric; ``sha256`` is the hex digest of the UTF-8 bytes of ``text``."""

    version: str
    text: str
    sha256: str


@cache
def rubric(version: str = DEFAULT) -> Rubric:
    """Return one version of the rubric; refuses a version that does not exist."""
    if version not in VERSIONS:
        raise Refused(f"there is no rubric {version!r}; there is {', '.join(VERSIONS)}")
    content = (FOLDER / f"{version}.md").read_bytes()
    return Rubric(version, content.decode(), hashlib.sha256(content).hexdigest())
