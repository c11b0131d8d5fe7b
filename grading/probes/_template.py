"""The template: a warm process within bubblewrap that forks one child for each submission.

It has imported what the unit may use, computed nothing and started no thread, so that a fork of it
is a fresh interpreter in a millisecond. Per submission:

    template ── helper ── 1 ── driver ── whatever the submission starts
                  │       │
                  │       └─ process 1 of fresh namespaces: mounts /tmp, sets limits, gives up all
                  │          rights, waits; when the driver ends, the kernel ends all below it
                  └─ enters the namespaces and leaves at once; the template adopts process 1

Orders come as JSON over a socket that keeps message boundaries; the first one configures. The
submission's own channel comes along with ``{"do": "begin"}`` as a file descriptor. The template
closes it, the child closes the socket of orders.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

from grading.probes import _isolation as isolation
from grading.probes._driver import Channel, serve

CHANNEL = 3
MAX_ORDER = 1 << 17
_MAX_DESCRIPTORS = 1 << 16

Order = dict[str, Any]


def main(descriptor: int) -> None:
    """Import, say so, and follow orders until the other side closes.

    Parameters
    ----------
    descriptor : int
        The socket of orders.
    """
    with socket.socket(fileno=descriptor) as orders:
        configuration = json.loads(orders.recv(MAX_ORDER))
        try:
            template = _Template(orders, configuration)
        except Exception as error:  # ruff: ignore[blind-except]  whatever it is, the other side must hear of it
            _reply(orders, {"failed": f"{type(error).__name__}: {error}"})
            return
        _reply(orders, {"ready": True})
        template.follow()


class _Template:
    """Holds at most one submission's process 1."""

    def __init__(self, orders: socket.socket, configuration: Order) -> None:
        self._orders = orders
        self._filter = bytes.fromhex(configuration["filter"])
        self._nothing = os.open(os.devnull, os.O_RDWR)
        self._child = 0
        for name in configuration["modules"]:
            importlib.import_module(name)
        isolation.adopt_orphans()
        if threading.active_count() != 1:
            message = "a module has started a thread, and a process with threads cannot be forked"
            raise RuntimeError(message)
        gc.collect()
        gc.freeze()  # so that a child's collector does not touch, and thereby copy, what is shared

    def follow(self) -> None:
        while True:
            text, descriptors, _, _ = socket.recv_fds(self._orders, MAX_ORDER, 1)
            if not text:
                return
            order = json.loads(text)
            if order["do"] == "begin":
                self._begin(order["limits"], descriptors[0])
            else:
                _reply(self._orders, self._end())

    def _begin(self, limits: dict[str, int], channel: int) -> None:
        read_end, write_end = os.pipe()
        helper = os.fork()
        if helper == 0:
            os.close(read_end)
            self._fork_child(limits, channel, write_end)
        os.close(write_end)
        os.close(channel)
        os.waitpid(helper, 0)
        self._child = int.from_bytes(os.read(read_end, 4), "big")  # nothing came: 0
        os.close(read_end)

    def _fork_child(self, limits: dict[str, int], channel: int, pid_pipe: int) -> NoReturn:
        """Run in the helper: enter namespaces, start process 1 in them, tell its number, leave."""
        try:
            for standard in (0, 1, 2):
                os.dup2(self._nothing, standard)
            isolation.enter_own_namespaces()
            child = os.fork()
            if child == 0:
                os.close(pid_pipe)
                self._be_first(limits, channel)
            os.write(pid_pipe, child.to_bytes(4, "big"))
        except BaseException as error:  # ruff: ignore[blind-except]  nothing may run on in this copy
            _report(channel, error)
        os._exit(0)

    def _be_first(self, limits: dict[str, int], channel: int) -> NoReturn:
        """Run as process 1: isolate, start the driver, end when it ends."""
        try:
            os.dup2(channel, CHANNEL, inheritable=False)
            os.closerange(CHANNEL + 1, _MAX_DESCRIPTORS)
            isolation.mount_scratch("/tmp", limits["file_bytes"])  # ruff: ignore[hardcoded-temp-file]  the sandbox's own
            os.chdir("/tmp")  # ruff: ignore[hardcoded-temp-file]
            isolation.limit_resources(limits)
            isolation.drop_rights(self._filter)
            driver = os.fork()
            if driver == 0:
                _drive()
            os.close(CHANNEL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while os.wait()[0] != driver:
                pass
        except BaseException as error:  # ruff: ignore[blind-except]  nothing may run on in this copy
            _report(CHANNEL, error)
        os._exit(0)

    def _end(self) -> Order:
        """Kill process 1, and with it everything in its namespace; tell what was used."""
        if not self._child:
            return {"ended": False}
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        _, status, used = os.wait4(self._child, 0)
        self._child = 0
        return {
            "ended": True,
            "status": status,
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_bytes": used.ru_maxrss * 1024,
        }


def _drive() -> NoReturn:
    """Run as the driver: say that all is set, then answer requests."""
    try:
        os.setpgid(0, 0)
        Channel(CHANNEL).send({"ready": True})
        serve(CHANNEL)
    finally:
        os._exit(0)


def _report(channel: int, error: BaseException) -> None:
    """Tell that isolation failed; no line of the submission has run then."""
    with suppress(OSError):
        Channel(channel).send({"failed": f"{type(error).__name__}: {error}"})


def _reply(orders: socket.socket, message: Order) -> None:
    orders.send(json.dumps(message).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
