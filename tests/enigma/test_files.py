"""A file is written whole or not at all, for its owner's eyes, and never over another without leave."""

import io
import stat
import sys
from types import SimpleNamespace

import pytest

from enigma.errors import Malformed
from enigma.files import source, whole_file


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "list.csv"
    with whole_file(target) as stream:
        stream.write(b"one\n")
        assert [path.name for path in tmp_path.iterdir()] == ["list.csv.part"]
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]
    assert target.read_bytes() == b"one\n"


def test_a_file_is_readable_by_its_owner_only(tmp_path):
    target = tmp_path / "list.csv"
    with whole_file(target):
        pass
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_failure_leaves_nothing(tmp_path):
    def fail():
        with whole_file(tmp_path / "list.csv") as stream:
            stream.write(b"one\n")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "list.csv"
    target.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), whole_file(target, force=True):
        raise KeyboardInterrupt
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("list.csv", b"before")]


def test_a_file_that_is_there_is_not_replaced(tmp_path):
    target = tmp_path / "list.csv"
    target.write_bytes(b"before")
    with pytest.raises(Malformed, match="is there already; --force replaces it"), whole_file(target):
        pytest.fail("nothing may be written")
    assert target.read_bytes() == b"before"


def test_a_file_that_is_there_is_replaced_on_demand(tmp_path):
    target = tmp_path / "list.csv"
    target.write_bytes(b"before")
    with whole_file(target, force=True) as stream:
        stream.write(b"after")
    assert target.read_bytes() == b"after"


def test_what_a_killed_run_left_is_replaced_with_its_permissions(tmp_path):
    part = tmp_path / "list.csv.part"
    part.write_bytes(b"half a line of a killed run")
    part.chmod(0o644)
    with whole_file(tmp_path / "list.csv") as stream:
        stream.write(b"one\n")
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert (tmp_path / "list.csv").read_bytes() == b"one\n"


def test_a_link_in_the_way_is_not_followed(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"gold")
    (tmp_path / "list.csv.part").symlink_to(treasure)
    with whole_file(tmp_path / "list.csv") as stream:
        stream.write(b"one\n")
    assert treasure.read_bytes() == b"gold"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with (
        pytest.raises(Malformed, match=r"list\.csv\.part cannot be written: No such file or directory\.$"),
        whole_file(tmp_path / "no" / "list.csv"),
    ):
        pytest.fail("nothing can be written")


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    (tmp_path / "list.csv").mkdir()
    with pytest.raises(Malformed, match=r"is a folder\.$"), whole_file(tmp_path / "list.csv", force=True):
        pytest.fail("nothing can be written")


def test_a_dash_writes_to_standard_output(monkeypatch):
    stdout = SimpleNamespace(buffer=io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    with whole_file("-") as stream:
        stream.write(b"one\n")
    assert stdout.buffer.getvalue() == b"one\n"


def test_a_source_is_read(tmp_path):
    (tmp_path / "in").write_bytes(b"one\n")
    with source(tmp_path / "in") as stream:
        assert stream.read() == b"one\n"
    assert stream.closed


def test_a_dash_reads_from_standard_input_and_leaves_it_open(monkeypatch):
    stdin = SimpleNamespace(buffer=io.BytesIO(b"one\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    with source("-") as stream:
        assert stream.read() == b"one\n"
    assert not stdin.buffer.closed


@pytest.mark.parametrize(("name", "reason"), [("no", "No such file or directory"), (".", "Is a directory")])
def test_a_source_that_cannot_be_read_is_told(tmp_path, name, reason):
    with pytest.raises(Malformed, match=rf"cannot be read: {reason}\.$"), source(tmp_path / name):
        pytest.fail("nothing can be read")
