"""The command `scrub`: JSON lines in, JSON lines out, bad lines named and skipped."""

import io
from types import SimpleNamespace

import orjson
import pytest
from django.core.management import CommandError, call_command

from admissions.management.commands import scrub as command


@pytest.fixture
def run(monkeypatch):
    """Run the command on bytes; return its answers, what it said on standard error, and its exit code."""

    def runner(data: bytes) -> tuple[list[object], str, int]:
        output, said, code = io.BytesIO(), io.StringIO(), 0
        streams = SimpleNamespace(
            stdin=SimpleNamespace(buffer=io.BytesIO(data)),
            stdout=SimpleNamespace(buffer=output),
            stderr=io.StringIO(),
        )
        monkeypatch.setattr(command, "sys", streams)
        try:
            call_command("scrub", stderr=said)
        except CommandError as error:
            code = error.returncode
        return [orjson.loads(line) for line in output.getvalue().splitlines()], said.getvalue(), code

    return runner


def test_a_line_is_answered_with_text_and_spans(run):
    line = b'{"id":"a1","text":"I am Zoya.","identity":{"name":"Zoya Mir","x":1},"split":"dev"}\n'
    answer = {"id": "a1", "scrubbed": "I am [NAME].", "spans": [{"start": 5, "end": 9, "type": "NAME"}]}
    assert run(line) == ([answer], "", 0)


@pytest.mark.parametrize("line", [b'{"id":1,"text":"Hi."}', b'{"id":1,"text":"Hi.","identity":null}'])
def test_an_identity_may_be_null_or_absent(run, line):
    assert run(line) == ([{"id": 1, "scrubbed": "Hi.", "spans": []}], "", 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"id":1,"text":"\xff"}', "not JSON"),
        (b'{"id":1,"text":"\\ud800"}', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"text":"x"}', "id: missing"),
        (b'{"id":null,"text":"x"}', "id: must be a string or a whole number"),
        (b'{"id":1}', "text: missing"),
        (b'{"id":1,"text":7}', "text: must be a string"),
        (b'{"id":1,"text":"x","identity":[]}', "identity: must be an object or null"),
        (b'{"id":1,"text":"x","identity":{"phone":5}}', "identity.phone: must be a string or null"),
    ],
)
def test_a_bad_line_is_named_and_skipped(run, line, reason):
    answers, said, code = run(b'{"id":1,"text":"one"}\n' + line + b'\n{"id":3,"text":"three"}\n')
    assert [answer["id"] for answer in answers] == [1, 3]
    assert said.startswith(f"line 2: {reason}")
    assert code == 1


def test_blank_lines_are_passed_over(run):
    assert run(b"\n \n") == ([], "", 0)


def test_each_answer_is_flushed_before_the_next_line_is_read():
    class Watched(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = len(self.getvalue().splitlines())

    output = Watched()
    seen: list[int] = []

    def lines():
        for number in range(3):
            seen.append(output.flushed)
            yield b'{"id":%d,"text":"x"}\n' % number

    command.Command()._scrub_lines(lines(), output)
    assert seen == [0, 1, 2]
