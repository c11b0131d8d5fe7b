"""A sandbox for one submission: hand it files, have it run kernels, watch it from outside."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self

from grading.kernel._client import CHANNELS, CellOutcome, Client, FloodError
from grading.kernel._folders import PREFIX, mark_as_owned
from grading.kernel._starting import start_launcher, unprivileged_id
from grading.limits import MEGABYTE, Limits
from grading.results import Usage
from grading.sandbox import SandboxError, held_bytes
from grading.sandbox._memory import descendants

__all__ = ["Death", "KernelDiedError", "KernelRun"]

_START_S = 60.0
_WATCH_S = 0.03
_LATE_GRACE_S = 6.0  # after the time of the whole submission: an interrupt gets 5 s
_LARGE_FILE = 4 * MEGABYTE

Death = Literal["died", "memory", "flood", "late"]


_DIED: Death = "died"


class KernelDiedError(Exception):
    """A kernel has ended before its cell did.

    Attributes
    ----------
    reason : {"died", "memory", "flood", "late"}
        Its process ended; it held too much memory; it put out too much; the time of the whole
        submission was up.
    """

    def __init__(self, reason: Death) -> None:
        super().__init__(reason)
        self.reason: Death = reason


class KernelRun:
    """One sandbox that runs the notebooks of one submission, one kernel after the other.

    `Kernels.take` makes it.

    Parameters
    ----------
    modules : tuple of str
        Loaded before the submission comes.
    limits : Limits
        What it may use.
    image : Path or None
        What it sees as its file system; None: no sandbox at all.
    """

    def __init__(self, modules: tuple[str, ...], limits: Limits, image: Path | None) -> None:
        self.limits = limits
        self.restarts = 0
        self._received = 0
        self._peak = 0
        self._cpu_s = 0.0
        self._watched = 0.0
        self._ready = False
        self._kernels = 0
        self._is_bare = image is None
        self._client: Client | None = None
        self._deadline = float("inf")
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._mark = mark_as_owned(self._folder)
        self._inbox = self._folder / "inbox"
        self._inbox.mkdir(mode=0o700)
        if image is not None and os.geteuid() == 0:
            os.chown(self._inbox, unprivileged_id(), -1)
            os.chown(self._folder, -1, unprivileged_id())
            self._folder.chmod(0o710)  # that user must reach the inbox, and nothing else
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        try:
            with theirs, (self._folder / "log").open("wb") as log:
                self._process = start_launcher(
                    self._folder, self._inbox, theirs.fileno(), modules, limits, image, log
                )
        except BaseException:
            ours.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._mark.close()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the sandbox is still there."""
        return self._process.poll() is None

    def begin(self, files: Mapping[str, bytes], deadline: float) -> None:
        """Hand the submission's files over. Once, before the first kernel.

        Parameters
        ----------
        files : mapping of str to bytes
            By path with ``/``, already checked.
        deadline : float
            When everything has to be over, by `time.monotonic`.

        Raises
        ------
        SandboxError
            If the sandbox does not start.
        """
        self._deadline = deadline
        self._await("ready", _START_S * self.limits.time_factor)
        room = self.limits.file_bytes // 2
        large = _LARGE_FILE if sum(map(len, files.values())) <= room else 0
        for path, content in files.items():
            target = self._inbox / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o444)  # whoever may enter the inbox
        for folder in self._inbox.rglob("*"):
            if folder.is_dir():
                folder.chmod(0o755)
        self._send({"do": "fill", "large": large})
        self._await("filled", _START_S)

    def start_kernel(self) -> None:
        """Start a fresh kernel; whatever the one before left running is ended.

        Raises
        ------
        SandboxError
            If it does not come up.
        KernelDiedError
            If the sandbox has ended.
        """
        self.stop_kernel()
        self._kernels += 1
        place = self._folder / str(self._kernels)
        place.mkdir(mode=0o700)
        key = uuid.uuid4().hex
        listening = []
        try:
            for channel in CHANNELS:
                bound = socket.socket(socket.AF_UNIX)
                listening.append(bound)
                bound.bind(str(place / channel))
                bound.listen(4)
            message = json.dumps({"do": "kernel", "key": key}).encode()
            try:
                socket.send_fds(self._control, [message], [each.fileno() for each in listening])
            except OSError as error:
                raise KernelDiedError(_DIED) from error
        finally:
            for each in listening:
                each.close()
        self._client = Client(place, key, self._count)
        until = time.monotonic() + _START_S * self.limits.time_factor
        try:
            came_up = self._client.ready(self._watch, until)
        except KernelDiedError as error:
            if error.reason in {"late", "memory"}:
                raise
            came_up = False
        if not came_up:
            msg = f"a kernel did not come up: {self._log()}"
            raise SandboxError(msg)

    def execute(self, source: str, timeout_s: float) -> CellOutcome:
        """Execute a cell.

        Parameters
        ----------
        source : str
            Its text.
        timeout_s : float
            When it is interrupted; may be infinite.

        Returns
        -------
        CellOutcome
            Its outputs; if the kernel died, the reason in ``how``.
        """
        if self._client is None:
            return CellOutcome(how="died")
        until = min(time.monotonic() + timeout_s, self._deadline)
        try:
            outcome = self._client.execute(
                source, until, self._watch, lambda: self._send({"do": "interrupt"})
            )
        except KernelDiedError as error:
            return CellOutcome(how=error.reason)
        except FloodError:
            return CellOutcome(how="flood")
        if outcome.how == "timeout" and time.monotonic() > self._deadline:
            outcome.how = "late"
        return outcome

    def stop_kernel(self) -> None:
        """End the kernel and everything it left behind; its files stay."""
        if self._client is None:
            return
        self._client.close()
        self._client = None
        if self.is_alive:
            self._send({"do": "end"})
            self._await("cleared", 10.0)

    def usage(self) -> Usage:
        """Return what has been used, measured from outside.

        Returns
        -------
        Usage
            Without a wall-clock time; the processor time is complete after `close`.
        """
        return Usage(cpu_s=self._cpu_s, peak_bytes=self._peak, received_bytes=self._received)

    def close(self) -> None:
        """End all processes and remove the folder; more than once is fine."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.is_alive:
            self._measure()
            self._note_processor_time()
            if self._is_bare:  # else nothing outlives the sandbox
                self._send({"do": "end"})
                with suppress(SandboxError):
                    self._await("cleared", 2.0)
            self._end()
        self._control.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._mark.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, n_bytes: int) -> None:
        self._received += n_bytes
        if self._received > self.limits.received_bytes:
            raise FloodError

    def _send(self, command: Mapping[str, Any]) -> None:
        with suppress(OSError):  # that nobody listens any more shows in the next answer
            self._control.send(json.dumps(command).encode())

    def _await(self, answer: str, within_s: float) -> None:
        """Wait for an answer of the launcher."""
        if answer == "ready" and self._ready:
            return
        until = time.monotonic() + within_s
        while time.monotonic() < until and (self.is_alive or self._control_has_news(0)):
            if self._control_has_news(0.05):
                said = self._hear()
                self._ready = self._ready or "ready" in said
                if answer in said:
                    return
                if not said:
                    break
        msg = f"the sandbox of a kernel does not answer ({answer}): {self._log()}"
        raise SandboxError(msg)

    def _control_has_news(self, timeout_s: float) -> bool:
        return bool(select.select([self._control], [], [], timeout_s)[0])

    def _hear(self) -> dict[str, Any]:
        try:
            said = json.loads(self._control.recv(4096) or b"{}")
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def _watch(self) -> None:
        """Look after the kernel: raise if it is dead, end the sandbox if it holds too much."""
        now = time.monotonic()
        if now - self._watched < _WATCH_S:
            return
        self._watched = now
        if not self.is_alive:
            raise KernelDiedError(_DIED)
        if self._control_has_news(0):
            said = self._hear()
            if "ended" in said or not said:
                raise KernelDiedError(_DIED)
        reason: Death
        if self._measure() > self.limits.memory_bytes:
            reason = "memory"
        elif now > self._deadline + _LATE_GRACE_S:
            reason = "late"
        else:
            return
        self._note_processor_time()
        self._end()
        raise KernelDiedError(reason)

    def _end(self) -> None:
        """Kill everything: bubblewrap takes its process namespace along."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _measure(self) -> int:
        """Return the memory that the sandbox's processes hold now, in bytes."""
        held = held_bytes(self._process.pid, self.limits.memory_bytes)
        self._peak = max(self._peak, held)
        return held

    def _note_processor_time(self) -> None:
        """Add up what the processes have used, those that have ended and were waited for too."""
        ticks = 0
        for pid in descendants(self._process.pid):
            with suppress(OSError, ValueError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
        self._cpu_s = max(self._cpu_s, ticks / os.sysconf("SC_CLK_TCK"))

    def _log(self) -> str:
        with suppress(OSError):
            lines = (self._folder / "log").read_text("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1][:300]
        return "it left no message"
