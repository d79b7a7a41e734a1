"""Application files as they come: good ones read back equal, damaged ones lose only what is damaged."""

import csv
import io
import json
import re
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions.readers import (
    COLUMNS,
    OPEN_QUOTE,
    REQUIRED,
    V1_COLUMNS,
    Fault,
    RawRow,
    listed,
    parse_json,
    read,
    shown,
)
from enigma.errors import Malformed

HEADER = b"name,email,phone,address,gpa,test_scores,essay,achievements\n"
AMINA = b'Amina Rahimi,amina@mail.example,0700 123 456,12 Oak Street,3.8,"{""SAT"": 1450}","Two\nlines",Chess\n'
OMAR = b'Omar Haddad,omar@mail.example,,,3,"{""ACT"": 30}",One line,\n'
YUSUF = b'Yusuf,yusuf@mail.example,,,3,{},"\nA line below",\n'
V1_HEADER = (",".join(V1_COLUMNS) + "\n").encode()
V1_ROW = b'APP_1,2025-11-04T12:16:22,Amina,amina@mail.example,1,x,3,"{""ACT"":30}",Essay,Chess,submitted\n'
MISPLACED = "a quote or a line break is in the wrong place"

BOM = b"\xef\xbb\xbf"


class Endless(io.RawIOBase):
    """A file too large to hold: a beginning, then `size` bytes of a pattern."""

    def __init__(self, start: bytes, pattern: bytes, *, size: int) -> None:
        self.start, self.pattern, self.left = start, pattern, size // len(pattern)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self.start and self.left > 0:
            times = min(self.left, max(1, len(buffer) // len(self.pattern)))
            self.start, self.left = self.pattern * times, self.left - times
        piece, self.start = self.start[: len(buffer)], self.start[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def rows(data: bytes, format: str = "csv") -> list[RawRow]:
    return list(read(io.BytesIO(data), format=format))


def outline(data: bytes, format: str = "csv") -> list[tuple]:
    """Line, name and faults of every row."""
    return [(row.line, row.values.get("name"), row.faults) for row in rows(data, format)]


def damaged(reason: str) -> list[Fault]:
    return [Fault("row", reason)]


def refusal(data: bytes, format: str = "csv") -> str:
    with pytest.raises(Malformed) as refused:
        read(io.BytesIO(data), format=format)
    return str(refused.value)


def peak_memory(stream: io.RawIOBase, format: str) -> tuple[int, list[RawRow]]:
    """Return the most bytes held while reading, and the first and last row."""
    tracemalloc.start()
    first = last = None
    for row in read(io.BufferedReader(stream), format=format):
        first, last = first or row, row
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, [first, last]


# CSV


def test_a_csv_row_is_read_with_its_line():
    values = ("Amina Rahimi", "amina@mail.example", "0700 123 456", "12 Oak Street", "3.8")
    texts = ('{"SAT": 1450}', "Two\nlines", "Chess")
    assert rows(HEADER + AMINA) == [RawRow(2, 1, dict(zip(REQUIRED, values + texts, strict=True)))]


def test_an_empty_cell_is_empty_text():
    values = ("Omar Haddad", "omar@mail.example", "", "", "3", '{"ACT": 30}', "One line", "")
    assert rows(HEADER + OMAR) == [RawRow(2, 1, dict(zip(REQUIRED, values, strict=True)))]


def test_the_columns_may_stand_in_any_order():
    names = sorted(COLUMNS, reverse=True)
    line = ",".join(f"v-{name}" for name in names)
    assert rows(f"{','.join(names)}\n{line}\n".encode()) == [RawRow(2, 1, {name: f"v-{name}" for name in COLUMNS})]


def test_the_columns_of_enigma_1_are_renamed():
    [row] = rows(V1_HEADER + V1_ROW)
    assert (row.faults, row.values.keys()) == ([], set(COLUMNS))
    assert (row.values["external_id"], row.values["test_scores"]) == ("APP_1", '{"ACT":30}')


def test_an_application_of_enigma_1_that_was_not_submitted_is_a_fault():
    [row] = rows(V1_HEADER + V1_ROW.replace(b"submitted", b"draft"))
    assert row.faults == [Fault("status", "must be 'submitted'")]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", BOM, b"\n", BOM + b"\n\n"])
def test_byte_order_mark_blank_lines_and_line_endings_do_not_matter(start, ending):
    data = start + (HEADER + b"\n" + OMAR + b"   \n" + OMAR).replace(b"\n", ending)
    assert [row.values for row in rows(data)] == [row.values for row in rows(HEADER + OMAR + OMAR)]


def test_a_blank_line_is_counted_as_a_line_but_not_as_a_row():
    assert [(row.line, row.row) for row in rows(HEADER + b"\n" + OMAR + b"\n" + OMAR)] == [(3, 1), (5, 2)]


def test_the_last_line_needs_no_line_break():
    assert rows(HEADER + OMAR[:-1]) == rows(HEADER + OMAR)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "line 1: the file is empty"),
        (BOM, "line 1: the file is empty"),
        (b" \n\n", "line 1: the file is empty"),
        (b"\xff\xfen\x00", "line 1: the file is UTF-16; save it as UTF-8"),
        (HEADER.replace(b"phone,", b""), "line 1: missing column: 'phone'"),
        (
            b"\n" + HEADER.replace(b"phone,", b"fax,"),
            "line 2: unknown column: 'fax'; missing column: 'phone'",
        ),
        (HEADER.replace(b"phone", b"phone,name"), "line 1: column given twice: 'name'"),
        (HEADER.replace(b"phone", b"phone,a@b.example"), "line 1: unknown column: (not shown)"),
        (V1_HEADER.replace(b",gpa", b""), "line 1: missing column: 'gpa'"),
        (b'name,"email\n', f"line 1: the header cannot be read: {OPEN_QUOTE}"),
    ],
)
def test_a_file_without_the_right_header_is_refused(data, sentence):
    assert refusal(data) == sentence


@pytest.mark.parametrize("data", [AMINA, HEADER.replace(b",", b";"), HEADER.replace(b",", b"\t")])
def test_a_first_line_that_is_no_header_is_not_repeated(data):
    assert re.fullmatch(r"line 1: this is not a header; the columns are name, [a-z_, ]+", refusal(data))


def test_an_unknown_format_is_refused():
    assert refusal(HEADER, "xml") == "an application file is read as csv or as jsonl"


@pytest.mark.parametrize(
    ("record", "found"),
    [(b"Omar,omar@mail.example\n", 2), (OMAR[:-1] + b",more\n", 9), (b'Omar,"two\nlines"\n', 2)],
)
def test_a_record_with_too_few_or_too_many_fields_names_both_numbers(record, found):
    [row, amina] = rows(HEADER + record + AMINA)
    assert row.faults[0].reason.startswith(f"{found} fields were found, 8 were expected")
    assert (row.values, amina.values["name"]) == ({}, "Amina Rahimi")


@pytest.mark.parametrize(
    "broken",
    [
        b'Omar,o@mail.example,1,x,3,"never closed,e,z\n',
        b'Omar,o@mail.example,1,x,3,s,"e,z\n',
        b'Omar,"o\n',
        b'Omar,o@mail.example,1,x,3,s,"closed" and on,z\n',
        b"Omar,o@mail.example,1,x,3,s,one\rtwo,z\n",
    ],
)
@pytest.mark.parametrize("below", [AMINA, OMAR, YUSUF, AMINA + OMAR, OMAR * 3 + YUSUF])
def test_a_broken_quote_loses_only_its_row(broken, below):
    [first, *others] = rows(HEADER + broken + below)
    assert first.faults in (damaged(OPEN_QUOTE), damaged(MISPLACED))
    assert [(row.line - 1, row.row - 1, row.values) for row in others] == [
        (row.line, row.row, row.values) for row in rows(HEADER + below)
    ]


def test_the_lines_of_a_damaged_text_are_one_fault():
    spoilt = b'Omar,o@mail.example,1,x,3,s,"He said "come" and\nwe all\nleft",z\n'
    assert outline(HEADER + spoilt + AMINA) == [
        (2, None, damaged(f"{MISPLACED}; lines 2 to 4 are set aside")),
        (5, "Amina Rahimi", []),
    ]


def test_a_quote_that_is_never_closed_costs_its_row_even_when_a_thousand_follow():
    found = outline(HEADER + b'Omar,"o\n' + OMAR.replace(b'"{""ACT"": 30}"', b"{}") * 6000 + AMINA)
    assert (len(found), found[0][2], found[-1]) == (
        6002,
        damaged(OPEN_QUOTE),
        (6003, "Amina Rahimi", []),
    )


def test_a_record_cut_off_at_the_end_of_the_file_is_a_fault():
    assert outline(HEADER + OMAR + AMINA[:-20])[1] == (3, None, damaged(OPEN_QUOTE))
    assert outline(HEADER + OMAR + OMAR[:25])[1] == (3, None, damaged("2 fields were found, 8 were expected"))


def test_a_record_over_one_mebibyte_is_a_fault_and_the_next_is_read():
    long = OMAR.replace(b"One line", b"x" * 2**21)
    assert outline(HEADER + long + AMINA) == [
        (2, None, damaged("the record is longer than 1 MiB or 5000 lines; a quote may be left open")),
        (3, "Amina Rahimi", []),
    ]


def test_a_field_just_under_one_mebibyte_is_read():
    essay = b"x" * (2**20 - 200)
    [row] = rows(HEADER + OMAR.replace(b"One line", essay))
    assert row.values["essay"] == essay.decode()


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_bytes_that_are_not_utf8_are_named_by_field(format):
    line = OMAR if format == "csv" else json.dumps({"name": "Omar", "phone": "", "essay": "One line"}).encode()
    [row] = rows((HEADER if format == "csv" else b"") + line.replace(b"One line", b"\xff\xfe line"), format)
    assert row.faults == [Fault("essay", "holds bytes that are not UTF-8")]


def test_a_status_that_is_not_utf8_is_one_fault():
    [row] = rows(V1_HEADER + V1_ROW.replace(b"submitted", b"\xff"))
    assert row.faults == [Fault("status", "holds bytes that are not UTF-8")]


# JSONL


def test_a_json_line_is_read_with_exact_numbers():
    line = b'{"name":"Amina","gpa":3.80,"test_scores":{"SAT":1450,"IELTS":6.5},"phone":null}'
    assert rows(BOM + b"\n" + line + b"\r\n", "jsonl") == [
        RawRow(
            2,
            1,
            {
                "name": "Amina",
                "phone": None,
                "gpa": Decimal("3.80"),
                "test_scores": {"SAT": 1450, "IELTS": Decimal("6.5")},
            },
        )
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"name": Omar}', "the line is not valid JSON at character 10"),
        (b"{} {}", "the line is not valid JSON at character 4"),
        (b'{"name": "a\x00b"}', "the line is not valid JSON at character 12"),
        (b"[1]", "the line must be one JSON object"),
        (b'"text"', "the line must be one JSON object"),
        (b"[" * 200_000, "the line is nested too deeply"),
        (b'{"a":' * 200_000, "the line is nested too deeply"),
        (b'{"name":"' + b"x" * 2**21 + b'"}', "the line is longer than 2 MiB"),
    ],
)
def test_a_line_that_is_no_json_object_is_a_fault_and_the_next_is_read(line, reason):
    assert outline(line + b'\n{"name":"Amina"}\n', "jsonl") == [(1, None, damaged(reason)), (2, "Amina", [])]


def test_a_json_line_cut_off_at_the_end_of_the_file_is_a_fault():
    assert outline(b'{"name":"Amina"}\n{"name":"Om', "jsonl")[1] == (
        2,
        None,
        damaged("the line is not valid JSON at character 9; the file ends here without a line break"),
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"gpa":1,"gpa":2}', Fault("gpa", "is given twice")),
        (b'{"shoe_size":1}', Fault("row", "unknown key: 'shoe_size'")),
        (b'{"amina@mail.example":1}', Fault("row", "unknown key: (not shown)")),
        (b'{"\xff":1}', Fault("row", "holds bytes that are not UTF-8")),
        (b'{"test_scores":{"\xff":1}}', Fault("row", "holds bytes that are not UTF-8")),
    ],
)
def test_keys_that_do_not_belong_are_faults(line, fault):
    assert rows(line, "jsonl")[0].faults[0] == fault


def test_an_empty_json_file_is_refused():
    assert refusal(b"\n", "jsonl") == "line 1: the file is empty"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999"])
def test_a_number_that_is_none_stays_visible(text):
    assert not parse_json(text).is_finite()


def test_five_thousand_digits_are_read_without_harm():
    assert parse_json("9" * 5000) == Decimal("9" * 5000)


def test_names_are_shown_short_printable_and_without_addresses():
    assert shown("x\x1b[31m" + "y" * 50) == "'x??31m" + "y" * 34 + "'"
    assert listed([f"t{n}" for n in range(14)]).endswith("'t11' and 2 more")


# Properties

LINES = st.lists(
    st.sampled_from([HEADER, V1_HEADER, AMINA, OMAR, V1_ROW, BOM, b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"{}"])
)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@given(data=st.one_of(st.binary(), LINES.map(b"".join), LINES.map(lambda lines: HEADER + b"".join(lines))))
def test_no_bytes_raise_anything_but_malformed(format, data):
    try:
        found = rows(data, format)
    except Malformed:
        return
    assert [row.row for row in found] == list(range(1, len(found) + 1))
    assert all(row.values or row.faults or format == "jsonl" for row in found)


# What a text field can hold; a lone CR is left out as it ends a line for the writer below.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@given(table=st.lists(st.lists(TEXT, min_size=10, max_size=10)), ending=st.sampled_from(["\n", "\r\n"]))
def test_csv_that_was_written_reads_back_equal(table, ending):
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *table])
    found = [(row.values, row.faults) for row in rows(out.getvalue().encode())]
    assert found == [(dict(zip(COLUMNS, cells, strict=True)), []) for cells in table]


@given(table=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, TEXT)), min_size=1))
def test_json_lines_that_were_written_read_back_equal(table):
    data = "".join(json.dumps(values, ensure_ascii=False) + "\n" for values in table).encode()
    assert [(row.values, row.faults) for row in rows(data, "jsonl")] == [(values, []) for values in table]


@given(st.lists(st.sampled_from([AMINA, OMAR]), max_size=6), st.integers(0, 6), st.integers(1, 7))
def test_one_open_quote_never_hides_a_good_row(records, place, column):
    cells = OMAR.replace(b'"{""ACT"": 30}"', b"s").rstrip().split(b",")
    cells[column] = b'"' + cells[column]
    data = HEADER + b"".join([*records[:place], b",".join(cells) + b"\n", *records[place:]])
    names = [name for _, name, faults in outline(data) if not faults]
    assert names == [name for _, name, _ in outline(HEADER + b"".join(records))]


# Memory


@pytest.mark.parametrize(
    ("start", "pattern", "format", "mebibytes"),
    [
        (HEADER + b'Omar,"', b"x", "csv", 64),
        (
            HEADER + b'Omar,"',
            b"a line of prose, with, as many, commas, as a row, has, fields, ten\n",
            "csv",
            3,
        ),
        (b'{"name":"', b"x", "jsonl", 64),
    ],
)
def test_memory_does_not_grow_with_a_text_that_never_ends(start, pattern, format, mebibytes):
    peak, [first, _] = peak_memory(Endless(start, pattern, size=mebibytes * 2**20), format)
    assert (first.values, first.faults[0].field) == ({}, "row")
    assert peak < min(mebibytes * 2**19, 10 * 2**20)
