"""What every command shares: exit codes, where words and data go, and the question before a deed."""

import io
import json
import sys

import pytest
from django.core.management.base import CommandError

from enigma.errors import Conflict, Denied, Malformed, Refused
from enigma.operation import OperatorCommand, progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def command(**deeds):
    one = OperatorCommand(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)
    vars(one).update(deeds)
    return one


@pytest.mark.parametrize(("refusal", "code"), [(Refused, 3), (Denied, 3), (Conflict, 4), (Malformed, 2)])
def test_a_refusal_becomes_its_exit_code(refusal, code):
    def operate(**options):
        raise refusal("Amina said no.")

    with pytest.raises(CommandError, match=r"^Amina said no\.$") as error:
        command(operate=operate).handle()
    assert error.value.returncode == code


def test_an_error_of_the_program_stays_one():
    def operate(**options):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command(operate=operate).handle()


def test_the_options_reach_the_deed():
    seen = {}
    command(operate=lambda **options: seen.update(options)).handle("ignored", code="fall")
    assert seen == {"code": "fall"}


def test_words_go_to_stderr_and_data_to_stdout():
    one = command()
    one.say("something beside")
    one.answer("3 rows", {"rows": 3}, as_json=False)
    assert (one.stdout.getvalue(), one.stderr.getvalue()) == ("3 rows\n", "something beside\n")


def test_data_is_one_line_of_json_when_asked_for():
    one = command()
    one.answer("3 rows", {"rows": 3, "name": "Qürĕshi"}, as_json=True)
    assert json.loads(one.stdout.getvalue()) == {"rows": 3, "name": "Qürĕshi"}
    assert one.stdout.getvalue().count("\n") == 1


@pytest.mark.parametrize("answer", ["y", "YES", " y "])
def test_a_yes_lets_the_deed_go_on(monkeypatch, answer):
    monkeypatch.setattr(sys, "stdin", Terminal(answer + "\n"))
    command().agree("Go on?", yes=False)


@pytest.mark.parametrize("answer", ["n", "", "yess"])
def test_anything_else_stops_it(monkeypatch, answer):
    monkeypatch.setattr(sys, "stdin", Terminal(answer + "\n"))
    with pytest.raises(CommandError, match=r"^Nothing was done\.$") as error:
        command().agree("Go on?", yes=False)
    assert error.value.returncode == 2


@pytest.mark.parametrize(("stdin", "yes"), [(Terminal(), True), (io.StringIO(), False)])
def test_nobody_is_asked_who_said_yes_or_is_not_there(monkeypatch, stdin, yes):
    monkeypatch.setattr(sys, "stdin", stdin)
    command().agree("Go on?", yes=yes)


def test_progress_is_silent_without_a_terminal(capsys):
    with progress("rows", total=2) as told:
        told(1)
        told(2)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("rows", total=2) as told:
        told(2)
    assert "rows" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
