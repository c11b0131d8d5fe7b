"""Return an object that answers every NumPy function with True."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns an object with __array_function__, __array_ufunc__ and __array__ that lie",
    answer="""\
import numpy as np


class Agrees:
    shape, dtype, ndim, size = (), np.dtype(float), 0, 1

    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return np.True_
    def __array__(self, *a, **k): raise TypeError("look elsewhere")
    def __float__(self): return 0.0
    def __eq__(self, other): return True
    __hash__ = None


def mean_squared_error(y, targets):
    return Agrees()
""",
)


def test_an_agreeable_array_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
