"""The rubric, cut for a page."""

from admissions.rubric_blocks import Block, blocks
from admissions.rubrics import VERSIONS, rubric


def test_headings_paragraphs_and_tables_come_in_order():
    text = (
        "# Title\n\nRead `gpa` well,\nas a whole.\n\n## Academic\n\n| band | what |\n|---|---|\n| 0-19 | `x` low. |\n"
    )
    assert blocks(text) == [
        Block("paragraph", [("Read ", False), ("gpa", True), (" well, as a whole.", False)]),
        Block("heading", [("Academic", False)]),
        Block(
            "table",
            rows=[
                [[("band", False)], [("what", False)]],
                [[("0-19", False)], [("x", True), (" low.", False)]],
            ],
        ),
    ]


def test_no_word_of_a_published_rubric_is_lost():
    for version in VERSIONS:
        text = rubric(version).text
        pieces = []
        for block in blocks(text):
            cells = [cell for row in block.rows for cell in row]
            pieces += [piece for run in [block.pieces, *cells] for piece, _ in run]
        assert set(" ".join(pieces).split()) >= {word for word in text.replace("`", " ").split() if word.isalpha()} - {
            "Rubric"
        }
