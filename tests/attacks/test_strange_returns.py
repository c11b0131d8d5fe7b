"""Return values that are hard to compare: NaN, infinities, endless nesting, text, huge numbers."""

from __future__ import annotations

import pytest

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

VALUES = {
    "a list that holds itself": "(lambda a: a.append(a) or a)([])",
    "lists 5,000 deep": "__import__('functools').reduce(lambda a, _: [a], range(5000), 1)",
    "a million items": "[0.0] * 1_000_000",
    "NaN": "float('nan')",
    "an infinity": "float('inf')",
    "an integer of a million digits": "10 ** 1_000_000",
    "a lone surrogate": "chr(0xD800) * 3",
    "text of 10 MB": "'x' * 10_000_000",
    "an array of text": "np.array(['x' * 1000] * 1000)",
    "an array of objects": "np.array([object(), print], dtype=object)",
    "a record array": "np.zeros(3, dtype=[('a', 'f8'), ('b', 'O')])",
    "dates": "np.array(['2001-01-01'], dtype='M8[D]')",
    "complex numbers": "complex(1, 2)",
    "a million axes, nearly": "np.zeros((1,) * 60)",
    "an empty array of huge shape": "np.zeros((0, 10**15))",
    "a negative stride": "np.arange(10.0)[::-1]",
    "extended precision": "np.longdouble('1e4000')",
    "a generator": "(i for i in range(10**9))",
    "a class": "type('X' * 10_000, (), {})()",
    "True": "True",
    "a masked array": "np.ma.masked_all((3, 2))",
    "a matrix": "np.matrix([[1.0]])",
    "strange bytes as booleans": "np.array([2, 3, 255], dtype=np.uint8).view(bool)",
    "code points beyond Unicode": "np.array([0xFFFFFFFF], dtype=np.uint32).view('U1')",
}


def attack(expression: str) -> Attack:
    return Attack(
        tries="returns values that are hard to compare: endless, nested, huge, without a number",
        aims=("grade", "batch"),
        answer="import numpy as np\n\n\ndef mean_squared_error(y, targets):\n"
        f"    return {expression}\n",
    )


ATTACK = attack("(lambda a: a.append(a) or a)([])")


@pytest.mark.parametrize("expression", VALUES.values(), ids=VALUES.keys())
def test_no_value_is_right_by_being_strange(arena: Arena, expression: str) -> None:
    arena.withstands(attack(expression))
