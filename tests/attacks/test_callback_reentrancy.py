"""Call from several threads at once, from within an answer, and after the answer was given."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="calls the broker from threads, nested calls and late calls",
    aims=("batch", "grade"),
    exercise="power_iteration",
    slug="04-hessian",
    answer="""\
import sys, threading

import numpy as np

kept = []


class Calls:
    def __init__(self, product, start):
        self.product, self.start = product, start

    def __array__(self, *a, **k):
        self.product(self.start)
        return self.start

    def __len__(self):
        self.product(self.start)
        return 3


def late(product, start):
    for _ in range(50):
        try:
            product(start)
        except BaseException:
            pass


def power_iteration(product, start, n_steps):
    for old, at in kept:
        try:
            old(at)
        except Exception:
            pass
    kept.append((product, start))
    try:
        product(Calls(product, start))
    except Exception:
        pass
    for _ in range(4):
        threading.Thread(target=late, args=(product, start), daemon=True).start()
    return 0.0, np.zeros_like(start)
""",
    beside={},
    points={"power_iteration": 0.0},
    plain="none",
)


def test_calls_at_the_wrong_time_end_their_own_run_only(arena: Arena) -> None:
    arena.withstands(ATTACK)
