"""Print one line of 60 MB."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="prints one line of 60 MB",
    aims=("host", "batch"),
    answer="print('x' * 60_000_000)\n\n\ndef mean_squared_error(y, targets):\n    return 0.0\n",
)


def test_one_huge_line_is_cut(arena: Arena) -> None:
    arena.withstands(ATTACK)
