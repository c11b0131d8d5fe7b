"""Talk to a kernel that may say anything: execute a cell and keep what came out of it, capped.

jupyter_client's Session writes and signs the requests. Answers are read here, since every size has
to be checked before the text is parsed.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.kernel._outputs import Outputs
from grading.kernel._parts import Node, clean_text, text_of
from grading.limits import MEGABYTE

__all__ = ["CHANNELS", "CellOutcome", "Client", "FloodError"]

CHANNELS = ("shell", "stdin", "control", "iopub")
"""In the order in which the launcher takes their sockets."""

MAX_FRAME = 16 * MEGABYTE
MAX_BRACKETS = 200_000  # each list or dict of a message takes 64 bytes or more
_IDLE_GRACE_S = 4.0  # nbclient's iopub_timeout
_DELIMITER = b"<IDS|MSG>"


class FloodError(Exception):
    """More came out of the kernel than it may say."""


@dataclass
class CellOutcome:
    """What executing a cell gave.

    Attributes
    ----------
    outputs : list of NotebookNode
        Within caps, not yet cleaned.
    how : str
        How it ended: ``"done"``, or ``"timeout"`` if it was interrupted; after anything else
        (``"stuck"``, ``"died"``, ``"memory"``, ``"flood"``, ``"late"``) the kernel is gone.
    dropped : bool
        Whether outputs were left out for their size.
    """

    outputs: list[Node] = field(default_factory=list)
    how: str = "done"
    dropped: bool = False


class Client:
    """The other end of a kernel's sockets.

    Parameters
    ----------
    folder : Path
        Holds the sockets, named like the channels.
    key : str
        Signs the messages.
    received : callable
        Told how many bytes came with each message; raises `FloodError` when it is enough.
    """

    def __init__(self, folder: Path, key: str, received: Callable[[int], None]) -> None:
        import zmq
        from jupyter_client.session import Session

        self._received = received
        self.session: Any = Session(key=key.encode())
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._shell = self._connect(zmq.DEALER, folder / "shell")
        self._iopub = self._connect(zmq.SUB, folder / "iopub")
        self._iopub.setsockopt(zmq.SUBSCRIBE, b"")

    def _connect(self, kind: int, path: Path) -> Any:
        import zmq

        made = self._context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
        made.connect(f"ipc://{path}")
        self._poller.register(made, zmq.POLLIN)
        return made

    def close(self) -> None:
        """Close the sockets; what has not come yet is not waited for."""
        self._context.destroy(linger=0)

    def ready(self, watch: Callable[[], None], deadline: float) -> bool:
        """Wait until the kernel answers on both channels.

        Parameters
        ----------
        watch : callable
            Called several times a second; raises if the kernel is dead.
        deadline : float
            By `time.monotonic`.

        Returns
        -------
        bool
            False if the time was up.
        """
        asked = 0.0
        answered = heard = False
        while not (answered and heard):
            now = time.monotonic()
            if now > deadline:
                return False
            watch()
            if now - asked > 0.2:  # the first may have been sent before we were subscribed
                self.session.send(self._shell, "kernel_info_request")
                asked = now
            for source, _, _ in self._messages(0.05):
                answered = answered or source == "shell"
                heard = heard or source == "iopub"
        while any(True for _ in self._messages(0.01)):
            pass
        return True

    def execute(
        self,
        source: str,
        deadline: float,
        watch: Callable[[], None],
        interrupt: Callable[[], None],
        interrupt_grace_s: float = 5.0,
    ) -> CellOutcome:
        """Execute a cell and collect its outputs.

        Parameters
        ----------
        source : str
            The cell's text.
        deadline : float
            When it is interrupted, by `time.monotonic`.
        watch : callable
            Called several times a second; raises if the kernel is dead.
        interrupt : callable
            Interrupts the kernel.
        interrupt_grace_s : float, default 5
            How long it may take to react.

        Returns
        -------
        CellOutcome
            ``"timeout"`` if it was interrupted and is ready for the next cell; ``"stuck"`` if it
            does not react; ``"flood"`` if its outputs cannot be read to their end.
        """
        content = {
            "code": source, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": False,
        }  # fmt: skip
        sent: Any = self.session.send(self._shell, "execute_request", content)
        request = sent["header"]["msg_id"]
        outputs = Outputs()
        reply: dict[str, Any] | None = None
        idle = interrupted = False
        until = deadline
        while not (idle and reply is not None):
            now = time.monotonic()
            if now > until:
                if interrupted or reply is not None:
                    how = "stuck" if interrupted else "flood"
                    return CellOutcome(outputs.nodes(), how, outputs.dropped)
                interrupt()
                interrupted, until = True, now + interrupt_grace_s
            watch()
            for channel, kind, message in self._messages(min(0.05, max(0.001, until - now))):
                if message["parent"] != request:
                    continue
                if channel == "shell" and kind == "execute_reply":
                    reply = message["content"]
                    until = time.monotonic() + _IDLE_GRACE_S
                elif kind == "status":
                    idle = idle or message["content"].get("execution_state") == "idle"
                else:
                    outputs.take(kind, message["content"])
        if interrupted:
            text = "CellTimeoutError: No reply from kernel before timeout"
            outputs.add_error("CellTimeoutError", "", [text])
            return CellOutcome(outputs.nodes(), "timeout", outputs.dropped)
        _add_unseen_error(outputs, reply or {})
        return CellOutcome(outputs.nodes(), "done", outputs.dropped)

    def _messages(self, timeout_s: float) -> list[tuple[str, str, dict[str, Any]]]:
        """Read what has come: channel, type, and of the rest what can be used."""
        import zmq

        found = []
        for ready, _ in self._poller.poll(int(timeout_s * 1000)):
            for _ in range(50):
                try:
                    frames = ready.recv_multipart(zmq.NOBLOCK)
                except zmq.ZMQError:
                    break
                self._received(sum(map(len, frames)))
                message = _parsed(frames)
                if message is not None:
                    channel = "shell" if ready is self._shell else "iopub"
                    found.append((channel, message["kind"], message))
        return found


def _add_unseen_error(outputs: Outputs, reply: dict[str, Any]) -> None:
    """Add the reply's error where no output shows it, as nbgrader does."""
    if reply.get("status") != "error":
        return
    name = text_of(reply.get("ename"))[:200]
    if outputs.has_error(name):
        return
    lines = reply.get("traceback")
    shown = [text_of(line) for line in lines[:200]] if isinstance(lines, list) else []
    unseen = "ERROR: An error occurred while showtraceback was disabled"
    outputs.add_error(name, text_of(reply.get("evalue")), shown or [unseen])


def _parsed(frames: list[bytes]) -> dict[str, Any] | None:
    """Take a message apart; None if it is none."""
    try:
        start = frames.index(_DELIMITER)
        header, parent, _, content = frames[start + 2 : start + 6]
    except ValueError:
        return None
    if max(len(header), len(parent)) > 10_000:
        return None
    if content.count(b"[") + content.count(b"{") > MAX_BRACKETS:
        return None
    with contextlib.suppress(ValueError, RecursionError, MemoryError, AttributeError, TypeError):
        return {
            "kind": str(json.loads(header).get("msg_type", "")),
            "parent": json.loads(parent).get("msg_id"),
            "content": _dict(json.loads(content, parse_int=_small)),
        }
    return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _small(digits: str) -> int:
    return int(digits) if len(digits) < 30 else 0


def plain_traceback(lines: list[str]) -> str:
    """Return a traceback without the signs that color it.

    Parameters
    ----------
    lines : list of str
        As IPython writes it.

    Returns
    -------
    str
        One text.
    """
    return clean_text(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "\n".join(lines)))
