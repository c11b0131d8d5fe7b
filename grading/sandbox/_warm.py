"""The outside end of a template: start it in bubblewrap, order children, end them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from grading.limits import Limits
from grading.sandbox import _memory as memory
from grading.sandbox._filter import seccomp_filter
from grading.sandbox._image import DEVICES, PACKAGES, PREFIX, build_image
from grading.sandbox._run import SandboxError

START_S = 60.0
END_S = 2.0
PYTHON = f"/{PREFIX}/bin/python"
"""The interpreter, seen from within."""

_FIRST_ID, _N_IDS = 61184, 4096
"""Below what systemd keeps for users of the moment: no account and no file belongs to these."""

_MAX_MESSAGE = 1 << 16
_CREDENTIALS = struct.Struct("3i")
_N_FILES = 64  # also bounds what can wait unread in pipes and sockets
_N_OWN_PROCESSES = 3
"""bubblewrap's process 1, the template, and the child's process 1."""

_ALWAYS = ("numpy", "numpy.random")
"""NumPy loads its generators when they are first asked for: 12 ms for each submission anew."""

_START = (
    f"import sys; sys.path.append('/{PACKAGES}'); "
    "from grading.probes._template import main; main(int(sys.argv[1]))"
)
SCRATCH = "/tmp"  # ruff: ignore[hardcoded-temp-file]  the sandbox's own
ONE_THREAD = {
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
ENVIRONMENT = {
    **ONE_THREAD,
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": "/lib",
    "PYTHONHASHSEED": "0",  # sets in the same order in every run
    "TZ": "UTC",
}


def drop_root() -> list[str]:
    """Return what to write before a command so that it does not run as root.

    Returns
    -------
    list of str
        A call of setpriv with an id that is this worker's own; nothing for an ordinary user.
    """
    if os.geteuid() != 0:
        return []
    own = _FIRST_ID + os.getpid() % _N_IDS
    return [_program("setpriv"), f"--reuid={own}", f"--regid={own}", "--clear-groups", "--"]


def isolated(image: Path) -> list[str]:
    """Return the command line of bubblewrap, up to the program that it is to run.

    Parameters
    ----------
    image : Path
        What becomes the root of the file system, read-only.

    Returns
    -------
    list of str
        The program and its arguments.
    """
    binds = [part for name in DEVICES for part in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")]
    settings = [part for name, value in ENVIRONMENT.items() for part in ("--setenv", name, value)]
    return [
        *drop_root(), _program("bwrap"),
        "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
        "--hostname", "sandbox",
        "--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP",
        "--ro-bind", str(image), "/", *binds, "--tmpfs", SCRATCH, "--remount-ro", SCRATCH,
        "--remount-ro", "/", "--chdir", "/", *settings, "--",
    ]  # fmt: skip


class Template:
    """A warm process for one set of modules.

    When a child has ended, the next one is ordered at once: it isolates itself while the results of
    the last are judged, and the next submission finds it ready.

    Parameters
    ----------
    modules : sequence of str
        What its children may import beside the standard library.

    Attributes
    ----------
    alive : bool
        Whether it can be asked for children.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        image = build_image(modules=modules)
        self._orders, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._errors = tempfile.TemporaryFile()  # ruff: ignore[open-file-with-context-handler]  closed by kill
        with inside:
            # -s -P -S -B with a cleared environment is -I, but for the seed of hashes.
            command = [*isolated(image), PYTHON, "-s", "-P", "-S", "-B", "-c", _START]
            self._process = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true]  a list
                [*command, str(inside.fileno())],
                pass_fds=[inside.fileno()], cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
            )  # fmt: skip
        self.alive = True
        self._limits = Limits()
        self._spare: socket.socket | None = None
        try:
            self.pid = self._started(sorted({*modules, *_ALWAYS}))
        except BaseException:
            self.kill()
            raise
        self._address_bytes = memory.address_bytes(self.pid)

    def begin(self, limits: Limits) -> socket.socket:
        """Return the channel of a child that has run nothing yet.

        Parameters
        ----------
        limits : Limits
            Its limits.

        Returns
        -------
        socket.socket
            The outside end of its channel.

        Raises
        ------
        SandboxError
            If the template is gone.
        """
        if self._spare is not None and limits == self._limits:
            spare, self._spare = self._spare, None
            return spare
        self.dismiss()
        self._limits = limits
        return self._ordered()

    def dismiss(self) -> None:
        """End the child that waits for a submission, if there is one."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()
            self._ended()

    def _ordered(self) -> socket.socket:
        """Order a child and do not wait until it is there."""
        limits = self._limits
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        order = {
            "do": "begin",
            "limits": {
                # A backstop for what one process takes between two looks at the whole tree.
                "address_bytes": self._address_bytes + 2 * limits.memory_bytes,
                "cpu_s": max(1, int(2 * limits.submission_s)),
                "file_bytes": limits.file_bytes,
                "n_processes": limits.n_processes + _N_OWN_PROCESSES,
                "n_files": _N_FILES,
            },
        }
        with theirs:
            try:
                socket.send_fds(self._orders, [json.dumps(order).encode()], [theirs.fileno()])
            except OSError as error:
                ours.close()
                self.kill()
                msg = "the template of the sandbox has ended"
                raise SandboxError(msg) from error
        return ours

    def end(self) -> dict[str, Any]:
        """Have the child and all that it started killed; where that fails, kill the template.

        Returns
        -------
        dict
            ``cpu_s`` and ``peak_bytes`` of the child, where they are known; ``gone`` if the
            template itself had been killed.
        """
        used = self._ended()
        if self.alive:
            with suppress(SandboxError):  # whoever begins next finds out, and starts another
                self._spare = self._ordered()
        return used

    def _ended(self) -> dict[str, Any]:
        """Have the child killed, and tell what it used."""
        try:
            self._orders.send(b'{"do": "end"}')
            return self._reply(END_S)[0]
        except TimeoutError:
            self.kill()
            return {}
        except (OSError, SandboxError):  # nobody is there: no submission can end its template
            self.kill()
            return {"gone": True}

    def kill(self) -> None:
        """End the template, and with it everything below it."""
        self.alive = False
        if self._spare is not None:
            self._spare.close()
        self._orders.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._errors.close()

    def _started(self, modules: Sequence[str]) -> int:
        configuration = {"modules": modules, "filter": seccomp_filter().hex()}
        try:
            self._orders.send(json.dumps(configuration).encode())
            reply, pid = self._reply(START_S)
        except (OSError, SandboxError) as error:
            msg = f"the sandbox did not start: {self._complaint() or error}"
            raise SandboxError(msg) from error
        if "ready" not in reply:
            msg = f"the sandbox did not start: {reply.get('failed')}"
            raise SandboxError(msg)
        n_threads = memory.n_threads(pid)
        if n_threads != 1:
            msg = f"the sandbox's template has {n_threads} threads, expected 1"
            raise SandboxError(msg)
        return pid

    def _reply(self, within_s: float) -> tuple[dict[str, Any], int]:
        """Wait for a message; the kernel adds the number of the process that sent it."""
        self._orders.settimeout(within_s)
        space = socket.CMSG_SPACE(_CREDENTIALS.size)
        text, extra, _, _ = self._orders.recvmsg(_MAX_MESSAGE, space)
        self._orders.settimeout(None)
        if not text:
            msg = "its template has ended"
            raise SandboxError(msg)
        pids = [
            _CREDENTIALS.unpack(data)[0]
            for level, kind, data in extra
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS
        ]
        return json.loads(text), pids[0] if pids else 0

    def _complaint(self) -> str:
        """Return what bubblewrap or Python wrote before it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._errors.seek(0)
        return self._errors.read(_MAX_MESSAGE).decode(errors="replace").strip()


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        msg = f"{name} is not installed"
        raise SandboxError(msg)
    return found
