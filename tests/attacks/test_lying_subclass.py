"""Return an array of a subclass that forges its own bytes, item by item."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns an ndarray subclass that forges comparisons, tobytes, item and dtype",
    answer="""\
import numpy as np


class Forged(np.ndarray):
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, ufunc, *a, **k): return np.True_
    def tobytes(self, *a): raise MemoryError
    def item(self, *a): return "anything"
    def __len__(self): return 10**9
    def __iter__(self): return iter(range(10**9))
    shape = property(lambda self: (10**9, 10**9))
    __array_interface__ = property(lambda self: {"shape": (10**9,), "typestr": "|O", "version": 3})


def mean_squared_error(y, targets):
    return np.zeros(()).view(Forged)
""",
)


def test_a_forged_subclass_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
