"""Server and worker of a demo run until a signal comes, and nothing stays behind."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from enigma import serving
from enigma.serving import Unserved, port_near, serve

ANSWERS = """
import http.server, sys
class Always(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    def log_message(self, *about): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Always).serve_forever()
"""
WAITS = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def program(code, *arguments):
    return ([sys.executable, "-c", code, *map(str, arguments)], {})


@pytest.fixture
def port():
    return port_near(0)


def nobody_left():
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stays_until_a_signal_and_ends_all(port, number):
    before = signal.getsignal(number)
    serve(
        [program(ANSWERS, port), program(WAITS)],
        port=port,
        ready=lambda: os.kill(os.getpid(), number),
    )
    assert (nobody_left(), signal.getsignal(number)) == ([], before)


def test_what_does_not_end_when_it_is_told_to_is_killed(port, monkeypatch):
    monkeypatch.setattr(serving, "ENDS_WITHIN", 0.3)

    def ready():
        time.sleep(0.3)  # so that the program has come to ignore the signal
        os.kill(os.getpid(), signal.SIGTERM)

    serve([program(ANSWERS, port), program(STUBBORN)], port=port, ready=ready)
    assert nobody_left() == []


def test_when_one_ends_by_itself_the_others_are_ended_and_it_is_told(port):
    with pytest.raises(Unserved, match="has ended by itself, with code 7"):
        serve([program(ANSWERS, port), program("raise SystemExit(7)")], port=port, ready=lambda: None)
    assert nobody_left() == []


def test_what_never_gets_ready_is_given_up(port, monkeypatch):
    monkeypatch.setattr(serving, "READY_WITHIN", 0.3)
    with pytest.raises(Unserved, match="did not say within"):
        serve([program(WAITS)], port=port, ready=lambda: None)
    assert nobody_left() == []


def test_a_signal_before_it_is_ready_ends_it_without_a_word(port):
    told = []
    signals = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(600)"
    serve([program(signals)], port=port, ready=lambda: told.append("ready"))
    assert (told, nobody_left()) == ([], [])


def test_the_programs_get_their_settings_and_a_session_of_their_own(port, tmp_path):
    code = (
        f"import os; open({str(tmp_path / 'said')!r}, 'w').write(os.environ['DEMO'] + str(os.getsid(0) == os.getpid()))"
    )
    with pytest.raises(Unserved):
        serve([([sys.executable, "-c", code], {"DEMO": "1"})], port=port, ready=lambda: None)
    assert (tmp_path / "said").read_text() == "1True"


def test_another_port_is_found_where_the_wanted_one_is_taken(port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert port_near(port) not in {port, 0}
    assert port_near(port) == port


def test_no_port_at_all_is_said(monkeypatch):
    def full(self, address):
        raise OSError

    monkeypatch.setattr(socket.socket, "bind", full)
    with pytest.raises(Unserved, match="no free port"):
        port_near(8000)


def test_server_and_worker_are_those_of_production():
    assert serving.server(8123)[1:4] == ["-m", "granian", "--interface"]
    assert subprocess.run([*serving.worker(), "--help"], capture_output=True, check=False).returncode == 0
