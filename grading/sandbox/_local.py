"""Runs inside this process, for tests of what asks: no isolation, and no limit is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from grading.limits import Limits
from grading.probes import WireError, decode, encode
from grading.probes._driver import Driver
from grading.probes._wire import parts
from grading.results import Usage
from grading.sandbox._run import PROTOCOL, Answer, Message, Run, RunEndedError


class LocalRun(Run):
    """A run in this very process, for code that is known: every message still crosses as a frame.

    Examples
    --------
    >>> run = LocalRun()
    >>> run.ask({"do": "cell", "name": "setup", "source": "x = 1 / 0"}, within_s=1.0)
    {'error': {'type': 'ZeroDivisionError', 'message': 'division by zero', 'line': 1}}
    """

    def __init__(self) -> None:
        self._driver = Driver(self._called)
        self._answer: Answer | None = None
        self._received = 0
        self._started = time.process_time()

    def ask(
        self, message: Mapping[str, Any], within_s: float, answer: Answer | None = None
    ) -> Message:
        """Answer a request here and now; ``within_s`` is not kept.

        Parameters
        ----------
        message : mapping of str to object
            The request.
        within_s : float
            Disregarded.
        answer : callable, optional
            Answers calls of functions that stay outside.

        Returns
        -------
        dict
            The answer.

        Raises
        ------
        RunEndedError
            If there is no such request.
        """
        del within_s
        self._answer = answer
        try:
            return self._crossed(self._driver.handle(self._crossed(message)))
        except WireError as error:
            raise RunEndedError(PROTOCOL, str(error)) from error

    def usage(self) -> Usage:
        """Return the processor time of this whole process since the run began.

        Returns
        -------
        Usage
            Memory is not measured.
        """
        return Usage(cpu_s=time.process_time() - self._started, received_bytes=self._received)

    def close(self) -> None:
        """Forget what was defined."""
        self._driver.namespace.clear()

    def _called(self, message: Message) -> Message:
        if self._answer is None:
            raise RunEndedError(PROTOCOL, "a call that nobody answers")
        return self._crossed(self._answer(self._crossed(message)))

    def _crossed(self, message: Mapping[str, Any]) -> Message:
        frame = encode(message)
        self._received += len(frame)
        return decode(*parts(frame))


class LocalSandboxes:
    """Hands out `LocalRun`: what `Sandboxes` is to tests that need no isolation."""

    mark = "none"

    def take(self, modules: Sequence[str], limits: Limits) -> LocalRun:
        """Begin a run in this process.

        Parameters
        ----------
        modules : sequence of str
            Disregarded: everything can be imported.
        limits : Limits
            Disregarded.

        Returns
        -------
        LocalRun
            The run.
        """
        del modules, limits
        return LocalRun()

    def close(self) -> None:
        """Do nothing: there is nothing to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
