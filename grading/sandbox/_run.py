"""What the one who asks sees: a `Run` and the ways in which it ends."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from grading.results import Usage

Message = dict[str, Any]
Answer = Callable[[Message], Message]
Reason = Literal["timeout", "memory", "exited", "protocol", "flood"]

TIMEOUT: Reason = "timeout"
MEMORY: Reason = "memory"
EXITED: Reason = "exited"
PROTOCOL: Reason = "protocol"
FLOOD: Reason = "flood"


class RunEndedError(Exception):
    """A run has ended before it answered; nothing of it is left.

    Attributes
    ----------
    reason : {"timeout", "memory", "exited", "protocol", "flood"}
        It took too long; its processes held too much memory; its process ended; it sent what was
        not asked for, or no frame; it sent too much.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason


class SandboxError(RuntimeError):
    """The sandbox itself failed: it says nothing about the submission and may be tried again."""


class Run(ABC):
    """The processes of one submission; leaving the block ends all of them."""

    @abstractmethod
    def ask(
        self, message: Mapping[str, Any], within_s: float, answer: Answer | None = None
    ) -> Message:
        """Send a request and wait for what comes back.

        Parameters
        ----------
        message : mapping of str to object
            A request, as `grading.probes` describes them.
        within_s : float
            Wall-clock seconds until the answer must be there, the time of ``answer`` included.
        answer : callable, optional
            Answers the calls of functions that stay outside: a message ``{"call", "arguments"}``
            in, ``{"result"}`` or ``{"raises"}`` out. Without it, a call is a breach.

        Returns
        -------
        dict
            What came, of which only the form has been checked.

        Raises
        ------
        RunEndedError
            If the run ended instead, with the reason.
        """

    def ask_each(
        self,
        message: Mapping[str, Any],
        inputs: Sequence[Message],
        within_s: float,
        answers: Sequence[Answer],
    ) -> Iterator[Message]:
        """Ask for the same on several inputs, one after the other.

        Parameters
        ----------
        message : mapping of str to object
            An ``observe`` request without its inputs.
        inputs : sequence of dict
            What it lacks, once for each answer.
        within_s : float
            Wall-clock seconds for all of them together, as long as whoever asks waits for them.
        answers : sequence of callable
            For each of the inputs, what answers the calls of functions that stay outside.

        Yields
        ------
        dict
            One reply for each of the inputs, as soon as it is there. Whoever asks stops at one
            after which there is nothing to come: see `grading.probes`.

        Raises
        ------
        RunEndedError
            If the run ended instead, after the replies that had come.
        """
        until = time.monotonic() + within_s
        for given, answer in zip(inputs, answers, strict=True):
            left_s = max(until - time.monotonic(), 0.001)
            reply = self.ask({**message, "inputs": given}, left_s, answer)
            since_s = time.monotonic()
            yield reply
            until += time.monotonic() - since_s

    @abstractmethod
    def usage(self) -> Usage:
        """Return what has been used so far, measured from outside.

        Returns
        -------
        Usage
            Without a wall-clock time, which whoever asks knows best; the processor time is
            complete once the run is closed.
        """

    @abstractmethod
    def close(self) -> None:
        """End all processes of the run; more than once is fine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
