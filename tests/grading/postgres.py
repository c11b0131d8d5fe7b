"""A private PostgreSQL server for tests, from the system's package.

It listens on a Unix socket in a short folder of its own and nowhere else. It starts when a test
first asks for it, once for the whole run, and ends with this process, however that ends.

A test module takes it by importing the fixture:

    from tests.grading.postgres import PostgresServer, postgres  # noqa: F401
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import _require

_START_S = 60.0


def binaries() -> Path | None:
    """Return the folder of the newest installed server's programs."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


class PostgresServer:
    """A server with no data that anybody would miss.

    Parameters
    ----------
    binaries : Path
        Folder of ``initdb`` and ``postgres``.
    durable : bool, default False
        Whether it waits for the disk: a crash of the server needs none of that, a measurement
        does.
    """

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self.binaries = binaries
        self.durable = durable
        # Short: the path of a socket may have about a hundred bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="nnpg-", dir="/tmp"))
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: list[str] = []
        if os.getuid() == 0:  # the server refuses to run as root
            owner = self._unprivileged()
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as_user = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        self._run(
            "initdb", "-D", self._data, "-A", "trust", "-U", "grader", "-E", "UTF8", "--no-sync"
        )
        self.start()

    @staticmethod
    def _unprivileged() -> pwd.struct_passwd:
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        pytest.fail("running as root, and there is neither a user postgres nor a user nobody")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _command(self, program: str, *arguments: str) -> list[str]:
        # The signal reaches the server even if this process is killed.
        wrapper = ["setpriv", *self._as_user, "--pdeathsig", "QUIT", "--"]
        return [*wrapper, str(self.binaries / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        done = subprocess.run(
            self._command(program, *arguments),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "",
            "max_connections": "40",
            "shared_buffers": "32MB",
            "fsync": "on" if self.durable else "off",
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", self._data, *flags),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{self.log}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        import psycopg2

        try:
            psycopg2.connect(host=str(self.folder), user="grader", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.folder.parent / f"{self.folder.name}.log").read_text("utf-8", "replace")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server.

        Parameters
        ----------
        how : Signals, default SIGQUIT
            SIGQUIT breaks off everything, as a crash would; SIGINT ends connections in order.
        """
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server in the middle of whatever it does, and start it again."""
        self.stop(how)
        self.start()

    def new_database(self) -> str:
        """Make an empty database; returns its URL."""
        import psycopg2

        name = f"gradebook{next(self._numbers)}"
        connection = psycopg2.connect(host=str(self.folder), user="grader", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
        finally:
            connection.close()
        return f"postgresql+psycopg2://grader@/{name}?host={self.folder}"

    def close(self) -> None:
        """Stop the server and remove what it wrote."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)


@cache
def _server() -> PostgresServer:
    """The one server of this process, however many modules import the fixture."""
    found = binaries()
    _require(found is not None, "no PostgreSQL on this machine: install the package postgresql")
    _require(shutil.which("setpriv") is not None, "no setpriv: install the package util-linux")
    assert found is not None
    server = PostgresServer(found)
    atexit.register(server.close)
    return server


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """Return a running server; a test that stops it has to start it again."""
    return _server()
