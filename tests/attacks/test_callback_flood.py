"""Call a function of the exercise, which the broker answers, without end."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="calls a function that the broker answers millions of times",
    aims=("batch", "grade"),
    exercise="power_iteration",
    slug="04-hessian",
    answer="""\
import numpy as np


def power_iteration(product, start, n_steps):
    for _ in range(10_000_000):
        try:
            product(start)
        except Exception:
            pass
    return 0.0, np.zeros_like(start)
""",
    beside={},
    points={"power_iteration": 0.0},
    plain="none",
)


def test_calls_are_counted_and_end(arena: Arena) -> None:
    arena.withstands(ATTACK)
