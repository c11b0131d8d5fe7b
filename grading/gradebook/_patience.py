"""Wait for a database that is away for a moment, and say so when it stays away."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from grading.refusals import Refusal

__all__ = ["Patience"]

T = TypeVar("T")

_AWAY = (
    "database is locked",
    "could not connect",
    "connection refused",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "starting up",
    "shutting down",
    "in recovery mode",
    "connection already closed",
    "ssl connection has been closed",
    "could not receive data",
    "could not send data",
    "connection reset",
    "broken pipe",
    "deadlock detected",
    "could not serialize",
    "too many clients",
)
_FULL = ("database or disk is full", "disk full", "no space left on device", "disk quota")
_CLOSED = ("readonly database", "read-only", "unable to open database file", "permission denied")


@dataclass(frozen=True)
class Patience:
    """How long to try again.

    Attributes
    ----------
    total_s : float
        Seconds after which we give up.
    first_s, longest_s : float
        The first pause, which doubles, and the longest one.
    sleep : callable
        Waits some seconds.
    clock : callable
        Tells seconds.
    """

    total_s: float = 30.0
    first_s: float = 0.1
    longest_s: float = 2.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, work: Callable[[], T], url: URL) -> T:
        """Do some work, again and again while the database is away.

        Parameters
        ----------
        work : callable
            One transaction, which may be run any number of times.
        url : URL
            The database, for the sentence.

        Returns
        -------
        T
            What the work returned.

        Raises
        ------
        Refusal
            If the database stays away, is full or may not be written.
        SQLAlchemyError
            If it is anything else.
        """
        begun = self.clock()
        pause_s = self.first_s
        while True:
            try:
                return work()
            except SQLAlchemyError as error:
                text = str(getattr(error, "orig", error)).lower()
                named = url.render_as_string(hide_password=True)
                if any(words in text for words in _FULL):
                    msg = f"{named}: the disk of the gradebook is full. Make room and {_AGAIN}"
                    raise Refusal(msg) from error
                if any(words in text for words in _CLOSED):
                    msg = f"{named}: the gradebook cannot be written ({_first(error)}). {_RIGHTS}"
                    raise Refusal(msg) from error
                if not _is_away(error, text):
                    raise
                waited_s = self.clock() - begun
                if waited_s + pause_s > self.total_s:
                    msg = (
                        f"{named}: the gradebook could not be reached for {waited_s:.0f} s "
                        f"({_first(error)}). Start the database, or close what locks it, and "
                        + _AGAIN
                    )
                    raise Refusal(msg) from error
                # A spread keeps two waiting processes from meeting again and again.
                self.sleep(pause_s * random.uniform(0.8, 1.0))  # ruff: ignore[suspicious-non-cryptographic-random-usage]  no secret
                pause_s = min(2 * pause_s, self.longest_s)


_AGAIN = "run the same command again: nothing that was graded is lost."
_RIGHTS = "Mend the rights of the file and its folder, or of the database user."


def _is_away(error: SQLAlchemyError, text: str) -> bool:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or any(words in text for words in _AWAY)


def _first(error: SQLAlchemyError) -> str:
    lines = str(getattr(error, "orig", error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
