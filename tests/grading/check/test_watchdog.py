"""The watchdog ends what can be ended and says so about the rest."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from grading.check.watchdog import watch


def _alive() -> int:
    return sum(thread.name == "check" for thread in threading.enumerate())


def test_what_ends_by_itself_is_not_disturbed():
    done = []

    outcome = watch(lambda: done.append(1), limit_s=30.0)

    assert outcome.finished
    assert done == [1]
    assert outcome.seconds < 10


def test_what_is_raised_is_handed_over():
    outcome = watch(lambda: 1 / 0, limit_s=30.0)

    assert outcome.finished
    assert isinstance(outcome.error, ZeroDivisionError)


def test_a_loop_is_ended_although_it_swallows_exceptions():
    def stubborn():
        while True:
            with suppress(Exception):
                time.monotonic()

    outcome = watch(stubborn, limit_s=0.1)

    assert not outcome.finished
    assert not outcome.still_running
    time.sleep(0.05)  # the thread is at its last line
    assert _alive() == 0


def test_a_long_call_into_c_is_reported_as_still_running():
    release = threading.Lock()
    release.acquire()

    outcome = watch(release.acquire, limit_s=0.1)
    release.release()

    assert not outcome.finished
    assert outcome.still_running
