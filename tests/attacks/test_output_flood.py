"""Print without end."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="prints 300,000 lines in a cell and as many in every call",
    aims=("host", "batch"),
    added=("for i in range(300_000):\n    print(i, 'x' * 40)\n",),
    answer="""\
import sys


def mean_squared_error(y, targets):
    for _ in range(100_000):
        print("x" * 40)
        sys.stderr.write("y" * 40)
    return 0.0
""",
)


def test_a_flood_of_lines_is_cut(arena: Arena) -> None:
    arena.withstands(ATTACK)
