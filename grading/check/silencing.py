"""Keep a notebook quiet while an answer runs: what the probes' capture of prints does not reach.

The probes replace ``sys.stdout`` and the like. A notebook has more ways out: ``display``, the
names ``exit`` and ``quit`` in its namespace, and the file descriptors 1 and 2, which ipykernel
forwards and which child processes inherit. What is displayed counts as printed. What is written to
a descriptor is dropped without being counted, and so is what a child process writes after the
check; a function that could not be stopped can write again once its check is over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from grading.check.lookup import shell
from grading.probes import no_exit


@contextmanager
def silenced() -> Generator[None]:
    """Send what is displayed to ``sys.stdout`` and drop what is written to descriptors.

    For the caller of a run: it is entered once a check, while the probes capture each case.

    Yields
    ------
    None
        The block in which an answer runs.
    """
    with ExitStack() as stack:
        stack.enter_context(_descriptors_dropped())
        notebook = shell()
        if notebook is not None:
            stack.enter_context(_exit_refused(notebook.user_ns))
            stack.enter_context(_display_printed(notebook.display_pub))
        yield


@contextmanager
def _exit_refused(namespace: dict[str, Any]) -> Generator[None]:
    """Replace the notebook's own ``exit`` and ``quit``, which end the kernel, not the function."""
    from IPython.core.autocall import ExitAutocall  # a notebook has it loaded, a script need not

    kept = {
        name: namespace[name]
        for name in ("exit", "quit")
        if isinstance(namespace.get(name), ExitAutocall)  # not a learner's variable of that name
    }
    namespace.update(dict.fromkeys(kept, no_exit))
    try:
        yield
    finally:
        namespace.update(kept)


@contextmanager
def _display_printed(publisher: Any) -> Generator[None]:
    """Let ``display`` write the text form of a value where prints go, and send nothing."""
    hook = sys.displayhook
    publisher.publish, publisher.clear_output = _print_bundle, _clear_nothing
    sys.displayhook = _print_value
    try:
        yield
    finally:
        sys.displayhook = hook
        del publisher.publish, publisher.clear_output  # the class's own show again


def _print_bundle(data: dict[str, Any], *_: Any, **__: Any) -> None:
    sys.stdout.write(f"{data.get('text/plain', '')}\n")


def _clear_nothing(*_: Any, **__: Any) -> None:
    """Leave the cell's outputs as they are."""


def _print_value(value: object) -> None:
    sys.stdout.write(f"{value!r}\n")


@contextmanager
def _descriptors_dropped() -> Generator[None]:
    """Point the descriptors 1 and 2 at nothing; where one is missing, it is left alone."""
    _flush()
    kept: dict[int, int] = {}
    with suppress(OSError):  # a process without a console may have none
        nothing = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            with suppress(OSError):
                copy = os.dup(descriptor)
                kept[descriptor] = copy
                os.dup2(nothing, descriptor)
        os.close(nothing)
    try:
        yield
    finally:
        _flush()  # what the answer left in a buffer is dropped too
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):  # missing or closed
            stream.flush()  # type: ignore[union-attr]
