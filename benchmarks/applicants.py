"""Invented applicants with essays of a usual length, as lines of an intake file."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from admissions.invented import invented

CHARACTERS = 3_500  # of essay and achievements together: two pages


def write_applications(path: Path, count: int) -> None:
    """Write ``count`` applications as JSON lines; the same count, the same bytes."""
    dice = random.Random(count)
    # What other people did is filling enough; how they introduce themselves would be a second name to find.
    filling = [row["essay"].split("\n\n")[1] for row in invented(200, seed=2)]
    with path.open("w", encoding="utf-8") as stream:
        for row in invented(count):
            missing = CHARACTERS - len(row["essay"]) - len(row["achievements"])
            row["essay"] = "\n\n".join([row["essay"], *_paragraphs(dice, filling, missing)])
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _paragraphs(dice: random.Random, filling: list[str], missing: int) -> Iterator[str]:
    while missing > 0:
        paragraph = dice.choice(filling)
        missing -= len(paragraph) + 2
        yield paragraph
