"""Hand out runs: keeps a warm template for each set of modules, or runs plainly where asked to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

from grading.limits import Limits
from grading.sandbox._image import write_course_package
from grading.sandbox._isolated import WatchedRun
from grading.sandbox._run import SandboxError
from grading.sandbox._warm import ONE_THREAD, Template

_LOOK_S = 0.05
_SERVE = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from grading.probes._driver import Channel, serve; "
    "Channel(int(sys.argv[1])).send({'ready': True}); serve(int(sys.argv[1]))"
)


class Sandboxes:
    """Runs for submissions, one at a time; one object for each worker process.

    Parameters
    ----------
    unsafe : bool, default False
        Run submissions as plain processes of this user, with nothing between them and the machine.

    Attributes
    ----------
    mark : {"bubblewrap", "none"}
        What stands in every result.
    """

    def __init__(self, *, unsafe: bool = False) -> None:
        self.mark: Literal["bubblewrap", "none"] = "none" if unsafe else "bubblewrap"
        self._templates: dict[tuple[str, ...], Template] = {}
        self._packages: tempfile.TemporaryDirectory[str] | None = None
        self._run: WatchedRun | None = None
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None

    def take(self, modules: Sequence[str], limits: Limits) -> WatchedRun:
        """Begin a run; one that is still open is closed before.

        Parameters
        ----------
        modules : sequence of str
            What the submission may import beside the standard library.
        limits : Limits
            What it may use.

        Returns
        -------
        WatchedRun
            An isolated process that has run nothing yet.

        Raises
        ------
        SandboxError
            If the sandbox fails twice.
        """
        if self._run is not None:
            self._run.close()
        if self._watch is None:
            self._watch = threading.Thread(target=self._look_aside, daemon=True)
            self._watch.start()
        if self.mark == "none":
            self._run = self._plain(limits)
            return self._run
        key = tuple(sorted(set(modules)))
        try:
            self._run = self._forked(key, limits)
        except SandboxError:
            self._discard(key)
            self._run = self._forked(key, limits)
        return self._run

    def close(self) -> None:
        """End the open run and all templates."""
        if self._watch is not None:
            self._closing.set()
            self._watch.join()
            self._closing.clear()
            self._watch = None
        if self._run is not None:
            self._run.close()
        for key in list(self._templates):
            self._discard(key)
        if self._packages is not None:
            self._packages.cleanup()
            self._packages = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look_aside(self) -> None:
        while not self._closing.wait(_LOOK_S):
            run = self._run
            if run is not None:
                run.look_aside()

    def _forked(self, key: tuple[str, ...], limits: Limits) -> WatchedRun:
        template = self._templates.get(key)
        if template is None or not template.alive:
            template = self._templates[key] = Template(key)
        channel = template.begin(limits)
        return WatchedRun(channel, limits, template.pid, template.end).begun()

    def _discard(self, key: tuple[str, ...]) -> None:
        template = self._templates.pop(key, None)
        if template is not None:
            template.kill()

    def _plain(self, limits: Limits) -> WatchedRun:
        """Start an ordinary process; what it starts in sessions of its own outlives it."""
        if self._packages is None:
            self._packages = tempfile.TemporaryDirectory(prefix="nncourse-unsafe-")
            write_course_package(Path(self._packages.name))
        folder = tempfile.TemporaryDirectory(prefix="nncourse-unsafe-", ignore_cleanup_errors=True)
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [_SERVE, str(theirs.fileno()), self._packages.name]
            process = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true]  a list
                [sys.executable, "-P", "-B", "-c", *arguments],
                pass_fds=[theirs.fileno()], cwd=folder.name, start_new_session=True,
                env={**os.environ, **ONE_THREAD, "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

        def end() -> dict[str, float]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            _, status, used = os.wait4(process.pid, 0)
            folder.cleanup()
            process.returncode = os.waitstatus_to_exitcode(status)
            return {"cpu_s": used.ru_utime + used.ru_stime}

        return WatchedRun(ours, limits, process.pid, end, whole=True).begun()
