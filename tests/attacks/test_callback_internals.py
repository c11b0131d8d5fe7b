"""Look inside the function that was given: its closure, its module, its globals."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="reads the parameters of a given function from its closure and globals",
    aims=("secrets", "grade"),
    exercise="power_iteration",
    slug="04-hessian",
    answer="""\
import numpy as np


def insides(thing, depth=0, seen=None):
    seen = set() if seen is None else seen
    if depth > 5 or id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    for name in ("__closure__", "__dict__", "__globals__", "__func__", "__self__", "cell_contents"):
        inner = getattr(thing, name, None)
        if isinstance(inner, dict):
            for value in list(inner.values()):
                yield from insides(value, depth + 1, seen)
        elif isinstance(inner, tuple):
            for value in inner:
                yield from insides(value, depth + 1, seen)
        elif inner is not None:
            yield from insides(inner, depth + 1, seen)


def power_iteration(product, start, n_steps):
    matrices = [x for x in insides(product) if isinstance(x, np.ndarray) and x.ndim == 2]
    if matrices:
        values, columns = np.linalg.eigh(matrices[0])
        return values[-1], columns[:, -1]
    return 0.0, np.zeros_like(start)
""",
    beside={},
    points={"power_iteration": 0.0},
    plain="none",
)


def test_a_given_function_is_a_proxy(arena: Arena) -> None:
    arena.withstands(ATTACK)
