"""The watchdog ends what can be ended and says so about the rest."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from grading.check import watchdog
from grading.check.watchdog import watch
from grading.exercises import all_exercises


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


def test_a_loop_is_ended_although_it_swallows_the_first_attempts_to_end_it():
    swallowed = []
    enough = threading.Event()

    def bare_except():
        while len(swallowed) < 3 and not enough.is_set():
            try:
                while not enough.is_set():
                    time.monotonic()
            except BaseException:  # ruff: ignore[blind-except]
                swallowed.append(1)

    outcome = watch(bare_except, limit_s=0.1)
    still_running = outcome.still_running
    enough.set()  # for a watchdog that fails this test

    assert len(swallowed) == 3
    assert not outcome.finished
    assert not still_running


def test_the_longest_limit_leaves_time_to_stop_and_report_below_two_seconds():
    limits = {declared.id: declared.limit_s for declared in all_exercises()}

    assert max(limits.values()) + watchdog._GRACE_S <= 1.7, limits
    with pytest.raises(ValueError, match=r"the time limit must lie above 0 and be 1\.5 s at most"):
        replace(all_exercises()[0], limit_s=1.6)


def test_a_long_call_into_c_is_reported_as_still_running():
    release = threading.Lock()
    release.acquire()

    outcome = watch(release.acquire, limit_s=0.1)
    release.release()

    assert not outcome.finished
    assert outcome.still_running
