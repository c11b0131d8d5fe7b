"""A run in the sandbox, seen from outside: deadlines, memory, bytes and frames are watched here."""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from grading.limits import Limits
from grading.probes import WireError, decode, encode
from grading.probes._wire import MAX_BODY, MAX_HEADER, PREFIX
from grading.results import Usage
from grading.sandbox._memory import children, held_bytes, spent_s
from grading.sandbox._run import (
    EXITED,
    FLOOD,
    MEMORY,
    PROTOCOL,
    TIMEOUT,
    Answer,
    Message,
    Reason,
    Run,
    RunEndedError,
    SandboxError,
)

BEGIN_S = 10.0
_LOOK_S = 0.02  # between two looks at the memory of the whole tree
_CHUNK = 1 << 18

End = Callable[[], Mapping[str, Any]]


class WatchedRun(Run):
    """A run behind a channel.

    Parameters
    ----------
    channel : socket.socket
        The outside end.
    limits : Limits
        What is kept here: memory in all, and bytes received.
    pid : int
        The process on top of all that belongs to this run.
    end : callable
        Kills all of that, and tells what was used.
    whole : bool, default False
        Whether the process on top belongs to the run as well.
    """

    def __init__(
        self, channel: socket.socket, limits: Limits, pid: int, end: End, *, whole: bool = False
    ) -> None:
        self._channel = channel
        self._limits = limits
        self._pid, self._whole = pid, whole
        self._end: End | None = end
        self._ending = threading.Lock()
        self._reason: Reason | None = None
        self._asking = True
        self._nonce: str | None = None
        self._buffer = bytearray()
        self._looked = time.monotonic()
        self._received = 0
        self._peak_bytes = 0
        self._cpu_s = 0.0
        self._is_gone = False
        channel.setblocking(False)
        self._readable = select.poll()
        self._readable.register(channel, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(channel, select.POLLIN | select.POLLOUT)

    def begun(self) -> WatchedRun:
        """Wait until the child says that it is isolated.

        Returns
        -------
        WatchedRun
            This run.

        Raises
        ------
        SandboxError
            If isolation failed.
        """
        try:
            message = self._receive(time.monotonic() + BEGIN_S)
            if message.get("ready") is True:
                self._refuse_early()  # it may have said so some time ago, and have died since
        except RunEndedError as ended:
            self.close()
            msg = f"the sandbox did not begin: {ended}"
            raise SandboxError(msg) from ended
        if message.get("ready") is not True:
            self.close()
            msg = f"the sandbox did not begin: {message.get('failed')}"
            raise SandboxError(msg)
        self._asking = False
        return self

    def ask(
        self, message: Mapping[str, Any], within_s: float, answer: Answer | None = None
    ) -> Message:
        """Send a request and wait for what comes back, as `Run.ask` says.

        Parameters
        ----------
        message : mapping of str to object
            The request.
        within_s : float
            Wall-clock seconds for all of it.
        answer : callable, optional
            Answers calls of functions that stay outside.

        Returns
        -------
        dict
            What came.

        Raises
        ------
        RunEndedError
            If the run ended instead; everything of it has been killed then.
        SandboxError
            If the template was killed from outside, which says nothing about the submission.
        """
        deadline = time.monotonic() + within_s
        frame = self._framed(message)
        with self._watched():
            self._send(frame, deadline)
            return self._reply(answer, deadline, is_last=True)

    def ask_each(
        self,
        message: Mapping[str, Any],
        inputs: Sequence[Message],
        within_s: float,
        answers: Sequence[Answer],
    ) -> Iterator[Message]:
        """Send all inputs in one request; replies come one by one, as `Run.ask_each` says.

        So the next case runs while the last reply is read. What is too large for one request goes
        in several. Whoever asks may do something else between two replies: that time is not
        counted.

        Parameters
        ----------
        message : mapping of str to object
            The request without its inputs.
        inputs : sequence of dict
            The inputs.
        within_s : float
            Wall-clock seconds for all of them together, as long as whoever asks waits for them.
        answers : sequence of callable
            One for each of the inputs.

        Returns
        -------
        iterator of dict
            The replies.

        Raises
        ------
        RunEndedError
            If the run ended instead.
        SandboxError
            If the template was killed from outside.
        """
        deadline = time.monotonic() + within_s
        try:
            frame = self._framed({**message, "do": "observe_each", "inputs": list(inputs)})
        except WireError:
            return super().ask_each(message, inputs, within_s, answers)
        with self._watched():
            self._send(frame, deadline)
        return self._replies(deadline, answers, time.monotonic())

    def _replies(
        self, deadline: float, answers: Sequence[Answer], since_s: float
    ) -> Generator[Message]:
        """Yield as many replies as there are answers to calls."""
        for i, answer in enumerate(answers):
            # Since then whoever asks was busy with something else: calls waited for an answer, and
            # replies for a reader. That is not the learner's time.
            deadline += time.monotonic() - since_s
            with self._watched():
                reply = self._reply(answer, deadline, is_last=i + 1 == len(answers))
            since_s = time.monotonic()
            # Not within the block, so that memory is watched while whoever asks is busy.
            yield reply

    @contextmanager
    def _watched(self) -> Generator[None]:
        """Close the run if it ends in this block, or if whoever answers calls stops with an error.

        Outside such a block memory is watched by `look_aside`.

        Yields
        ------
        None
            While the run is asked.

        Raises
        ------
        RunEndedError
            With the first reason that was noted.
        SandboxError
            If the template was killed from outside.
        """
        if self._reason is not None or self._end is None:
            self.close()
            raise RunEndedError(self._reason or EXITED, "the run has ended before")
        self._asking = True
        try:
            yield
        except RunEndedError as ended:
            reason = self._first(ended.reason)
            self.close()
            if self._is_gone and reason == EXITED:
                msg = "the template of the sandbox was killed while a submission ran"
                raise SandboxError(msg) from ended
            if reason != ended.reason:
                raise RunEndedError(reason) from ended
            raise
        except BaseException:  # of who answers: nothing is known about the state of the channel
            self.close()
            raise
        finally:
            self._asking = False

    def _reply(self, answer: Answer | None, deadline: float, *, is_last: bool) -> Message:
        """Wait for a reply, and answer the calls that come before it."""
        while "call" in (reply := self._receive(deadline, is_last=is_last)):
            if answer is None:
                raise RunEndedError(PROTOCOL, "a call that nobody answers")
            if time.monotonic() >= deadline:
                raise RunEndedError(TIMEOUT)
            self._send(self._framed(answer(reply)), deadline)
        return reply

    def look_aside(self) -> None:
        """End the run if it holds too much memory while nothing is asked of it.

        For another thread: whoever asks may be busy, and what a submission has left running is not.
        """
        if self._asking or self._is_closed() or self._reason is not None:
            return
        held = held_bytes(self._pid, self._limits.memory_bytes, whole=self._whole)
        with self._ending:
            if self._is_closed():  # meanwhile: what is there by now is somebody else's
                return
            self._peak_bytes = max(self._peak_bytes, held)
            if held > self._limits.memory_bytes:
                self._reason = MEMORY
                for pid in [self._pid] if self._whole else children(self._pid):
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)

    def _is_closed(self) -> bool:
        return self._end is None

    def usage(self) -> Usage:
        """Return what has been used, as `Run.usage` says.

        Returns
        -------
        Usage
            Processor time once the run is closed.
        """
        return Usage(cpu_s=self._cpu_s, peak_bytes=self._peak_bytes, received_bytes=self._received)

    def close(self) -> None:
        """Kill everything of this run."""
        with self._ending:
            end, self._end = self._end, None
        if end is None:
            return
        held = held_bytes(self._pid, whole=self._whole)
        self._peak_bytes = max(self._peak_bytes, held)
        # The kernel does not hand on the time of processes that die with their namespace.
        spent = spent_s(self._pid, whole=self._whole)
        self._channel.close()
        used = end()
        self._is_gone = bool(used.get("gone"))
        self._cpu_s = max(spent, float(used.get("cpu_s", 0.0)))

    def _first(self, reason: Reason) -> Reason:
        """Note why the run ended, unless another thread has noted it before."""
        if self._reason is None:
            self._reason = reason
        return self._reason

    def _framed(self, message: Mapping[str, Any]) -> bytes:
        """Write a message with a nonce, which the next replies have to echo."""
        nonce = secrets.token_hex(8)
        frame = encode({**message, "nonce": nonce})
        self._nonce = nonce
        return frame

    def _send(self, frame: bytes, deadline: float) -> None:
        rest = memoryview(frame)
        while rest:
            self._wait(self._writable, deadline)
            self._refuse_early()
            try:
                rest = rest[self._channel.send(rest[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise RunEndedError(EXITED, "its process has ended") from None

    def _refuse_early(self) -> None:
        """Refuse what came before it was asked for; it would be taken for the next answer."""
        try:
            early = bytes(self._buffer) or self._channel.recv(1)
        except BlockingIOError:
            return
        except OSError:
            early = b""
        if early:
            raise RunEndedError(PROTOCOL, "bytes that were not asked for")
        raise RunEndedError(EXITED, "its process has ended")

    def _receive(self, deadline: float, *, is_last: bool = True) -> Message:
        self._fill(PREFIX.size, deadline)
        n_header, n_body = PREFIX.unpack_from(self._buffer)
        if n_header > MAX_HEADER:
            raise RunEndedError(PROTOCOL, f"a header of {n_header:,} bytes")
        n_frame = PREFIX.size + n_header + n_body
        to_come = n_frame - len(self._buffer)
        if n_body > MAX_BODY or self._received + to_come > self._limits.received_bytes:
            raise RunEndedError(FLOOD, f"a frame of {n_frame:,} bytes")
        self._fill(n_frame, deadline)
        if is_last and len(self._buffer) > n_frame:
            raise RunEndedError(PROTOCOL, "bytes behind the answer")
        frame, self._buffer = memoryview(self._buffer)[:n_frame], self._buffer[n_frame:]
        start = PREFIX.size + n_header
        try:
            message = decode(bytes(frame[PREFIX.size : start]), frame[start:])
        except WireError as error:
            raise RunEndedError(PROTOCOL, str(error)) from error
        if message.pop("nonce", None) != self._nonce:
            raise RunEndedError(PROTOCOL, "an answer to another request")
        return message

    def _fill(self, n_bytes: int, deadline: float) -> None:
        while len(self._buffer) < n_bytes:
            self._wait(self._readable, deadline)
            try:
                chunk = self._channel.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            if not chunk:
                raise RunEndedError(EXITED, "its process has ended")
            self._add(chunk)

    def _add(self, chunk: bytes) -> None:
        self._received += len(chunk)
        self._buffer += chunk
        if self._received > self._limits.received_bytes:
            raise RunEndedError(FLOOD, f"{self._received:,} bytes in all")

    def _wait(self, poll: select.poll, deadline: float) -> None:
        """Wait until the channel is ready, with an eye on the clock and on memory."""
        while True:
            now = time.monotonic()
            if now - self._looked >= _LOOK_S:
                self._look()
            if now >= deadline:
                raise RunEndedError(TIMEOUT)
            if poll.poll(max(0.0, min(_LOOK_S, deadline - now)) * 1000):
                return

    def _look(self) -> None:
        held = held_bytes(self._pid, self._limits.memory_bytes, whole=self._whole)
        self._looked = time.monotonic()
        self._peak_bytes = max(self._peak_bytes, held)
        if held > self._limits.memory_bytes:
            raise RunEndedError(MEMORY, f"{held:,} bytes in all")
