"""The launcher of the embedded PostgreSQL: what it gives a command, and that nothing stays behind."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from environ import Env
from psycopg.conninfo import conninfo_to_dict

from enigma.cluster import DURABLE, LONGEST_SOCKET, RELEASE, Server, _copy_programs
from enigma.errors import Conflict, Refused
from enigma.places import TEMPORARY, throwaway_server
from enigma.postgres import main

ROOT = str(Path(__file__).resolve().parent.parent)
# A launcher starts a server only where none is named, and these tests run inside a launcher.
NAMED = {"DATABASE_URL", "ENIGMA_PG_BIN", "ENIGMA_PG_LOG", "ENIGMA_LAUNCHER", "PGHOST"}
BARE = {name: value for name, value in os.environ.items() if name not in NAMED}
BARE |= {"ENIGMA_ENV_FILE": os.devnull, "PYTHONPATH": ROOT}
PSQL = '"$ENIGMA_PG_BIN/psql" -qAtX "$DATABASE_URL" -c '
SLEEP = "echo ready; exec sleep 60"


@pytest.fixture(scope="module")
def folder():
    """A database folder, made once; under root, the server cannot enter pytest's own folders."""
    place = Path(tempfile.mkdtemp(prefix="enigma-test-", dir=TEMPORARY))
    launch("true", data=place)
    yield place
    shutil.rmtree(place)


def command(script: str, *, data: Path | None) -> list[str]:
    place = ["--data", str(data)] if data else ["--throwaway"]
    return [sys.executable, "-m", "enigma.postgres", *place, "--", "sh", "-c", script]


def launch(script: str, *, data: Path | None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a launcher around a shell script to its end."""
    return subprocess.run(
        command(script, data=data), env=BARE | environment, capture_output=True, text=True, check=False
    )


@contextmanager
def launched(script: str, *, data: Path | None) -> Iterator[subprocess.Popen[str]]:
    """Start a launcher beside us, wait until its script has said "ready", and end it at last."""
    with subprocess.Popen(command(script, data=data), env=BARE, stdout=subprocess.PIPE, text=True) as launcher:
        try:
            assert launcher.stdout.readline() == "ready\n"
            yield launcher
        finally:
            launcher.terminate()


def ended(launcher: subprocess.Popen[str]) -> int:
    return launcher.wait(timeout=30)


def kill(launcher: subprocess.Popen[str]) -> None:
    """Kill a launcher and its command, as a system does that runs out of memory."""
    both = [psutil.Process(launcher.pid), *psutil.Process(launcher.pid).children()]
    for process in both:
        process.kill()
    psutil.wait_procs(both, timeout=5)


def servers(place: Path) -> list[int]:
    """Return the processes of PostgreSQL that work below ``place``."""
    found = [process for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres"]
    return [process.pid for process in found if str(place) in working_folder(process)]


def working_folder(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


@pytest.mark.parametrize("place", ["/srv/enigma", "/srv/with a space/ünd 100%+"])
def test_django_and_libpq_read_the_same_url(place):
    server = Server.__new__(Server)
    server.data, server.settings = Path(place), DURABLE
    assert Env.db_url_config(server.url("enigma"))["OPTIONS"] == {"host": place, "port": 5432}
    assert Env.db_url_config(server.url("enigma"))["NAME"] == "enigma"
    assert conninfo_to_dict(server.url("enigma")) == {
        "user": "postgres",
        "dbname": "enigma",
        "host": place,
        "port": "5432",
    }


def test_a_command_gets_a_database_and_gives_its_exit_code(folder):
    done = launch(f"{PSQL} 'SELECT current_database()'; exit 7", data=folder)
    assert (done.stdout, done.stderr, done.returncode) == ("enigma\n", "", 7)
    assert servers(folder) == []


def test_what_a_command_stores_is_there_for_the_next(folder):
    launch(f"{PSQL} 'CREATE TABLE kept AS SELECT 42 AS n'", data=folder)
    assert launch(f"{PSQL} 'SELECT n FROM kept'", data=folder).stdout == "42\n"


def test_a_lasting_database_survives_a_power_cut_and_a_throwaway_one_is_fast(folder):
    asked = f"{PSQL} \"SELECT current_setting('fsync'), current_setting('full_page_writes')\""
    assert launch(asked, data=folder).stdout == "on|on\n"
    assert launch(asked, data=None).stdout == "off|off\n"
    durable = command(asked, data=None)
    durable.insert(durable.index("--throwaway"), "--durable")
    assert subprocess.check_output(durable, env=BARE, text=True) == "on|on\n"


def test_pg_dump_of_the_same_release_is_at_hand(folder):
    count = '"$ENIGMA_PG_BIN/pg_dump" "$DATABASE_URL" | grep -c "PostgreSQL database dump complete"'
    assert launch(count, data=folder).stdout == "1\n"


def test_the_log_of_the_server_can_be_read(folder):
    fault = f"{PSQL} 'SELECT nonesuch' 2>/dev/null; "
    done = launch(fault + """grep -c 'column "nonesuch" does not exist' "$ENIGMA_PG_LOG" """, data=folder)
    assert done.stdout == "1\n"


def test_a_throwaway_database_leaves_nothing():
    place = Path(launch('echo "$PGHOST"', data=None).stdout.strip())
    assert place.parent.name.startswith("enigma-")
    assert (place.parent.exists(), servers(place)) == (False, [])


def test_a_killed_throwaway_is_cleared_by_the_next():
    with launched('echo ready; echo "$PGHOST"; exec sleep 60', data=None) as launcher:
        place = Path(launcher.stdout.readline().strip()).parent
        kill(launcher)
    os.utime(place, (0, 0))
    with throwaway_server():
        assert (place.exists(), servers(place)) == (False, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_and_the_server_stops(folder, number):
    # A shell acts on a signal only between commands, so this one waits for a command in the background.
    with launched(f"trap 'exit 5' {number.name[3:]}; echo ready; sleep 60 & wait", data=folder) as launcher:
        launcher.send_signal(number)
        assert ended(launcher) == 5
    assert servers(folder) == []


def test_a_command_that_a_signal_ends_is_reported_as_a_shell_does(folder):
    with launched(SLEEP, data=folder) as launcher:
        launcher.terminate()
        assert ended(launcher) == 128 + signal.SIGTERM


def test_a_key_at_the_terminal_reaches_the_command_once(folder):
    count = "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 1; sleep 1; echo interrupted $n times"
    arguments = command(count, data=folder)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, arguments, BARE)  # noqa: S606  after a fork, only exec
    said = os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"times" not in said:
        said += os.read(terminal, 1024)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert (said.rpartition(b"interrupted")[2], os.waitstatus_to_exitcode(status)) == (b" 1 times\r\n", 0)


def test_what_a_crashed_command_left_running_is_ended(folder):
    done = launch("sleep 60 >/dev/null & echo $!; kill -KILL $$", data=folder)
    assert done.returncode == 128 + signal.SIGKILL
    assert not psutil.pid_exists(int(done.stdout))


def test_launchers_of_one_folder_share_its_server_and_the_last_stops_it(folder):
    last_act = f"trap '{PSQL} \"SELECT 1\"; exit 0' TERM; echo ready; sleep 60 & wait"
    with launched(last_act, data=folder) as second:
        postmaster = (folder / "data" / "postmaster.pid").read_text()
        with launched(SLEEP, data=folder):
            pass
        assert (folder / "data" / "postmaster.pid").read_text() == postmaster
        second.terminate()
        assert (second.stdout.read(), ended(second), servers(folder)) == ("1\n", 0, [])


def test_the_server_of_a_killed_launcher_is_taken_over_and_stopped(folder):
    with launched(SLEEP, data=folder) as launcher:
        kill(launcher)
    assert servers(folder) != []
    assert launch(f"{PSQL} 'SELECT 1'", data=folder).stdout == "1\n"
    assert servers(folder) == []


def test_a_killed_server_starts_again(folder):
    with launched(SLEEP, data=folder):
        for number in servers(folder):
            os.kill(number, signal.SIGKILL)
    assert (folder / "data" / "postmaster.pid").exists()
    assert launch(f"{PSQL} 'SELECT 1'", data=folder).stdout == "1\n"


def test_a_lock_file_with_the_number_of_another_process_is_no_server(folder):
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}/data\n1\n5432\n\n\n\nready\n")
    assert launch(f"{PSQL} 'SELECT 1'", data=folder).stdout == "1\n"


def test_a_database_in_use_is_not_removed(folder):
    with launched(SLEEP, data=folder), pytest.raises(Conflict, match="is in use"):
        Server(folder, settings=DURABLE).remove()


def test_a_database_that_nobody_uses_is_removed_whole():
    place = Path(tempfile.mkdtemp(prefix="enigma-test-", dir=TEMPORARY))
    server = Server(place, settings=DURABLE)
    with server.running():
        assert servers(place) != []
    server.remove()
    assert (place.exists(), servers(place)) == (False, [])


def test_a_named_server_is_used_as_it_is():
    script = 'echo "$DATABASE_URL ${ENIGMA_PG_BIN-no embedded server}"'
    done = launch(script, data=None, DATABASE_URL="postgres://elsewhere/db")
    assert done.stdout == "postgres://elsewhere/db no embedded server\n"


@pytest.mark.parametrize("named", [{}, {"DATABASE_URL": "postgres://elsewhere/db"}])
def test_an_unknown_program_is_refused_in_a_sentence(folder, named):
    unknown = [*command("", data=folder)[:5], "--", "nonesuch"]
    done = subprocess.run(unknown, env=BARE | named, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("nonesuch cannot be run: No such file or directory.\n", 3)
    assert servers(folder) == []


@pytest.mark.parametrize(
    "order", ["", "--throwaway", "--remove -- true", "--data x --throwaway -- true", "--durable -- true"]
)
def test_a_launcher_without_a_clear_order_explains_itself(order, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(order.split())
    assert stopped.value.code == 2
    assert "usage: python -m enigma.postgres" in capsys.readouterr().err


def test_programs_in_a_closed_checkout_run_from_a_copy(folder):
    installed = Server(folder, settings=DURABLE).programs.parents[1]
    _copy_programs(installed, folder / "copy")
    program = folder / "copy" / installed.name / RELEASE / "bin" / "postgres"
    assert "(PostgreSQL) 18" in subprocess.check_output([program, "--version"], text=True)


def test_a_folder_too_deep_for_a_socket_is_refused(tmp_path):
    with pytest.raises(Refused, match="its path is too long"):
        Server(tmp_path / ("x" * LONGEST_SOCKET), settings=DURABLE)


def test_a_link_in_place_of_the_folder_is_refused(folder):
    link = folder / "link"
    link.symlink_to(folder)
    with pytest.raises(Refused, match="is not a folder of this user"):
        Server(link, settings=DURABLE)
