"""Return far more than was asked for."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="returns arrays of 80 MB, or of 10**12 entries that take no memory",
    aims=("host", "batch"),
    answer="""\
import numpy as np

calls = 0


def mean_squared_error(y, targets):
    global calls
    calls += 1
    if calls % 2:
        return np.ones(10_000_000)
    return np.broadcast_to(np.float64(1.0), (10**6, 10**6))
""",
)


def test_a_huge_result_is_refused(arena: Arena) -> None:
    arena.withstands(ATTACK)
