"""Call it with arguments that are huge, strange, or not numbers at all."""

from __future__ import annotations

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ARGUMENTS = {
    "16 MB": "np.zeros(2_000_000)",
    "10**12 entries": "np.broadcast_to(0.0, (10**6, 10**6))",
    "another shape": "np.zeros((3, 4, 5))",
    "no entries": "np.zeros(0)",
    "text": "'theta'",
    "an array of text": "np.array(['a'])",
    "objects": "np.array([object()])",
    "a class": "type",
    "itself": "product",
    "None": "None",
    "many": "*range(100_000)",
    "deep": "__import__('functools').reduce(lambda a, _: [a], range(3000), 1)",
    "NaN": "np.full(start.shape, np.nan)",
    "complex": "start.astype(complex)",
    "huge numbers": "np.full(start.shape, 1e308)",
    "huge integers": "[10**400] * start.size",
    "dates": "np.zeros(3, 'M8[s]')",
    "a dict": "{'start': start}",
}


def attack(expression: str) -> Attack:
    return Attack(
        tries="calls the broker's functions with huge and strange arguments and objects",
        aims=("batch", "grade"),
        exercise="power_iteration",
        slug="04-hessian",
        answer=f"""\
import numpy as np


def power_iteration(product, start, n_steps):
    for _ in range(3):
        try:
            product({expression})
        except Exception:
            pass
    return 0.0, np.zeros_like(start)
""",
        beside={},
        points={"power_iteration": 0.0},
        plain="none",
    )


ATTACK = attack(ARGUMENTS["objects"])


@pytest.mark.parametrize("expression", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_a_strange_argument_is_answered_by_an_error(arena: Arena, expression: str) -> None:
    arena.withstands(attack(expression))
