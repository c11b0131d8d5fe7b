"""Which workers of a scheduler may grade: those that are like this machine, and not to blame."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from grading.engine import _dask_worker
from grading.engine._jobs import log
from grading.refusals import Refusal

__all__ = ["Members"]

_LOOK_S = 2.0
"""How often the scheduler is asked for its workers: each time would take its time."""

_ALONE_S = 60.0
"""How long a run waits for a worker that may grade."""

_TO_BLAME = 3
"""After so many jobs that failed at a worker and ended well at another, it gets no more."""


class Members:
    """The workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    unsafe : bool
        Accept workers that cannot isolate submissions.

    Attributes
    ----------
    trusted : list of str
        Addresses of those that may grade.
    state : str
        Of the course here.

    Raises
    ------
    Refusal
        If one of the workers that are there is not like this machine.
    """

    def __init__(self, client: Any, *, unsafe: bool) -> None:
        self._client = client
        self._unsafe = unsafe
        self._examinations: dict[str, Any] = {}
        self._barred: dict[str, str] = {}
        self._blamed: Counter[str] = Counter()
        self._look_again_s = 0.0
        self._last_s = time.monotonic()
        self.state = _dask_worker.state()
        self.trusted: list[str] = []
        for address, seen in client.run(_dask_worker.examined).items():
            if (fault := self._fault(seen)) is not None:
                msg = f"worker {address}: {fault}"
                raise Refusal(msg)
            self.trusted.append(address)

    def look(self) -> None:
        """See who came and who went, now and then; a newcomer is examined first.

        Raises
        ------
        Refusal
            If nobody was there for a minute.
        """
        now = time.monotonic()
        if now >= self._look_again_s:
            self._look_again_s = now + _LOOK_S
            here = self._client.scheduler_info(n_workers=-1)["workers"]
            self.trusted = [each for each in self.trusted if each in here]
            for gone in self._examinations.keys() - here.keys():
                del self._examinations[gone]
            known = {*self.trusted, *self._barred, *self._examinations}
            for address in here.keys() - known:
                self._examinations[address] = self._client.submit(
                    _dask_worker.examined,
                    key=f"examine-{address}-{now}",
                    pure=False,
                    workers=[address],
                )
            self._admit()
        if self.trusted:
            self._last_s = now
        elif now - self._last_s > _ALONE_S:
            barred = "".join(f" {who} was left out: {why}" for who, why in self._barred.items())
            msg = (
                "nncourse grade: the scheduler has had no worker that may grade for a minute. What "
                "is graded is safe; start workers (dask worker ADDRESS --nthreads 1) and run the "
                f"same command again.{barred}"
            )
            raise Refusal(msg)

    def _admit(self) -> None:
        for address, future in list(self._examinations.items()):
            if not future.done():
                continue
            del self._examinations[address]
            if future.status != "finished":
                self.bar(address, f"it cannot be examined ({future.status}).")
            elif (fault := self._fault(future.result())) is not None:
                self.bar(address, fault)
            else:
                self.trusted.append(address)

    def _fault(self, seen: tuple[str, str | None]) -> str | None:
        state, why_not = seen
        if state != self.state:
            return (
                "its copy of the course differs from the one here. Install the same version on "
                "every machine."
            )
        return None if self._unsafe else why_not

    def bar(self, address: str, fault: str) -> None:
        """Give a worker no more jobs.

        Parameters
        ----------
        address : str
            Whose.
        fault : str
            Why, as a sentence.
        """
        log.warning("worker %s gets no more submissions: %s", address, fault)
        self._barred[address] = fault
        self.trusted = [each for each in self.trusted if each != address]

    def blame(self, failed_at: Iterable[str]) -> None:
        """Note where a job failed that has ended well at another worker.

        Parameters
        ----------
        failed_at : iterable of str
            Addresses.
        """
        for address in failed_at:
            self._blamed[address] += 1
            if self._blamed[address] >= _TO_BLAME and address in self.trusted:
                self.bar(address, "what failed there ended well elsewhere, again and again.")
