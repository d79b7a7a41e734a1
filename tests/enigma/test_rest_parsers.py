"""JSON is taken strictly, files are taken to disk."""

import io
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from enigma.rest import parsers
from enigma.rest.parsers import JSONLinesParser, StrictJSONParser, UploadParser
from enigma.rest.problems import TooLarge
from tests.enigma.rest_calls import ask, view

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def parse(text):
    return StrictJSONParser().parse(io.BytesIO(text if isinstance(text, bytes) else text.encode()))


@given(values, st.booleans())
def test_json_is_read_as_it_was_written(value, ascii_only):
    assert parse(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1, column 1: Expecting value"),
        ('{"a": 1, "a": 2}', "an object names the same key twice"),
        ('[{"b": {"a": 1, "a": 1}}]', "an object names the same key twice"),
        ("NaN", "it holds NaN"),
        ("[-Infinity]", "it holds -Infinity"),
        ("1e999", "it holds a number that is too large"),
        ("9007199254740992", "it holds an integer beyond 2^53-1, which many readers would round"),
        ("-" + "9" * 5000, "it holds an integer beyond 2^53-1, which many readers would round"),
        (r'"\ud800"', "it holds half of a surrogate pair"),
        (r'{"\udfff": 1}', "it holds half of a surrogate pair"),
        (b'"\xff"', "it is not UTF-8 text"),
        ('"a"'.encode("utf-16"), "it is not UTF-8 text"),
        ("[" * 40 + "]" * 40, "it is nested too deeply"),
        ('{"a":' * 100_000, "it is nested too deeply"),
        ("[1] [2]", "line 1, column 5: Extra data"),
        ("{'a': 1}", "line 1, column 2: Expecting property name enclosed in double quotes"),
        ('"a\nb"', "line 1, column 3: Invalid control character at"),
    ],
)
def test_anything_else_is_refused_without_a_quote_of_it(text, reason):
    with pytest.raises(ParseError) as refusal:
        parse(text)
    assert str(refusal.value) == f"The body is not JSON: {reason}."


@given(st.text(string.printable) | st.binary())
def test_no_body_breaks_the_parser(text):
    try:
        value = parse(text)
    except ParseError:
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_the_limits_themselves_are_taken():
    assert parse("9007199254740991") == 2**53 - 1
    assert parse("[" * 32 + "]" * 32) is not None
    assert len(parse(json.dumps("x" * (parsers.JSON_MAX - 2)))) == parsers.JSON_MAX - 2


def test_a_longer_body_is_too_large():
    with pytest.raises(TooLarge):
        parse(json.dumps("x" * parsers.JSON_MAX))


def test_a_file_is_streamed_to_its_beginning():
    upload = UploadParser().parse(io.BytesIO(b"one\ntwo\n"))
    assert (upload.size, upload.stream.read()) == (8, b"one\ntwo\n")


def test_a_file_that_is_too_large_is_closed(monkeypatch):
    monkeypatch.setattr(parsers, "UPLOAD_MAX", 7)
    with pytest.raises(TooLarge):
        UploadParser().parse(io.BytesIO(b"12345678"))
    assert UploadParser().parse(io.BytesIO(b"1234567")).size == 7


def received(self, request):
    return Response({"size": request.data.size})


UPLOAD = {"needs": {"post": "batches.import"}, "post": received, "parser_classes": (UploadParser, JSONLinesParser)}


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-ndjson"])
def test_a_route_takes_files(kind):
    assert ask(view(**UPLOAD), "post", data=b"{}\n", content_type=kind).data == {"size": 3}


def test_an_announced_length_is_believed_before_the_first_byte(monkeypatch):
    monkeypatch.setattr(parsers, "UPLOAD_MAX", 2)
    monkeypatch.setattr(parsers.tempfile, "TemporaryFile", None)
    answer = ask(view(**UPLOAD), "post", data=b"{}\n", content_type="application/x-ndjson")
    assert (answer.status_code, answer.data["code"]) == (413, "too_large")


def test_a_body_of_unknown_length_is_refused():
    def post(self, request):
        return Response(request.data)

    route = view(needs={"post": "cycle.create"}, post=post)
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = ask(route, "post", data={"a": 1}, format="json", **chunked)
    assert (answer.status_code, answer.data["code"]) == (411, "length_required")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
def test_other_kinds_of_bodies_are_refused(kind):
    def post(self, request):
        return Response(request.data)

    answer = ask(view(needs={"post": "cycle.create"}, post=post), "post", data=b"a=1", content_type=kind)
    assert (answer.status_code, answer.data["code"]) == (415, "unsupported_media_type")
