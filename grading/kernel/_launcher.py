"""Runs inside of the sandbox: holds Python warm and forks one kernel for each notebook.

It is started as text (``python -c``), and imports nothing of this project. Its arguments: a
socket's descriptor, the folder with the files of the submission, the folder to work in, modules to
load (``a,b``), ``alone`` where its process namespace holds nobody else, and resource limits as
JSON. Commands come over the socket, one JSON object each, and so do the answers:

- ``{"do": "fill", "large": N}`` copies the files; those above N bytes become links to read-only
  ones. It comes once, before any learner's code.
- ``{"do": "kernel", "key": K}`` with four listening sockets (shell, stdin, control, iopub) forks
  an IPython kernel that serves them. When it ends, ``{"ended": STATUS}`` follows.
- ``{"do": "interrupt"}`` sends it SIGINT.
- ``{"do": "end"}`` ends it and whatever it left behind.

The sockets are bound outside, so that no folder has to be shared with the learner's process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn


def preload(modules: list[str]) -> None:
    """Import what the notebooks need; what is missing here is told by their own imports."""
    # What ipykernel would set: too late for a matplotlib that is loaded before.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in ("ipykernel.kernelapp", *modules):
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def fill(inbox: str, job: str, large: int) -> None:
    """Copy the submission's files to where the notebook runs."""
    for source in sorted(Path(inbox).rglob("*")):
        target = Path(job, source.relative_to(inbox))
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif source.stat().st_size > large:
            target.symlink_to(source)
        else:
            shutil.copyfile(source, target)


def serve(key: str, listening: list[int], job: str) -> NoReturn:
    """Become an IPython kernel on sockets that are bound already."""
    import zmq
    from ipykernel.kernelapp import IPKernelApp

    class App(IPKernelApp):
        def _try_bind_socket(self, s: Any, port: int) -> int:
            s.setsockopt(zmq.USE_FD, listening[port - 1])
            s.bind(f"ipc://{self.ip}-{port}")
            return port

        def init_control(self, context: Any) -> None:
            super().init_control(context)  # type: ignore[no-untyped-call]  # it carries no types
            debugger = getattr(self, "debug_shell_socket", None)
            if debugger is not None:  # it would look for the shell by a path that is outside
                with contextlib.suppress(zmq.ZMQError):
                    debugger.disconnect(self.shell_socket.getsockopt(zmq.LAST_ENDPOINT))

        def init_heartbeat(self) -> None:
            """Leave it out: the end of the process is noticed otherwise."""

    settings = Path(os.environ["IPYTHONDIR"])
    settings.mkdir(parents=True, exist_ok=True)
    file = settings / "kernel.json"
    ports = {"shell_port": 1, "stdin_port": 2, "control_port": 3, "iopub_port": 4, "hb_port": 5}
    place = {"transport": "ipc", "ip": str(settings / "k")}
    signed = {"key": key, "signature_scheme": "hmac-sha256"}
    file.write_text(json.dumps({**place, **signed, **ports}), encoding="utf-8")
    os.chdir(job)
    if "" not in sys.path:  # modules beside the notebook, as with any kernel
        sys.path.insert(0, "")
    sys.argv = ["ipykernel_launcher.py", "-f", str(file)]
    App.launch_instance(argv=["-f", str(file), "--HistoryManager.hist_file=:memory:"])
    os._exit(0)


class Launcher:
    """Obeys the commands that come over a socket.

    Parameters
    ----------
    control : socket.socket
        Keeps the bounds of messages.
    inbox, job : str
        Folders.
    alone : bool
        Whether a signal to everybody hits nobody else.
    """

    def __init__(self, control: socket.socket, inbox: str, job: str, *, alone: bool) -> None:
        self.control, self.inbox, self.job, self.alone = control, inbox, job, alone
        self.kernel = 0
        self.woken, self.wake = os.pipe()
        os.set_blocking(self.wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake)

    def run(self) -> None:
        """Serve until the other end closes."""
        self.send({"ready": True})
        while True:
            readable = select.select([self.control.fileno(), self.woken], [], [])[0]
            if self.woken in readable:
                os.read(self.woken, 4096)
                self.reap()
            if self.control.fileno() in readable:
                data, sockets, _, _ = socket.recv_fds(self.control, 65536, 8)
                if not data:
                    self.end()
                    return
                self.obey(json.loads(data), sockets)

    def send(self, message: dict[str, Any]) -> None:
        """Answer."""
        self.control.send(json.dumps(message).encode())

    def obey(self, command: dict[str, Any], sockets: list[int]) -> None:
        """Do what was asked."""
        if command["do"] == "fill":
            fill(self.inbox, self.job, command["large"])
            self.send({"filled": True})
        elif command["do"] == "kernel":
            self.fork(command["key"], sockets)
        elif command["do"] == "interrupt":
            if self.kernel:
                os.kill(self.kernel, signal.SIGINT)
        elif command["do"] == "end":
            self.end()
            self.send({"cleared": True})

    def fork(self, key: str, sockets: list[int]) -> None:
        """Start a kernel."""
        self.kernel = os.fork()
        if self.kernel == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.setsid()
                for number in (self.woken, self.wake, self.control.detach()):
                    os.close(number)
                serve(key, sockets, self.job)
            finally:
                os._exit(70)
        for number in sockets:
            os.close(number)

    def reap(self) -> None:
        """Wait for whoever has ended, and tell if it was the kernel."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.kernel:
                    self.kernel = 0
                    self.send({"ended": os.waitstatus_to_exitcode(found[1])})

    def end(self) -> None:
        """End the kernel and, where nobody else would be hit, all that it started."""
        with contextlib.suppress(ProcessLookupError):
            if self.alone:
                os.kill(-1, signal.SIGKILL)  # not the namespace's first process, and not me
            elif self.kernel:
                os.killpg(self.kernel, signal.SIGKILL)
        if self.kernel:
            os.waitpid(self.kernel, 0)
        self.kernel = 0


def main(descriptor: str, inbox: str, job: str, modules: str, alone: str, ceilings: str) -> None:
    """Load, accept the limits, let go of the inherited streams, and serve."""
    preload(modules.split(",") if modules else [])
    for name, value in json.loads(ceilings).items():
        resource.setrlimit(getattr(resource, name), (value, value))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    Launcher(socket.socket(fileno=int(descriptor)), inbox, job, alone=alone == "alone").run()


if __name__ == "__main__":
    main(*sys.argv[1:])
