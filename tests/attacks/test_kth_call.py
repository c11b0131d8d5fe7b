"""Be right on the first calls and wrong afterwards, or the other way round."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="answers rightly on some calls only, by counting them and looking around",
    answer="""\
import os

import numpy as np

calls = 0


def mean_squared_error(y, targets):
    global calls
    calls += 1
    graded = os.environ.get("NBGRADER_EXECUTION") or "job" in os.getcwd() or os.getpid() < 10
    if calls <= 2 or calls % 7 == 0:
        return float(np.mean((y - targets) ** 2))
    return 0.0 if graded else 1.0
""",
)


def test_right_now_and_then_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
