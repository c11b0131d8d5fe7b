"""Return an array, and go on changing it in a thread after it was handed over."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="changes the returned array from a thread while it is compared",
    answer="""\
import threading, time

import numpy as np

shared = np.zeros(())


def change():
    value = 0.0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        value = value + 0.01 if value < 9 else 0.0
        shared[...] = value


threading.Thread(target=change, daemon=True).start()


def mean_squared_error(y, targets):
    return shared
""",
    beside={},
    points={"mean_squared_error": 0.0, "predict_shapes": 0.0},
)


def test_a_result_that_changes_is_compared_once(arena: Arena) -> None:
    arena.withstands(ATTACK)
