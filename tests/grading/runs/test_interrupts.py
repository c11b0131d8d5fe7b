"""Ctrl-C waits until what is being written stands."""

from __future__ import annotations

import signal
import threading

import pytest

from grading.runs._interrupts import held


def test_interrupt_is_raised_at_the_end_of_the_block() -> None:
    done = []

    def work() -> None:
        with held():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]


def test_inner_block_does_not_let_it_through() -> None:
    done = []

    def work() -> None:
        with held():
            with held():
                signal.raise_signal(signal.SIGINT)
            done.append("the outer one, too")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the outer one, too"]


def test_without_an_interrupt_nothing_happens_and_the_handler_is_back() -> None:
    before = signal.getsignal(signal.SIGINT)

    with held():
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before


def test_error_of_the_block_comes_first() -> None:
    def work() -> None:
        with held():
            signal.raise_signal(signal.SIGINT)
            message = "of the block"
            raise LookupError(message)

    with pytest.raises(LookupError):
        work()


def test_other_threads_may_use_it() -> None:
    done = []

    def work() -> None:
        with held():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == [True]
