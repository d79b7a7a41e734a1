"""The rubrics: versions stay what they were, and every dimension has its five bands."""

import hashlib
import re

import pytest

from admissions.rubrics import DEFAULT, VERSIONS, Rubric, rubric
from enigma.errors import Refused

PUBLISHED = {
    "2026-1": "7a5efb0d3329c8a85b08f16fc65ad504898c66e8b4abfbc8e2a8f9820d0cf558"
}  # a version that was used never changes
BANDS = ["80-100", "60-79", "40-59", "20-39", "0-19"]


def test_every_published_version_is_what_it_was():
    assert {version: rubric(version).sha256 for version in VERSIONS} == PUBLISHED


def test_a_rubric_carries_the_hash_of_its_own_text():
    one = rubric()
    assert one == Rubric(DEFAULT, one.text, hashlib.sha256(one.text.encode()).hexdigest())


@pytest.mark.parametrize("version", ["1999-1", "../rubrics", ""])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(Refused, match=r"there is no rubric .*2026-1"):
        rubric(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_dimension_has_five_bands_that_cover_0_to_100(version):
    sections = rubric(version).text.split("\n## ")[1:]
    row = re.compile(r"^\| (\d+-\d+) \|", re.MULTILINE)
    found = {section.split(":")[0]: row.findall(section) for section in sections}
    assert found == dict.fromkeys(["Academic", "Test", "Achievement", "Essay"], BANDS)
