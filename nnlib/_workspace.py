"""Memory that outlives one batch.

A layer asks ``self._array(name, shape, dtype)`` for every array it fills. Called on its own it gets
a fresh array, so a learner may keep or change what a call returned. While a model trains, each
layer carries a ``Workspace``, which hands out the same memory batch after batch: large temporaries
cost page faults, and small ones a good part of a step that lasts some 50 µs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnlib._array import Array


class Workspace:
    """Hand out the same memory for the same name again and again."""

    def __init__(self) -> None:
        self._memory: dict[str, NDArray[Any]] = {}
        self._views: dict[tuple[str, tuple[int, ...]], NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array of ``shape`` with arbitrary content, valid until the next request."""
        view = self._views.get((name, shape))
        if view is not None and view.dtype == dtype:
            return view
        size = prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = self._memory[name] = np.empty(size, dtype)
        # Forgetting all views now and then bounds them: only a few shapes occur in a run.
        if len(self._views) > 64:
            self._views.clear()
        view = self._views[name, shape] = memory[:size].reshape(shape)
        return view


class FreshWorkspace(Workspace):
    """Hand out new memory each time, to a model whose layers trust one another not to change it."""

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:  # ruff: ignore[unused-method-argument]
        """Return a new array of ``shape`` with arbitrary content."""
        return np.empty(shape, dtype)


FRESH = FreshWorkspace()


class Buffered:
    """Give layers and losses the two questions they ask about memory."""

    _workspace: Workspace | None = None

    def _array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array to fill: fresh in a call from outside, reused while training."""
        if self._workspace is None:
            return np.empty(shape, dtype)
        return self._workspace.array(name, shape, dtype)

    def _keep(self, array: Array) -> Array:
        """Return ``array`` safe to keep until backward: a copy if the caller holds it too."""
        return array.copy() if self._workspace is None else array


@contextmanager
def working_in(pairs: Iterable[tuple[Buffered, Workspace]]) -> Generator[None]:
    """Lend each object its workspace for the duration of a ``with`` block."""
    lent = list(pairs)
    held = [(owner, owner._workspace) for owner, _ in lent]
    try:
        for owner, workspace in lent:
            owner._workspace = workspace
        yield
    finally:
        for owner, before in held:
            owner._workspace = before
